"""What the daemon makes of an overridden Dockerfile."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagetasks.context.dockerfile import Dockerfile

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

LABEL = f"imagetasks.test.override={uuid.uuid4().hex}"
ESCAPE = "<escape>"

arguments = st.text() | st.sampled_from(
    ['"', "\\", "a\\", "a`", "$HOME", "${X}", "<<EOF", "# c", "\n", "\r\n", "\u2028", "é", "]", ""]
)
exec_forms = st.lists(arguments, max_size=3)
bodies = st.lists(
    st.sampled_from(
        [
            'ENTRYPOINT ["own", "entrypoint"]',
            f"entrypoint own {ESCAPE}\n  entrypoint",
            'CMD ["own", "command"]',
            f"\tCmd own {ESCAPE}\n  # comment\n\n command",
            'SHELL ["/own/shell", "-c"]',
            f"ENV A=1 {ESCAPE} \n B='FROM x'",
            "  # CMD comment",
            "",
        ]
    ),
    max_size=3,
).map("\n".join)
tails = st.sampled_from(
    [
        "",
        "\n",
        "\n# comment",
        "\nONBUILD CMD x\n",
        f" {ESCAPE}",
        f" {ESCAPE}\n",
        f" {ESCAPE}\n# comment\n\n{ESCAPE}\n",
    ]
)


@st.composite
def dockerfiles(draw: st.DrawFn) -> tuple[str, str]:
    """A Dockerfile that needs no files and no image from elsewhere, and a target in it."""
    escape = draw(st.sampled_from("\\`"))
    text = "# escape=`\n" if escape == "`" else ""
    stages: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        base = draw(st.sampled_from(["scratch", *stages]))
        stages.append(f"stage{len(stages)}")
        text += draw(st.sampled_from(["FROM", "from", f"FROM {ESCAPE}\n"]))
        text += f" {base} AS {stages[-1]}\nLABEL {LABEL}\n{draw(bodies)}\n"
    text += draw(st.sampled_from(["ENV LAST=1", "CMD the last", 'ENTRYPOINT ["the", "last"]'])) + draw(tails)
    text = text.replace(ESCAPE, escape).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return text, draw(st.sampled_from(["", stages[-1], stages[0].upper()]))


@pytest.fixture(scope="module")
def client(daemon: DockerClient) -> Iterator[DockerClient]:
    """The daemon; the images that are built here are removed from it in the end."""
    yield daemon
    for image in daemon.api.images(quiet=True, filters={"label": LABEL}):
        daemon.api.remove_image(image, force=True)


def entrypoint_and_cmd(client: DockerClient, dockerfile: Dockerfile, target: str) -> tuple[list[str], list[str]]:
    """What an image runs that is built from nothing but a Dockerfile."""
    content = dockerfile.text.encode()
    entry = tarfile.TarInfo("Dockerfile")
    entry.size = len(content)
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    # Looking for a cached child of scratch, the classic builder fails if any image at all is removed meanwhile.
    output = client.api.build(
        fileobj=context, custom_context=True, decode=True, rm=True, forcerm=True, nocache=True, target=target
    )
    messages = list(output)
    assert not any("error" in message for message in messages), messages
    images = [message["aux"]["ID"] for message in messages if "aux" in message]
    config = client.images.get(images[-1]).attrs["Config"]
    return config["Entrypoint"] or [], config["Cmd"] or []


@settings(max_examples=60, deadline=None)
@given(case=dockerfiles(), entrypoint=st.none() | exec_forms, cmd=st.none() | exec_forms)
def test_the_image_runs_what_the_override_says_and_else_what_the_dockerfile_says(
    client: DockerClient, case: tuple[str, str], entrypoint: list[str] | None, cmd: list[str] | None
) -> None:
    text, target = case
    dockerfile = Dockerfile.parse(text, "Dockerfile")
    own_entrypoint, own_cmd = entrypoint_and_cmd(client, dockerfile, target)
    overridden = dockerfile.override(entrypoint, cmd, target)
    assert entrypoint_and_cmd(client, overridden, target) == (
        own_entrypoint if entrypoint is None else entrypoint,
        own_cmd if cmd is None else cmd,
    )
