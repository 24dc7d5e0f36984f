"""One connection for each context, as the kubernetes package makes it.

What the package says of a kubeconfig, and what programs print that get credentials, is not repeated: it may hold a
secret.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from imagetasks.errors import ClusterError
from imagetasks.kubeconfig import credential_plugin, kubeconfig_files, proxy_url

_CONNECTIONS = 32

_lock = threading.RLock()


class Connection:
    """The way to one cluster, which threads share.

    :ivar api_client: the ``kubernetes.client.ApiClient``
    """

    def __init__(self, context: str, files: tuple[Path, ...]) -> None:
        from kubernetes.client import Configuration
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        self._context = context
        self._files = files
        configuration = Configuration()
        configuration.connection_pool_maxsize = _CONNECTIONS
        if context:
            self._use_context(configuration)
        else:
            _use_service_account(configuration)
        if not configuration.verify_ssl:
            disable_warnings(InsecureRequestWarning)
        self.api_client = self._client(configuration)

    @property
    def server(self) -> str:
        """The address of the API server."""
        return str(self.api_client.configuration.host)

    def authorization(self) -> dict[str, str]:
        """The headers that say who we are; a token that has expired is renewed first, by one thread for all."""
        with _lock, self._minding_plugin():
            settings = self.api_client.configuration.auth_settings().values()
        return {setting["key"]: setting["value"] for setting in settings if setting["in"] == "header"}

    def _client(self, configuration: Any) -> Any:
        from kubernetes.client import ApiClient

        try:
            _use_proxy(configuration, proxy_url(self._files, self._context))
            return ApiClient(configuration)
        except ImportError:
            reason = "is a SOCKS proxy: install PySocks (`pip install pysocks`)"
        except ValueError:
            reason = "has an address that is none: correct HTTPS_PROXY, or proxy-url in the kubeconfig"
        raise ClusterError(f"the proxy that leads to context {self._context} {reason}")

    def _use_context(self, configuration: Any) -> None:
        from kubernetes.config import load_kube_config

        files = os.pathsep.join(map(str, self._files))
        try:
            with self._minding_plugin():
                load_kube_config(files, self._context, configuration)
        except ClusterError:
            raise
        except Exception as error:  # the package hands on whatever plugins and identity providers cause
            raise ClusterError(f"context {self._context} of {files} cannot be used: {_reason(error)}") from None

    @contextmanager
    def _minding_plugin(self) -> Iterator[None]:
        """Raise what the package only logs: that the program failed which gets credentials."""
        with _collected_errors() as errors:
            yield
        plugin = credential_plugin(self._files, self._context) if errors else ""
        if plugin:
            found = shutil.which(plugin)
            advice = f"try `kubectl --context {self._context} version`" if found else "install it or correct PATH"
            raise ClusterError(
                f"{plugin}, which gets the credentials for context {self._context}, "
                f"{'failed' if found else 'is not there'}; {advice}"
            )


def connect(context: str, environ: Mapping[str, str]) -> Connection:
    """The connection for a context or, without one, to the cluster of the pod that this runs in.

    :raises ClusterError: the kubeconfig cannot be used, or the program fails that gets credentials
    """
    with _lock:
        return _connection(context, tuple(kubeconfig_files(environ)))


_connection = cache(Connection)


def _use_service_account(configuration: Any) -> None:
    from kubernetes.config import ConfigException, load_incluster_config

    try:
        load_incluster_config(configuration)
    except (ConfigException, OSError):
        raise ClusterError("this pod has no service account's token to reach its cluster with") from None


def _use_proxy(configuration: Any, proxy: str) -> None:
    """Reach the cluster as kubectl does: by its own proxy, else by the environment's unless it is on this machine.

    The package's releases before 36 pass over the first, and all of them over the login in a proxy's address.

    :param proxy: the one that the kubeconfig has for the cluster
    """
    from urllib3 import make_headers

    host = urlsplit(configuration.host).hostname or ""
    if proxy:
        configuration.proxy, configuration.no_proxy = proxy, ""
    elif _is_loopback(host):
        configuration.no_proxy = ",".join(filter(None, (configuration.no_proxy, host)))
    address = urlsplit(configuration.proxy or "")
    if address.username:
        login = f"{unquote(address.username)}:{unquote(address.password or '')}"
        configuration.proxy_headers = make_headers(proxy_basic_auth=login)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _collected_errors() -> Iterator[list[str]]:
    """What is written to the root logger meanwhile."""
    handler = _Collector()
    logging.getLogger().addHandler(handler)
    try:
        yield handler.messages
    finally:
        logging.getLogger().removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "root":
            self.messages.append(record.getMessage())


def _reason(error: Exception) -> str:
    missing_file = str(error).partition("File does not exist: ")[2]
    if missing_file:
        return f"there is no {missing_file}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return "its cluster or its user is missing, incomplete or cannot log in"
