"""``imagetasks login``: store credentials for a registry."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from imagetasks.commands.parser import Parser
from imagetasks.registry.login import docker_cli_login, login, read_password
from imagetasks.registry.reference import DOCKER_HUB


def main(words: Sequence[str]) -> int:
    """Hand over to ``docker login``, or do the same where there is no docker command line."""
    parser = Parser("login", "Store credentials for a registry.")
    parser.add_argument("registry", nargs="?", default=DOCKER_HUB, help="its host[:port] [default: Docker Hub]")
    parser.add_argument("-u", "--username", default="", help="asked for if not given")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    found = parser.parse_args(words)
    if shutil.which("docker"):
        return docker_cli_login(found.registry, found.username, found.password_stdin)
    password = read_password(sys.stdin) if found.password_stdin else None
    print(login(found.registry, username=found.username, password=password))
    return 0
