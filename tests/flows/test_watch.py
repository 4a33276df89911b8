"""A new version that answers worse than the one before goes back by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from greenroom.store import deployments
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.flows
FAILS = "if self.path == '/bad': return self.send_error(500)\n        "


def test_a_rise_of_failures_takes_a_version_back(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    site.deploy()
    for _ in range(10):
        assert site.get("/bad").status == 200
    files = app("2")
    files["app.py"] = files["app.py"].replace("state = {", f"{FAILS}state = {{")
    site.commit(files)
    broken = site.deploy()

    def is_back() -> bool:
        site.get("/bad")
        return bool(json.loads(site.get().text)["version"] == "1")

    site.stage.eventually(is_back, "the return", pause=0.1)
    environment = site.environment()
    assert environment.held_by == "watch"
    with unit_of_work() as work:
        row = deployments.get_deployment(work, broken.id)
        back = deployments.list_deployments(work, environment.id, limit=1)[0]
    assert (back.kind, back.deployed_by) == ("rollback", "watch")
    assert "taken back" in row.error["detail"]
    assert "env free" in row.error["hint"]
    site.stage.wait(back.id)
    site.check_truth()
