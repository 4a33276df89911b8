"""Which secrets a Dockerfile mounts, or asks for as arguments."""

from __future__ import annotations

import pytest

from greenroom.hosting.secret_mounts import asked_as_arguments, mounted_secrets


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("RUN make", set()),
        ("RUN --mount=type=secret,id=A make", {"A"}),
        ("RUN --mount=id=A,type=secret,required --mount=type=cache,target=/c make", {"A"}),
        ("RUN --mount=type=cache,id=A,target=/c make", set()),
        ("RUN --mount=type=secret,target=/run/x/A make", {"A"}),
        (
            "RUN --mount=type=secret,id=A \\\n  --mount=type=secret,id=B,target=/etc/b make",
            {"A", "B"},
        ),
    ],
)
def test_what_is_mounted(text: str, ids: set[str]) -> None:
    assert mounted_secrets(text) == ids


def test_what_is_asked_for_as_an_argument() -> None:
    text = "FROM x\nARG TOKEN\narg COLOUR=red\nRUN echo ARG OTHER\n"
    assert asked_as_arguments(text, {"TOKEN": "a", "OTHER": "b"}) == ["TOKEN"]
