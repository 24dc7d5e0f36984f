"""``imagetasks login``: credentials are asked for, tried at the registry, and stored as Docker stores them.

How a registry is asked is the distribution specification's (https://distribution.github.io/distribution/spec/auth/token/):
``GET /v2/`` is answered with 200, or with 401 and the way to identify oneself.
"""

from __future__ import annotations

import getpass
import ipaddress
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit
from urllib.request import parse_http_list

from imagetasks.errors import LoginError
from imagetasks.registry.credentials import Credentials, store_credentials
from imagetasks.registry.reference import DOCKER_HUB, parse_registry

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

DOCKER_HUB_HOST = "registry-1.docker.io"
TIMEOUT_SECONDS = 30
CLIENT_ID = "imagetasks"

_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_TOKEN_REFUSALS = (*_REFUSALS, HTTPStatus.BAD_REQUEST)  # RFC 6749, section 5.2

Prompt = Callable[[str, bool], str]
"""Asks a person a question; with ``True`` the answer is not shown as it is typed."""


def terminal_prompt(question: str, hidden: bool) -> str:
    """Ask on the terminal.

    :raises LoginError: there is no terminal, or nobody answers
    """
    if not sys.stdin.isatty():
        raise LoginError("there is no terminal to ask on: pass -u USER and --password-stdin")
    try:
        return getpass.getpass(question) if hidden else input(question)
    except EOFError:
        raise LoginError(f"no answer to {question.strip(': ')!r}") from None


def read_password(stream: TextIO) -> str:
    """Read a password as ``--password-stdin`` does: all there is, without the end of the line.

    :raises LoginError: it is no text
    """
    try:
        return stream.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise LoginError(f"the password on standard input is not {stream.encoding} text") from None


def login(
    registry: str = DOCKER_HUB,
    *,
    username: str = "",
    password: str | None = None,
    prompt: Prompt = terminal_prompt,
) -> str:
    """Try credentials at a registry and store them; what is not given is asked for.

    :param registry: a host with or without a port, or a URL of it
    :return: a sentence for the user
    :raises ReferenceSyntaxError: the text is no registry
    :raises LoginError: the credentials are missing, refused or cannot be stored, or the registry does not answer
    """
    host = parse_registry(registry)
    if password is not None and not username:
        raise LoginError("a password from standard input needs a user name: pass -u USER")
    username = username or prompt("Username: ", False).strip()
    if not username:
        raise LoginError(f"a login to {host} needs a user name")
    password = prompt(f"Password for {username}: ", True) if password is None else password
    if not password:
        raise LoginError(f"a login to {host} as {username} needs a password, and it is empty")
    credentials = Credentials(username, password)
    check_credentials(host, credentials)
    store_credentials(host, credentials)
    return f"logged in to {host} as {username}"


def docker_cli_login(registry: str, username: str, password_from_stdin: bool) -> int:
    """Hand over to ``docker login``, which reads our standard input; returns its exit code.

    :raises OSError: there is no docker command line
    """
    command = ["docker", "login"]
    command += [f"--username={username}"] if username else []
    command += ["--password-stdin"] if password_from_stdin else []
    host = parse_registry(registry)
    command += [] if host == DOCKER_HUB else [host]
    return subprocess.run(command, check=False).returncode


def check_credentials(registry: str, credentials: Credentials) -> None:
    """Ask a registry whether it knows the credentials; one that lets everybody in takes any.

    A registry on this machine may, as for Docker, have a certificate that nobody trusts, or speak HTTP. Redirects are
    not followed, so that credentials reach the registry and the token service that it names, and nobody else.

    :raises LoginError: the registry refuses the credentials, or does not answer as a registry does
    """
    import requests

    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a certificate on this machine was not verified
        _Talk(registry, session).check(credentials)


def wants_credentials(registry: str) -> bool:
    """Whether a registry asks who one is; for one on this machine the rules of :func:`check_credentials` hold.

    :raises LoginError: it does not answer
    """
    import requests

    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _Talk(registry, session).wants_credentials()


@dataclass(frozen=True)
class Challenge:
    """One way to identify oneself, out of ``WWW-Authenticate``."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """Read ``WWW-Authenticate`` (RFC 9110, section 11.6.1); schemes and names of parameters become lower case."""
    challenges: list[tuple[str, dict[str, str]]] = []
    for item in parse_http_list(header):
        scheme, _, parameter = item.partition(" ")
        if "=" in scheme:  # one more parameter of the challenge before
            parameter = item
        else:
            challenges.append((scheme.lower(), {}))
        name, equals, value = parameter.partition("=")
        if equals and challenges:
            challenges[-1][1][name.strip().lower()] = value.strip().removeprefix('"').removesuffix('"')
    return [Challenge(scheme, parameters) for scheme, parameters in challenges]


class _Talk:
    """What is said to one registry, and to its token service."""

    def __init__(self, registry: str, session: Session) -> None:
        self._registry = registry
        self._host = DOCKER_HUB_HOST if registry == DOCKER_HUB else registry
        self._local = _is_loopback(f"//{self._host}")
        self._session = session
        session.trust_env = not self._local  # proxies and certificates of the environment are for other machines
        session.auth = _unchanged  # else requests would look into ~/.netrc

    def wants_credentials(self) -> bool:
        return self._greet().status_code == HTTPStatus.UNAUTHORIZED

    def check(self, credentials: Credentials) -> None:
        response = self._greet()
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response = self._identify(response, credentials)
        if response.status_code in _REFUSALS:
            raise self._refused(credentials)
        if response.status_code != HTTPStatus.OK:
            raise LoginError(
                f"{response.url} answers with status {response.status_code}, so {self._registry} may be no registry"
            )

    def _greet(self) -> Response:
        if self._local:
            with suppress(LoginError):
                return self._request("GET", f"https://{self._host}/v2/", verify=False)
            return self._request("GET", f"http://{self._host}/v2/")
        return self._request("GET", f"https://{self._host}/v2/")

    def _identify(self, response: Response, credentials: Credentials) -> Response:
        challenges = {c.scheme: c.parameters for c in parse_challenges(response.headers.get("WWW-Authenticate", ""))}
        verify = not self._local
        if "bearer" in challenges:
            headers = {"Authorization": f"Bearer {self._token(challenges['bearer'], credentials)}"}
            return self._request("GET", response.url, headers=headers, verify=verify)
        if "basic" in challenges:
            return self._request("GET", response.url, auth=_basic(credentials), verify=verify)
        raise LoginError(f"registry {self._registry} knows neither Basic nor Bearer logins, and we know no others")

    def _token(self, challenge: Mapping[str, str], credentials: Credentials) -> str:
        """Get a token that opens the registry from its token service, with the password or the identity token."""
        realm = challenge.get("realm", "")
        local = self._local and _is_loopback(realm)
        if not realm.startswith(("https://", "http://") if local else "https://"):
            raise LoginError(f"registry {self._registry} names a token service without https: {realm!r}")
        about = {"service": challenge.get("service", ""), "client_id": CLIENT_ID}
        if credentials.identity_token:
            grant = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token}
            response = self._request("POST", realm, data=about | grant, verify=not local)
        else:
            about |= {"account": credentials.username}
            response = self._request("GET", realm, params=about, auth=_basic(credentials), verify=not local)
        if response.status_code in _TOKEN_REFUSALS:
            raise self._refused(credentials)
        token = _token_in(response)
        if not token:
            raise LoginError(f"token service {realm} of registry {self._registry} answers without a token")
        return token

    def _request(self, method: str, url: str, **options: Any) -> Response:
        import requests

        try:
            return self._session.request(method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **options)
        except requests.exceptions.SSLError:
            reason = "its certificate is not trusted, or it does not speak TLS"
        except requests.exceptions.Timeout:
            reason = f"no answer within {TIMEOUT_SECONDS} seconds"
        except requests.exceptions.RequestException:
            reason = "no connection"
        raise LoginError(f"registry {self._registry} cannot be reached at {url}: {reason}")

    def _refused(self, credentials: Credentials) -> LoginError:
        if credentials.identity_token:
            return LoginError(f"registry {self._registry} refuses the identity token: log in again")
        return LoginError(
            f"registry {self._registry} refuses user {credentials.username}: the user name or the password is wrong"
        )


def _unchanged(request: PreparedRequest) -> PreparedRequest:
    return request


def _basic(credentials: Credentials) -> tuple[bytes, bytes]:
    return credentials.username.encode(), credentials.password.encode()


def _token_in(response: Response) -> str:
    try:
        answer = response.json()
        return str(answer.get("token") or answer.get("access_token") or "")
    except (ValueError, AttributeError):
        return ""


def _is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine; Docker talks to registries there without TLS."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
