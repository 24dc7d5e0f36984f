"""The first devspace.yaml, from what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagetasks.config.load import load_config
from imagetasks.first_steps.draft import make_draft
from imagetasks.first_steps.findings import Findings, FoundDockerfile, FoundManifests


def findings(*paths: str, named_images: Sequence[str] = ()) -> Findings:
    dockerfiles = (FoundDockerfile(PurePosixPath(path), PurePosixPath(path).parent) for path in paths)
    return Findings(tuple(dockerfiles), named_images=tuple(named_images))


def names(*paths: str) -> list[str]:
    return [image.name for image in make_draft("Shop", findings(*paths), "").images]


def test_images_are_called_after_their_folders() -> None:
    assert names("Dockerfile", "api/Dockerfile", "services/web/docker/Dockerfile") == ["shop", "api", "web"]


def test_images_are_called_after_what_their_dockerfiles_are_called_after() -> None:
    assert names("Dockerfile.worker", "api/Dockerfile.dev", "db.Dockerfile") == ["worker", "dev", "db"]


def test_images_of_one_name_get_those_of_the_folders_above() -> None:
    assert names("a/api/Dockerfile", "b/api/Dockerfile") == ["a-api", "b-api"]
    assert names("api/Dockerfile", "api/Dockerfile.dev", "web/Dockerfile.dev") == ["api", "api-dev", "web-dev"]


def test_images_that_no_folder_tells_apart_are_numbered() -> None:
    assert names("docker/Dockerfile", "build/Dockerfile", "Dockerfile") == ["shop", "shop-2", "shop-3"]


def test_a_repository_is_that_which_manifests_name() -> None:
    draft = make_draft(
        "shop",
        findings(
            "api/Dockerfile",
            "web/Dockerfile",
            named_images=["ghcr.io/team/api:1.0", "{{ .image }}", "a/web", "b/web"],
        ),
        "",
    )
    assert [image.repository for image in draft.images] == ["ghcr.io/team/api", "localhost:5000/shop/web"]


def test_a_registry_that_is_given_goes_before_that_of_manifests() -> None:
    draft = make_draft("shop", findings("api/Dockerfile", named_images=["ghcr.io/team/api"]), "example.com/we")

    assert draft.images[0].repository == "example.com/we/api"


def test_deployments_have_names_of_their_own() -> None:
    found = Findings(
        manifests=(FoundManifests(PurePosixPath("k8s"), False), FoundManifests(PurePosixPath("api/k8s"), True)),
        charts=(PurePosixPath("chart"), PurePosixPath("charts/redis")),
    )
    assert make_draft("shop", found, "").deployments == {
        "shop": {"kubectl": {"manifests": ["k8s"]}},
        "api": {"kubectl": {"manifests": ["api/k8s"], "kustomize": True}},
        "shop-2": {"helm": {"chart": {"name": "./chart"}}},
        "redis": {"helm": {"chart": {"name": "./charts/redis"}}},
    }


PART = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda part: part.isprintable() and part not in (".", "..")
)
PATH = st.lists(PART, max_size=3).map(lambda parts: "/".join([*parts, "Dockerfile"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folder=PART, paths=st.lists(PATH, min_size=1, max_size=6, unique=True))
def test_any_folders_make_a_file_that_loads(folder: str, paths: list[str], tmp_path: Path) -> None:
    file = tmp_path / "devspace.yaml"
    file.write_text(make_draft(folder, findings(*paths), "").as_yaml(), encoding="utf-8")

    images = load_config(file, variables={}, environ={}).images

    assert [image.dockerfile for image in images] == [f"./{path}" for path in paths]
