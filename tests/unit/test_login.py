"""Logins at registries that are played by small HTTP servers; those at a real one are in the integration tests."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from imagetasks.errors import LoginError, ReferenceSyntaxError
from imagetasks.registry.credentials import Credentials, find_credentials
from imagetasks.registry.login import (
    Challenge,
    check_credentials,
    docker_cli_login,
    login,
    parse_challenges,
    read_password,
    terminal_prompt,
)

ANN = Credentials("ann", "pa:ss wörd")
ANN_BASIC = "Basic " + base64.b64encode(f"{ANN.username}:{ANN.password}".encode()).decode()


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    authorization: str
    form: dict[str, list[str]]


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None


@dataclass
class Server:
    """Answers as ``answer`` says, and keeps what it was asked."""

    answer: Callable[[Request], Answer]
    address: str = ""
    requests: list[Request] = field(default_factory=list)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        authorization = handler.headers.get("Authorization", "")
        request = Request(handler.command, url.path, parse_qs(url.query), authorization, parse_qs(body))
        self.requests.append(request)
        answer = self.answer(request)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(json.dumps(answer.body).encode())


@contextmanager
def running(answer: Callable[[Request], Answer]) -> Iterator[Server]:
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.serve(self)

        def do_POST(self) -> None:
            server.serve(self)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.address = f"127.0.0.1:{httpd.server_port}"
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@contextmanager
def running_bearer_registry() -> Iterator[Server]:
    """Gives a token to Ann, by password or identity token, and wants to see it."""

    def answer(request: Request) -> Answer:
        if request.path == "/token":
            known = request.authorization == ANN_BASIC or request.form.get("refresh_token") == ["identity"]
            return Answer(200, body={"access_token": "opens"}) if known else Answer(401)
        if request.authorization == "Bearer opens":
            return Answer(200)
        realm = f"http://{server.address}/token"
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="a, b"'})

    with running(answer) as server:
        yield server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path


# -- the registry


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", []),
        ("Basic realm=x", [Challenge("basic", {"realm": "x"})]),
        ("Negotiate", [Challenge("negotiate", {})]),
        (
            'Negotiate, BEARER Realm="https://a/b?c=d,e", service="a \\"b\\"" , Basic realm="x"',
            [
                Challenge("negotiate", {}),
                Challenge("bearer", {"realm": "https://a/b?c=d,e", "service": 'a "b"'}),
                Challenge("basic", {"realm": "x"}),
            ],
        ),
        ("realm=lost", []),
    ],
)
def test_challenges_are_read(header: str, challenges: list[Challenge]) -> None:
    assert parse_challenges(header) == challenges


def test_a_token_service_is_asked_with_the_password() -> None:
    with running_bearer_registry() as server:
        check_credentials(server.address, ANN)

    probe, token, opened = server.requests
    assert (probe.path, probe.authorization) == ("/v2/", "")
    assert (token.method, token.path, token.authorization) == ("GET", "/token", ANN_BASIC)
    assert (token.query["service"], token.query["account"]) == (["a, b"], ["ann"])
    assert (opened.path, opened.authorization) == ("/v2/", "Bearer opens")


def test_a_token_service_is_asked_with_the_identity_token() -> None:
    with running_bearer_registry() as server:
        check_credentials(server.address, Credentials(identity_token="identity"))

    token = server.requests[1]
    assert (token.method, token.authorization) == ("POST", "")
    assert token.form["grant_type"] == ["refresh_token"]


@pytest.mark.parametrize("wrong", [Credentials("ann", "wrong-one"), Credentials(identity_token="wrong-one")])
def test_a_token_service_that_refuses_is_told_with_registry_and_user(wrong: Credentials) -> None:
    with (
        running_bearer_registry() as server,
        pytest.raises(LoginError, match=f"{server.address} refuses (user ann|the identity token)") as caught,
    ):
        check_credentials(server.address, wrong)

    assert "wrong-one" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(404), "status 404"),
        (Answer(503), "status 503"),
        (Answer(401), "knows neither Basic nor Bearer"),
        (Answer(401, {"WWW-Authenticate": "Negotiate"}), "knows neither Basic nor Bearer"),
        (Answer(401, {"WWW-Authenticate": "Bearer service=a"}), "a token service without https"),
        (
            Answer(401, {"WWW-Authenticate": 'Bearer realm="http://token.example.com"'}),
            "a token service without https",
        ),
        (Answer(401, {"WWW-Authenticate": 'Bearer realm="https://[x"'}), "cannot be reached"),
        (Answer(401, {"WWW-Authenticate": "Basic realm=x"}), "refuses user ann"),
        (Answer(403), "refuses user ann"),
    ],
)
def test_a_registry_that_does_not_let_in_is_told_in_a_sentence(answer: Answer, says: str) -> None:
    with running(lambda _: answer) as server, pytest.raises(LoginError, match=says) as caught:
        check_credentials(server.address, ANN)

    assert server.address in str(caught.value)
    assert ANN.password not in str(caught.value)


def test_a_token_service_without_a_token_is_told() -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/token":
            return Answer(200, body=["no token"])
        return Answer(401, {"WWW-Authenticate": f'Bearer realm="http://{server.address}/token"'})

    with running(answer) as server, pytest.raises(LoginError, match="answers without a token"):
        check_credentials(server.address, ANN)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_takes_credentials_elsewhere(status: int) -> None:
    def answer(request: Request) -> Answer:
        if request.authorization:
            return Answer(status, {"Location": f"http://{elsewhere.address}/v2/"})
        return Answer(401, {"WWW-Authenticate": "Basic realm=x"})

    with (
        running(lambda _: Answer(200)) as elsewhere,
        running(answer) as server,
        pytest.raises(LoginError, match=f"status {status}"),
    ):
        check_credentials(server.address, ANN)

    assert elsewhere.requests == []


def test_a_password_in_netrc_is_not_tried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = folder / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {ANN.username} password right\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with running(lambda _: Answer(401, {"WWW-Authenticate": "Basic realm=x"})) as server, pytest.raises(LoginError):
        check_credentials(server.address, ANN)

    assert [request.authorization for request in server.requests] == ["", ANN_BASIC]


def test_a_registry_that_is_not_there_is_named() -> None:
    with running(lambda _: Answer(200)) as server:
        gone = server.address

    with pytest.raises(LoginError, match=f"registry {gone} cannot be reached at http://{gone}/v2/: no connection"):
        check_credentials(gone, ANN)


def test_a_proxy_of_the_environment_leads_to_other_machines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(lambda _: Answer(502)) as proxy, running(lambda _: Answer(200)) as local:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:proxy-secret@{proxy.address}")
        monkeypatch.setenv("HTTP_PROXY", f"http://ann:proxy-secret@{proxy.address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        check_credentials(local.address, ANN)
        with pytest.raises(LoginError, match=r"registry\.example\.com cannot be reached") as caught:
            check_credentials("registry.example.com", ANN)

    assert "proxy-secret" not in str(caught.value)
    assert len(local.requests) == 1


# -- the person


def never(question: str, hidden: bool) -> str:
    raise AssertionError(f"asked {question}")


def test_what_is_not_given_is_asked_for_and_the_password_is_hidden() -> None:
    questions = {}

    def prompt(question: str, hidden: bool) -> str:
        questions[question] = hidden
        return ANN.password if hidden else " ann "

    with running_bearer_registry() as server:
        said = login(f"http://{server.address}/", prompt=prompt)

    assert questions == {"Username: ": False, "Password for ann: ": True}
    assert said == f"logged in to {server.address} as ann"
    assert find_credentials(server.address) == ANN


def test_what_is_given_is_not_asked_for() -> None:
    with running_bearer_registry() as server:
        login(server.address, username="ann", password=ANN.password, prompt=never)

    assert find_credentials(server.address) == ANN


def test_refused_credentials_are_not_stored() -> None:
    with running_bearer_registry() as server, pytest.raises(LoginError):
        login(server.address, username="ann", password="wrong")

    assert find_credentials(server.address) is None


@pytest.mark.parametrize(
    ("username", "password", "says"),
    [("", "secret", "pass -u USER"), ("ann", "", "is empty")],
)
def test_a_login_that_cannot_succeed_is_not_tried(username: str, password: str, says: str) -> None:
    with running(lambda _: Answer(200)) as server, pytest.raises(LoginError, match=says):
        login(server.address, username=username, password=password, prompt=never)

    assert server.requests == []


def test_an_empty_answer_is_no_user_name() -> None:
    with pytest.raises(LoginError, match=r"docker\.io needs a user name"):
        login(prompt=lambda question, hidden: "")


def test_what_is_no_registry_is_refused() -> None:
    with pytest.raises(ReferenceSyntaxError):
        login("my registry", username="ann", password="secret")


def test_without_a_terminal_the_options_to_pass_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ann\n"))

    with pytest.raises(LoginError, match="pass -u USER and --password-stdin"):
        terminal_prompt("Username: ", False)


@pytest.mark.parametrize(
    ("typed", "password"),
    [("secret\n", "secret"), ("secret\r\n", "secret"), (" two\nlines ", " two\nlines "), ("", "")],
)
def test_a_password_from_standard_input_loses_its_end_of_line(typed: str, password: str) -> None:
    assert read_password(io.StringIO(typed)) == password


def test_a_password_that_is_no_text_is_refused_untold() -> None:
    with pytest.raises(LoginError, match="is not utf-8 text") as caught:
        read_password(io.TextIOWrapper(io.BytesIO(b"secret\xff"), encoding="utf-8"))

    assert caught.value.__suppress_context__


# -- the docker command line


def add_docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a ``docker`` on PATH that writes down its arguments and exits with 7."""
    docker = folder / "docker"
    docker.write_text('#!/bin/sh\nfor word; do echo "$word"; done >"$0.arguments"\nexit 7\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "docker.arguments"


def test_the_docker_command_line_takes_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = add_docker(folder, monkeypatch)

    assert docker_cli_login("localhost:5000", "ann", True) == 7
    assert arguments.read_text().split() == ["login", "--username=ann", "--password-stdin", "localhost:5000"]


def test_the_docker_command_line_knows_its_own_registry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = add_docker(folder, monkeypatch)

    docker_cli_login("https://index.docker.io/v1/", "", False)

    assert arguments.read_text().split() == ["login"]
