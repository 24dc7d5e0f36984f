from __future__ import annotations

import pytest

from imagetasks.runtime import fill_runtime, images_named

REFERENCES = {"api": "registry.example:5000/shop/api:v1", "a.b": "shop/a-b:v2", "tag": "shop/tag:v3"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${runtime.images.api}", "registry.example:5000/shop/api:v1"),
        ("${runtime.images.api.image}", "registry.example:5000/shop/api"),
        ("-t ${runtime.images.api.tag}!", "-t v1!"),
        ("${runtime.images.a.b.tag}${runtime.images.a.b}", "v2shop/a-b:v2"),
        ("${runtime.images.tag} ${runtime.images.tag.tag}", "shop/tag:v3 v3"),
        ("${runtime.images.web} ${HOME} $api", "${runtime.images.web} ${HOME} $api"),
    ],
)
def test_a_text_is_told_the_names_of_images(text: str, expected: str) -> None:
    assert fill_runtime(text, REFERENCES) == expected


def test_the_images_that_a_text_names_are_found_once() -> None:
    assert images_named("${runtime.images.a.b.tag} ${runtime.images.api} ${runtime.images.api.image}") == (
        "a.b",
        "api",
    )
