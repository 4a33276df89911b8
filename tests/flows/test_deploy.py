"""Deployments that end well."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.flows


def test_a_commit_is_built_once_and_serves(new_site: Callable[..., Any], app: Any) -> None:
    site = new_site(app("1"))
    first = site.deploy()
    answer = site.get()
    assert (answer.status, json.loads(answer.text)["version"]) == (200, "1")
    assert json.loads(answer.text)["commit"] == first.commit_hash
    site.check_truth()
    sections = [line.split("]")[0][1:] for line in site.stage.log(first).splitlines()]
    assert list(dict.fromkeys(sections)) == ["source", "build", "start", "health", "switch"]
    assert site.stage.run_state(first, "COMPLETED")

    second = site.deploy()
    assert second.release_id == first.release_id
    assert "built before" in site.stage.log(second)
    with_new_pid = json.loads(site.get().text)
    assert with_new_pid["pid"] != json.loads(answer.text)["pid"]
    site.check_truth()


def test_without_a_manifest_a_folder_is_served(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("hello"))
    done = site.deploy()
    assert "its defaults are used" in site.stage.log(done)
    assert site.get().text == "<h1>hello</h1>"
    site.commit(static("hello again"))
    site.deploy()
    assert site.get().text == "<h1>hello again</h1>"
    site.check_truth()
