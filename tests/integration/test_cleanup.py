"""``imagetasks cleanup`` and ``doit clean``: what of our builds leaves the daemon, and that nothing else does."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator

import docker
import pytest

from tests.integration.images import only_image
from tests.projects import Project

pytestmark = pytest.mark.docker

NO_DAEMON = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.fixture
def shop(project: Project) -> Project:
    """``base``, and ``api`` FROM it; each built twice, so that the first builds are no longer needed."""
    project.write("base/Dockerfile", "FROM scratch\nCOPY . /\n")
    project.write("api/Dockerfile", f"FROM {project.repository('base')}\nLABEL a=b\nCOPY . /\n")
    project.write(
        "devspace.yaml",
        f"""\
version: v1beta6
images:
  base: {{image: {project.repository("base")}, context: base, dockerfile: base/Dockerfile}}
  api: {{image: {project.repository("api")}, context: api, dockerfile: api/Dockerfile}}
""",
    )
    for text in ("first", "second"):
        build(project, text)
    return project


def build(project: Project, text: str) -> None:
    for name in ("base", "api"):
        project.write(f"{name}/text", text)
    result = project.doit("build", "--skip-push")
    assert result.returncode == 0, result.stdout + result.stderr


def cleaned(project: Project, *words: str) -> list[str]:
    result = project.imagetasks("cleanup", *words)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def tags(daemon: docker.DockerClient, project: Project, name: str) -> set[str]:
    return {tag for image in daemon.images.list(project.repository(name)) for tag in image.tags}


def all_ids(daemon: docker.DockerClient) -> set[str]:
    return {image["Id"] for image in daemon.api.images(all=True)}


def test_older_builds_are_removed_and_the_last_ones_serve_on(shop: Project, daemon: docker.DockerClient) -> None:
    before = tags(daemon, shop, "api") | tags(daemon, shop, "base")

    lines = cleaned(shop)

    after = {only_image(daemon, shop, "api"), only_image(daemon, shop, "base")}
    removed = [line.partition(",")[0].removeprefix("removed ") for line in lines[:-1]]
    assert [line.partition(":")[0] for line in removed] == ["api", "base"]
    assert {line.partition(": ")[2] for line in removed} == before - after
    assert lines[-1].startswith("2 images removed, ")
    assert "images: 2 up to date" in shop.doit("build", "--skip-push").stdout
    assert cleaned(shop) == ["nothing to remove"]


def test_more_builds_are_kept_if_asked(shop: Project, daemon: docker.DockerClient) -> None:
    assert cleaned(shop, "--keep", "2") == ["nothing to remove"]
    build(shop, "third")

    assert cleaned(shop, "--keep", "2")[-1].startswith("2 images removed")
    assert len(tags(daemon, shop, "api")) == 2


def test_what_the_last_run_needs_stays_even_if_none_is_to_be_kept(shop: Project, daemon: docker.DockerClient) -> None:
    assert cleaned(shop, "--keep=0")[-1].startswith("2 images removed")

    assert "images: 2 up to date" in shop.doit("build", "--skip-push").stdout


def test_one_image_alone_is_cleaned_up(shop: Project, daemon: docker.DockerClient) -> None:
    assert cleaned(shop, "api")[-1].startswith("1 image removed")

    assert (len(tags(daemon, shop, "api")), len(tags(daemon, shop, "base"))) == (1, 2)


def test_a_dry_run_tells_what_would_be_removed(shop: Project, daemon: docker.DockerClient) -> None:
    lines = cleaned(shop, "--dry-run")

    assert len(tags(daemon, shop, "api")) == 2
    assert lines[-1] == "2 images would be removed"
    assert [line.replace("would remove", "removed") for line in lines[:-1]] == cleaned(shop)[:-1]


def test_an_image_that_somebody_has_named_stays(shop: Project, daemon: docker.DockerClient) -> None:
    first, _ = sorted(daemon.images.list(shop.repository("api")), key=lambda image: str(image.attrs["Created"]))
    mine = f"{shop.repository('mine')}:1"
    first.tag(mine)

    lines = cleaned(shop, "api")

    assert lines[0].startswith("kept api: ")
    assert lines[0].endswith(f": it is {mine} too")
    assert lines[1:] == ["nothing to remove"]
    assert daemon.images.get(mine).id == first.id


def test_an_image_that_a_container_uses_stays(shop: Project, daemon: docker.DockerClient) -> None:
    first, _ = sorted(daemon.images.list(shop.repository("api")), key=lambda image: str(image.attrs["Created"]))
    container = daemon.api.create_container(first.id, ["/none"])
    try:
        lines = cleaned(shop, "api")
    finally:
        daemon.api.remove_container(container["Id"])

    assert lines[0].endswith(": a container uses it")
    assert cleaned(shop, "api")[-1].startswith("1 image removed")


def test_what_our_name_was_moved_to_stays(shop: Project, daemon: docker.DockerClient) -> None:
    first, last = sorted(daemon.images.list(shop.repository("base")), key=lambda image: str(image.attrs["Created"]))
    last.tag(first.tags[0])

    cleaned(shop)

    assert daemon.images.get(first.tags[0]).id == last.id


@pytest.fixture
def nameless(daemon: docker.DockerClient) -> Iterator[str]:
    """An image of somebody else's that has no name, made in a second in which none of our builds begins."""
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    answer = daemon.api.import_image_from_data(layer.getvalue())
    image_id = str(answer).partition('"status":"')[2].partition('"')[0]
    made = time.time()
    while int(time.time()) == int(made):
        time.sleep(0.05)
    yield image_id
    daemon.api.remove_image(image_id, force=True)


def test_a_nameless_image_that_ours_is_built_on_stays(
    project: Project, daemon: docker.DockerClient, nameless: str
) -> None:
    project.write("Dockerfile", f"FROM {nameless}\nCOPY text /\n")
    project.write("devspace.yaml", f"version: v1beta6\nimages: {{api: {{image: {project.repository('api')}}}}}\n")
    project.write("text", "text")
    assert project.doit("build", "--skip-push").returncode == 0

    assert project.doit("clean", "build").returncode == 0

    assert tags(daemon, project, "api") == set()
    assert nameless in all_ids(daemon)


def test_a_build_under_a_fixed_tag_leaves_nothing_behind(project: Project, daemon: docker.DockerClient) -> None:
    repository = project.repository("api")
    project.write("Dockerfile", "FROM scratch\nCOPY text /\n")
    project.write("devspace.yaml", f"version: v1beta6\nimages: {{api: {{image: {repository}, tag: v1}}}}\n")
    for text in ("first", "second"):
        project.write("text", project.namespace + text)
        assert project.doit("build", "--skip-push").returncode == 0

    (line, _) = cleaned(project)

    gone = line.split()[2].rstrip(",")
    assert not any(image_id.startswith(f"sha256:{gone}") for image_id in all_ids(daemon))
    assert tags(daemon, project, "api") == {f"{repository}:v1"}


def test_doit_clean_removes_all_and_the_next_run_builds_again(shop: Project, daemon: docker.DockerClient) -> None:
    dry = shop.doit("clean", "-n", "build")
    assert dry.stdout.count("would remove") == 4
    assert "images: 2 up to date" in shop.doit("build", "--skip-push").stdout

    result = shop.doit("clean", "build")

    assert (result.returncode, result.stderr) == (0, "")
    assert tags(daemon, shop, "api") | tags(daemon, shop, "base") == set()
    assert "images: 2 built" in shop.doit("build", "--skip-push").stdout


def test_doit_clean_of_one_image_leaves_the_others(shop: Project, daemon: docker.DockerClient) -> None:
    assert shop.doit("clean", "--forget", "build:api").returncode == 0

    assert tags(daemon, shop, "api") == set()
    assert len(tags(daemon, shop, "base")) == 2
    assert "images: 1 built, 1 up to date" in shop.doit("build", "--skip-push").stdout


def test_nothing_is_asked_of_a_daemon_that_has_built_nothing(project: Project) -> None:
    project.write("Dockerfile", "FROM scratch\n")
    project.write("devspace.yaml", f"version: v1beta6\nimages: {{api: {{image: {project.repository('api')}}}}}\n")

    result = project.imagetasks("cleanup", env=NO_DAEMON)

    assert (result.returncode, result.stdout, result.stderr) == (0, "nothing to remove\n", "")
    assert not (project.folder / ".devspace").exists()


def test_a_daemon_that_has_gone_is_a_sentence(shop: Project) -> None:
    way = shop.folder / "docker.sock"
    way.symlink_to("/var/run/docker.sock")
    engine = {"DOCKER_HOST": f"unix://{way}"}
    assert shop.doit("build:base", "-b", env=engine).returncode == 0
    way.unlink()

    sentence = f"ERROR: no Docker daemon answers at unix://{way}; start one, or set DOCKER_HOST to one that runs\n"
    command, clean = shop.imagetasks("cleanup", env=engine), shop.doit("clean", "build:base", env=engine)

    assert (command.returncode, command.stderr) == (3, sentence)
    assert (clean.returncode, clean.stderr) == (1, sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["apy"], "devspace.yaml has no image apy; did you mean api?"),
        (["--keep", "-1"], "imagetasks cleanup: argument --keep: '-1' is no number of builds, such as 1"),
        (["--keep", "few"], "imagetasks cleanup: argument --keep: 'few' is no number of builds, such as 1"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_sentence(project: Project, words: list[str], sentence: str) -> None:
    project.write("devspace.yaml", f"version: v1beta6\nimages: {{api: {{image: {project.repository('api')}}}}}\n")

    result = project.imagetasks("cleanup", *words)

    assert (result.returncode, result.stderr) == (3, f"ERROR: {sentence}\n")
