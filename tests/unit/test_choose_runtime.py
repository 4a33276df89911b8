from __future__ import annotations

from pathlib import Path

import pytest

from greenroom.errors import InvalidManifest
from greenroom.hosting.registry import (
    RUNTIMES,
    builder_for,
    choose_runtime,
    has_dockerfile,
    runtime_for,
)
from greenroom.manifest import parse_manifest
from greenroom.settings import Settings

WITH_COMMAND = "run: {command: ./serve}"


@pytest.mark.parametrize(
    ("manifest", "project", "dockerfile", "engine", "chosen"),
    [
        ("{}", "auto", False, False, "static"),
        ("{}", "auto", False, True, "static"),
        ("{}", "auto", True, True, "docker"),
        (WITH_COMMAND, "auto", False, False, "process"),
        (WITH_COMMAND, "auto", True, False, "process"),
        (WITH_COMMAND, "auto", True, True, "docker"),
        ("run: {command: ' '}", "auto", False, True, "static"),
        ("runtime: static", "auto", True, True, "static"),
        ("runtime: docker", "auto", False, False, "docker"),
        ("runtime: docker", "process", True, True, "process"),
        ("runtime: static", "docker", True, True, "docker"),
    ],
)
def test_which_runtime_is_chosen(
    manifest: str, project: str, dockerfile: bool, engine: bool, chosen: str
) -> None:
    assert (
        choose_runtime(
            parse_manifest(manifest), project, has_dockerfile=dockerfile, has_engine=engine
        )
        == chosen
    )


def test_a_dockerfile_without_an_engine_is_no_static_site() -> None:
    with pytest.raises(InvalidManifest) as refused:
        choose_runtime(parse_manifest("{}"), "auto", has_dockerfile=True, has_engine=False)
    assert "Start Docker" in refused.value.hint


def test_the_manifests_dockerfile_is_looked_for(tmp_path: Path) -> None:
    manifest = parse_manifest("root: app\nbuild: {dockerfile: docker/Dockerfile}")
    assert not has_dockerfile(tmp_path, manifest)
    (tmp_path / "app" / "docker").mkdir(parents=True)
    (tmp_path / "app" / "docker" / "Dockerfile").write_text("FROM scratch")
    assert has_dockerfile(tmp_path, manifest)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_has_its_builder(runtime: str, home: Path) -> None:
    assert builder_for(runtime, Settings())
    assert runtime_for(runtime, Settings())
