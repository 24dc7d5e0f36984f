"""The daemon is the judge of what a reference is."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator

import docker
import docker.errors
import pytest
from docker.models.images import Image
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from imagetasks.errors import ReferenceSyntaxError
from imagetasks.registry.reference import MAX_NAME_LENGTH, check_tag, parse_reference

pytestmark = pytest.mark.docker

# The texts have a part that no user's image has, so that no user's tag is ever moved.
MARK = "imagetasks-agreement"
pieces = st.sampled_from(
    ["a", "Z", "0", ".", "-", "_", "__", ":", "/", "é", " ", "localhost", "docker.io/", ":5000/"]
)
ends = st.lists(pieces, max_size=4).map("".join)
texts = st.builds(lambda start, end: start + MARK + end, ends, ends)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    client = docker.from_env()
    client.api.import_image_from_data(archive.getvalue(), repository=MARK, tag="kept")
    image = client.images.get(f"{MARK}:kept")
    yield image
    image.remove(force=True)
    client.close()


@given(texts)
@example("")
@example("0123456789abcdef" * 4)
@example(MARK + "/" + "a" * (MAX_NAME_LENGTH - len(f"docker.io/{MARK}/")))
@example(MARK + "/" + "a" * (MAX_NAME_LENGTH + 1 - len(f"docker.io/{MARK}/")))
@example(f"{MARK}:{'a' * 128}")
@example(f"{MARK}:{'a' * 129}")
@settings(max_examples=200, deadline=None)
def test_the_daemon_takes_the_references_that_we_take(image: Image, text: str) -> None:
    assume(not versions_of_docker_differ(text))

    assert accepts(lambda: parse_reference(text)) == accepts(lambda: image.tag(text))


@given(st.text(alphabet="aZ0.-_:/é ", min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_the_daemon_takes_the_tags_that_we_take(image: Image, text: str) -> None:
    assert accepts(lambda: check_tag(text)) == accepts(lambda: image.tag(MARK, text))


def accepts(action: Callable[[], object]) -> bool:
    try:
        action()
    except (ReferenceSyntaxError, docker.errors.APIError):
        return False
    return True


def versions_of_docker_differ(text: str) -> bool:
    """Whether a registry has a capital letter but no dot (new), or a dot and an underscore (taken by mistake)."""
    registry, slash, _ = text.partition("/")
    return bool(slash) and (registry != registry.lower() or "_" in registry)
