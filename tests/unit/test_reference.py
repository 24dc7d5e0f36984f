from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.errors import ReferenceSyntaxError
from imagetasks.registry.reference import (
    Reference,
    Repository,
    check_tag,
    parse_reference,
    parse_registry,
    parse_repository,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4

registries = st.from_regex(
    r"docker\.io|localhost|[a-z]{1,5}\.[A-Za-z]{1,5}|[a-z0-9.]{1,9}:[0-9]{1,5}", fullmatch=True
).filter(lambda host: not re.search(r"^\.|\.\.|\.:|\.$", host)) | st.sampled_from(
    ["[::1]", "[fe80::1]:5000", "Registry", "docker.io"]
)
components = st.from_regex(r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
repositories = st.builds(
    Repository,
    registries,
    st.lists(components, min_size=2, max_size=4).map("/".join),
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
references = st.builds(Reference, repositories, st.none() | tags, st.sampled_from([None, DIGEST]))


@pytest.mark.parametrize(
    ("text", "canonical", "short"),
    [
        ("nginx", "docker.io/library/nginx", "nginx"),
        ("library/nginx", "docker.io/library/nginx", "nginx"),
        ("docker.io/nginx", "docker.io/library/nginx", "nginx"),
        ("index.docker.io/team/app", "docker.io/team/app", "team/app"),
        ("team/app", "docker.io/team/app", "team/app"),
        ("team/group/app", "docker.io/team/group/app", "team/group/app"),
        ("library/team/app", "docker.io/library/team/app", "library/team/app"),
        ("docker.io/localhost/app", "docker.io/localhost/app", "docker.io/localhost/app"),
        ("docker.io/" + "a" * 64, "docker.io/library/" + "a" * 64, "docker.io/library/" + "a" * 64),
        ("localhost/app", "localhost/app", "localhost/app"),
        ("localhost:5000/app", "localhost:5000/app", "localhost:5000/app"),
        ("gcr.io/project/app", "gcr.io/project/app", "gcr.io/project/app"),
        ("Registry/app", "Registry/app", "Registry/app"),
        ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
        ("my__app/a---b.c", "docker.io/my__app/a---b.c", "my__app/a---b.c"),
    ],
)
def test_a_repository_has_a_canonical_and_a_short_form(text: str, canonical: str, short: str) -> None:
    repository = parse_repository(text)

    assert repository.canonical == canonical
    assert str(repository) == short


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a name"),
        ("nginx:1.25", "write image: nginx and tag: 1.25"),
        ("localhost:5000/app:dev", "write image: localhost:5000/app and tag: dev"),
        (f"nginx@{DIGEST}", "has a digest"),
        ("nginx@sha256:12", "is no digest"),
        ("nginx:", "'' is no tag"),
        ("nginx:-1", "'-1' is no tag"),
        ("MyApp", "lower case"),
        ("Registry.example/Team/App", "lower case"),
        ("a" * 64, "is an image's ID"),
        ("sha256", "names a digest algorithm"),
        ("a/" * 150 + "a", "too long"),
        ("my app", "is no repository"),
        ("café", "is no repository"),
        ("app\n", "is no repository"),
        ("/app", "is no repository"),
        ("app/", "is no repository"),
        ("a//b", "is no repository"),
        ("a..b", "is no repository"),
        ("-app", "is no repository"),
        ("https://gcr.io/app", "'https:' in 'https://gcr.io/app' is no registry"),
        ("-a.b/app", "is no registry"),
        ("localhost:port/app", "is no registry"),
        ("${REGISTRY}/app", "is no registry"),
    ],
)
def test_what_is_no_repository_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse_repository(text)

    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_a_reference_has_a_tag_and_a_digest() -> None:
    assert parse_reference(f"localhost:5000/app:1.0@{DIGEST}") == Reference(
        Repository("localhost:5000", "app"), "1.0", DIGEST
    )
    assert parse_reference("localhost:5000/app").tag is None
    assert parse_reference("nginx:1.25").canonical == "docker.io/library/nginx:1.25"


@given(references)
def test_every_reference_reads_back_from_both_of_its_forms(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference
    assert parse_reference(reference.canonical) == reference


@given(st.text(alphabet=string.ascii_letters + ":/@.-_ é[]", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ReferenceSyntaxError:
        return
    assert parse_reference(str(reference)) == reference


@given(tags)
def test_tags_are_taken(tag: str) -> None:
    check_tag(tag)
    assert parse_reference(f"app:{tag}").tag == tag


@pytest.mark.parametrize(
    "text", ["", ".a", "-a", "a" * 129, "a b", "a:b", "a/b", "é", "a\n", "${DEVSPACE_GIT_COMMIT}"]
)
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(ReferenceSyntaxError):
        check_tag(text)


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("localhost:5000", "localhost:5000"),
        ("http://localhost:5000/", "localhost:5000"),
        ("registry.example.com/team", "registry.example.com"),
    ],
)
def test_a_registry_may_be_given_as_a_url(text: str, registry: str) -> None:
    assert parse_registry(text) == registry


@pytest.mark.parametrize("text", ["", "https://", "a b", "ann:secret@example.com", "ftp://example.com"])
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(ReferenceSyntaxError):
        parse_registry(text)
