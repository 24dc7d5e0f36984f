from __future__ import annotations

import base64
import json
import os
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from imagetasks.errors import LoginError
from imagetasks.registry.credentials import Credentials, as_auth_config, find_credentials, store_credentials

ANN = Credentials("ann", "pa:ss wörd")
REGISTRY = "registry.example.com:5000"

# Speaks the helpers' protocol: a verb as its argument, data on standard input and output, errors on standard output.
HELPER = f"""#!{sys.executable}
import json, pathlib, sys
kept = pathlib.Path(sys.argv[0] + ".json")
known = json.loads(kept.read_text()) if kept.exists() else {{}}
said = sys.stdin.read()
if sys.argv[1] == "store":
    entry = json.loads(said)
    kept.write_text(json.dumps(known | {{entry["ServerURL"]: entry}}))
elif said in known:
    print(json.dumps(known[said]))
else:
    print("credentials not found in native keychain")
    sys.exit(1)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "docker"
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture
def helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the head of PATH."""
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    monkeypatch.setenv("PATH", str(helpers), prepend=os.pathsep)
    return helpers


def add_helper(helpers: Path, name: str, text: str = HELPER) -> Path:
    helper = helpers / f"docker-credential-{name}"
    helper.write_text(text)
    helper.chmod(0o755)
    return helper


def write_config(folder: Path, config: object) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "config.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    return file


def read_config(folder: Path) -> Any:
    return json.loads((folder / "config.json").read_text())


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# -- finding


def test_without_a_config_file_there_are_no_credentials() -> None:
    assert find_credentials("docker.io") is None


def test_without_docker_config_the_home_folder_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    write_config(tmp_path / ".docker", {"auths": {REGISTRY: {"auth": encoded("ann:secret")}}})

    assert find_credentials(REGISTRY) == Credentials("ann", "secret")


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        (REGISTRY, REGISTRY),
        (f"https://{REGISTRY}", REGISTRY),
        (f"http://{REGISTRY}/v1/", REGISTRY),
        (f"{REGISTRY}/v2/", REGISTRY),
    ],
)
def test_an_entry_is_found_however_its_key_is_written(folder: Path, key: str, registry: str) -> None:
    write_config(folder, {"auths": {"other.example.com": {}, key: {"auth": encoded("ann:pa:ss wörd")}}})

    assert find_credentials(registry) == ANN
    assert find_credentials("elsewhere.example.com") is None


def test_the_exact_key_goes_before_a_url_of_the_same_registry(folder: Path) -> None:
    auths = {f"https://{REGISTRY}": {"auth": encoded("old:old")}, REGISTRY: {"auth": encoded("ann:new")}}
    write_config(folder, {"auths": auths})

    assert find_credentials(REGISTRY) == Credentials("ann", "new")


@pytest.mark.parametrize(
    ("entry", "credentials"),
    [
        ({"username": "ann", "password": "secret"}, Credentials("ann", "secret")),
        ({"auth": encoded("ann:"), "identitytoken": "token"}, Credentials("ann", "", "token")),
        ({"identitytoken": "token"}, Credentials(identity_token="token")),
        ({"auth": encoded("ann:secret\0\0")}, Credentials("ann", "secret")),
        ({"email": "ann@example.com"}, None),
        ({}, None),
    ],
)
def test_every_form_of_an_entry_is_read(folder: Path, entry: object, credentials: Credentials | None) -> None:
    write_config(folder, {"auths": {REGISTRY: entry}})

    assert find_credentials(REGISTRY) == credentials


def test_a_helper_for_the_registry_goes_before_the_one_for_all(folder: Path, helpers: Path) -> None:
    add_helper(helpers, "all")
    own = add_helper(helpers, "own")
    write_config(folder, {"credsStore": "all"})
    store_credentials("docker.io", Credentials("bob", "for all"))
    write_config(folder, {"credsStore": "all", "credHelpers": {REGISTRY: "own"}})
    store_credentials(REGISTRY, ANN)

    assert find_credentials(REGISTRY) == ANN
    assert find_credentials("docker.io") == Credentials("bob", "for all")
    assert find_credentials("elsewhere.example.com") is None
    assert list(json.loads(Path(f"{own}.json").read_text())) == [REGISTRY]


def test_a_helper_keeps_identity_tokens(folder: Path, helpers: Path) -> None:
    add_helper(helpers, "all")
    write_config(folder, {"credsStore": "all"})

    store_credentials(REGISTRY, Credentials("ann", identity_token="token"))

    assert find_credentials(REGISTRY) == Credentials(identity_token="token")


def test_a_helper_that_is_not_installed_is_named(folder: Path) -> None:
    write_config(folder, {"credsStore": "nowhere"})

    with pytest.raises(LoginError, match=r"docker-credential-nowhere, which .*config\.json names .* is not on PATH"):
        find_credentials(REGISTRY)


@pytest.mark.parametrize("output", ["the secret is pa:ss", "not json", '{"Username": "ann"}', "[]"])
@pytest.mark.parametrize("code", [0, 1])
def test_a_helper_that_fails_is_named_and_what_it_printed_is_not(
    folder: Path, helpers: Path, output: str, code: int
) -> None:
    add_helper(helpers, "broken", f"#!/bin/sh\ncat >/dev/null\necho '{output}'\nexit {code}\n")
    write_config(folder, {"credsStore": "broken"})

    with pytest.raises(LoginError, match="docker-credential-broken failed") as caught:
        find_credentials(REGISTRY)
    assert output not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        {"auths": ["docker.io"]},
        {"auths": {REGISTRY: "ann"}},
        {"auths": {REGISTRY: {"auth": encoded("no colon")}}},
        {"auths": {REGISTRY: {"auth": 1}}},
        {"auths": {REGISTRY: {"username": "ann", "password": 1}}},
        {"credHelpers": ["all"]},
        {"credsStore": 1},
    ],
)
def test_a_config_file_that_is_broken_is_named(folder: Path, config: object) -> None:
    write_config(folder, config)

    with pytest.raises(LoginError, match=str(folder)):
        find_credentials(REGISTRY)


# -- storing


@pytest.mark.parametrize("registry", ["docker.io", REGISTRY])
@pytest.mark.parametrize("credentials", [ANN, Credentials("ann", "", "token")])
def test_what_is_stored_is_found(registry: str, credentials: Credentials) -> None:
    store_credentials(registry, credentials)

    assert find_credentials(registry) == credentials


def test_the_first_login_makes_a_file_that_nobody_else_may_read(folder: Path) -> None:
    store_credentials("docker.io", Credentials("ann", "secret"))

    file = folder / "config.json"
    assert file.read_text() == (
        '{\n\t"auths": {\n\t\t"https://index.docker.io/v1/": {\n\t\t\t"auth": "YW5uOnNlY3JldA=="\n\t\t}\n\t}\n}'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == [file]


def test_everything_else_in_the_file_stays(folder: Path) -> None:
    other = {"auth": encoded("bob:secret"), "email": "bob@example.com"}
    config = {"psFormat": "table {{.Names}} <ü>", "auths": {"other.example.com": other}, "proxies": {}}
    write_config(folder, config)

    store_credentials(REGISTRY, Credentials("ann", "secret"))

    assert read_config(folder) == config | {
        "auths": {"other.example.com": other, REGISTRY: {"auth": encoded("ann:secret")}}
    }


def test_where_a_helper_keeps_the_secret_the_file_gets_an_empty_entry(folder: Path, helpers: Path) -> None:
    add_helper(helpers, "all")
    write_config(folder, {"credsStore": "all", "auths": {REGISTRY: {"auth": encoded("ann:old")}}})

    store_credentials(REGISTRY, ANN)

    assert read_config(folder) == {"credsStore": "all", "auths": {REGISTRY: {}}}


def test_a_helper_that_cannot_store_leaves_the_file_as_it_is_and_the_secret_untold(
    folder: Path, helpers: Path
) -> None:
    add_helper(helpers, "broken", "#!/bin/sh\ncat\nexit 1\n")
    file = write_config(folder, {"credsStore": "broken"})
    before = file.read_text()

    with pytest.raises(LoginError, match="docker-credential-broken failed") as caught:
        store_credentials(REGISTRY, ANN)
    assert ANN.password not in str(caught.value)
    assert file.read_text() == before


def test_a_link_to_the_file_stays_a_link(folder: Path, tmp_path: Path) -> None:
    target = write_config(tmp_path / "dotfiles", {"auths": {}})
    folder.mkdir()
    (folder / "config.json").symlink_to(target)

    store_credentials(REGISTRY, ANN)

    assert (folder / "config.json").is_symlink()
    assert REGISTRY in json.loads(target.read_text())["auths"]


def test_a_broken_file_is_not_overwritten(folder: Path) -> None:
    file = write_config(folder, '{"auths": {')

    with pytest.raises(LoginError, match=r"config\.json is not JSON"):
        store_credentials(REGISTRY, ANN)
    assert file.read_text() == '{"auths": {'


def test_an_empty_file_is_filled(folder: Path) -> None:
    write_config(folder, "")

    store_credentials(REGISTRY, ANN)

    assert find_credentials(REGISTRY) == ANN


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    folder.parent.joinpath("docker").write_text("a file where the folder should be")

    with pytest.raises(LoginError, match=str(folder)):
        store_credentials(REGISTRY, ANN)


def test_logins_at_the_same_time_are_all_kept() -> None:
    registries = [f"registry{number}.example.com" for number in range(12)]
    threads = [threading.Thread(target=store_credentials, args=(registry, ANN)) for registry in registries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [find_credentials(registry) for registry in registries] == [ANN] * len(registries)


# -- handing on


def test_a_representation_shows_no_secret() -> None:
    assert repr(Credentials("ann", "secret", "token")) == "Credentials(username='ann')"


def test_the_daemon_gets_a_password_or_a_token() -> None:
    assert as_auth_config(Credentials("ann", "secret")) == {"username": "ann", "password": "secret"}
    assert as_auth_config(Credentials("ann", "", "token")) == {"identitytoken": "token"}
