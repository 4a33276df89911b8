"""prefect.yaml and deployments.yaml hold only what Prefect knows: it drops the rest silently.

The allowed keys are read from Prefect's own models, by ``ast``: importing Prefect takes seconds.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = ("prefect.yaml", "deployments.yaml")
OURS = {"definitions"}
"""Holds YAML anchors; Prefect does not look at it."""


def _models() -> dict[str, set[str]]:
    package = importlib.util.find_spec("prefect")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "cli" / "deploy" / "_models.py"
    models: dict[str, set[str]] = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef):
            models[node.name] = {
                field.target.id
                for field in node.body
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            }
    models["PrefectYamlModel"] |= {"prefect-version"}
    return models


MODELS = _models()
COLLISIONS = {"ENQUEUE", "CANCEL_NEW"}
"""Source: prefect.client.schemas.objects.ConcurrencyLimitStrategy."""


def unknown_keys(text: str) -> list[str]:
    """Name every key that Prefect would drop."""

    def check(data: Any, model: str, where: str, also: frozenset[str] = frozenset()) -> list[str]:
        if not isinstance(data, dict):
            return [f"{where} must be a mapping"]
        return [f"{where}: {key}" for key in data if key not in MODELS[model] | also]

    whole = yaml.safe_load(text)
    wrong = check(whole, "PrefectYamlModel", "file", frozenset(OURS))
    for index, deployment in enumerate(whole.get("deployments") or []):
        where = f"deployments[{index}]"
        wrong += check(deployment, "DeploymentConfig", where)
        if "work_pool" in deployment:
            wrong += check(deployment["work_pool"], "WorkPoolConfig", f"{where}.work_pool")
        limit = deployment.get("concurrency_limit")
        if isinstance(limit, dict):
            wrong += check(limit, "ConcurrencyLimitSpec", f"{where}.concurrency_limit")
            if limit.get("collision_strategy") not in COLLISIONS | {None}:
                wrong.append(f"{where}.concurrency_limit: {limit['collision_strategy']}")
        for number, schedule in enumerate(deployment.get("schedules") or []):
            wrong += check(schedule, "RawScheduleConfig", f"{where}.schedules[{number}]")
    return wrong


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_there_and_prefect_knows_every_key(name: str) -> None:
    assert unknown_keys((ROOT / name).read_text()) == []


def test_unknown_keys_are_found_on_every_level() -> None:
    text = """
nmae: greenroom
deployments:
  - name: on-demand
    entrypont: flows/deploy.py:deploy
    work_pool: {name: greenroom, queue: default}
    concurrency_limit: {limit: 1, strategy: CANCEL_NEW}
    schedules: [{cron: "* * * * *", time_zone: UTC}]
"""
    assert [wrong.rsplit(" ", 1)[-1] for wrong in unknown_keys(text)] == [
        "nmae", "entrypont", "queue", "strategy", "time_zone",
    ]  # fmt: skip


def _deployments(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((ROOT / name).read_text())["deployments"])


def test_the_verbs_are_in_one_file_and_the_calendar_in_the_other() -> None:
    assert all("schedules" not in deployment for deployment in _deployments("prefect.yaml"))
    assert all(deployment.get("schedules") for deployment in _deployments("deployments.yaml"))
    verbs = {deployment["entrypoint"] for deployment in _deployments("prefect.yaml")}
    flows = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert verbs == {f"flows/{name}.py:{name}" for name in flows}


@pytest.mark.parametrize("name", FILES)
def test_every_entrypoint_is_a_flow(name: str) -> None:
    for deployment in _deployments(name):
        path, _, function = deployment["entrypoint"].partition(":")
        tree = ast.parse((ROOT / path).read_text())
        assert function in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
