"""GitHub's own words: its example payloads are read, and what we ask fits its API description.

Both come from npm packages that are installed for development; nothing of them is kept here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from greenroom.settings import ROOT
from greenroom.sources import reporting
from greenroom.sources.clients import open_client
from greenroom.sources.events import Event, EventKind
from greenroom.sources.forges import FORGES
from greenroom.sources.reporting import Report, State
from greenroom.sources.rules import Forks, Rules, decide
from tests.contract.forge_server import REPOSITORY, TOKEN, Asked, HubServer

pytestmark = [pytest.mark.contract, pytest.mark.needs_node]
PACKAGES = ROOT / "node_modules" / "@octokit"
EXAMPLES = PACKAGES / "webhooks-examples" / "api.github.com" / "index.json"
DESCRIPTION = PACKAGES / "openapi" / "generated" / "api.github.com.json"
EVENTS = ("push", "pull_request", "ping", "create", "delete")
KINDS: dict[str, set[EventKind]] = {
    "push": {EventKind.PUSH, EventKind.TAG_PUSHED, EventKind.BRANCH_DELETED, EventKind.OTHER},
    "ping": {EventKind.PING},
    "create": {EventKind.OTHER},
    "delete": {EventKind.BRANCH_DELETED, EventKind.OTHER},
}
ACTIONS = {
    "opened": EventKind.PULL_OPENED, "reopened": EventKind.PULL_OPENED,
    "synchronize": EventKind.PULL_UPDATED, "closed": EventKind.PULL_CLOSED,
    "converted_to_draft": EventKind.PULL_DRAFTED, "ready_for_review": EventKind.PULL_READY,
    "labeled": EventKind.PULL_LABELED, "unlabeled": EventKind.PULL_LABELED,
}  # fmt: skip
Require = Callable[[bool, str, str], None]


@cache
def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _packages(require: Require) -> None:
    for path in (EXAMPLES, DESCRIPTION):
        require(path.is_file(), f"@octokit/{path.relative_to(PACKAGES).parts[0]}", "npm ci")


def parse(event: str, payload: Any) -> Event:
    headers = {"x-github-event": event, "x-github-delivery": "72d3162e-cc78-11e3"}
    return FORGES["github"].parse(headers, json.dumps(payload).encode())


@pytest.mark.parametrize("event", EVENTS)
def test_every_example_is_read(event: str) -> None:
    (examples,) = [item["examples"] for item in read(EXAMPLES) if item["name"] == event]
    assert examples
    for payload in examples:
        found = parse(event, payload)
        if event == "pull_request":
            assert found.kind is ACTIONS.get(payload["action"], EventKind.OTHER)
        else:
            assert found.kind in KINDS[event]
        if found.kind not in (EventKind.OTHER, EventKind.PING):
            assert found.web_url.startswith("https://github.com/")
            assert found.repository == payload["repository"]["full_name"]
        if found.number is not None:
            assert found.pull_url.endswith(f"/pull/{found.number}")
            assert found.target
        for rules in (Rules(), Rules(label="x", drafts=False, limit=1, forks=Forks.ASK)):
            assert decide(found, rules, frozenset()).reason


def test_the_examples_show_what_we_wait_for() -> None:
    seen = {
        parse(item["name"], payload).kind
        for item in read(EXAMPLES)
        if item["name"] in EVENTS
        for payload in item["examples"]
    }
    assert seen >= set(ACTIONS.values()) | {EventKind.PUSH, EventKind.TAG_PUSHED, EventKind.PING}


# What we ask, and its description


def resolved(node: Any) -> Any:
    """Follow references, and say ``nullable`` as JSON Schema does."""
    if isinstance(node, list):
        return [resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found = read(DESCRIPTION)
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        return resolved(found)
    plain = {key: resolved(value) for key, value in node.items() if key != "example"}
    return {"anyOf": [plain, {"type": "null"}]} if plain.get("nullable") is True else plain


def operation(asked: Asked) -> tuple[str, dict[str, Any]]:
    """Find what a request is in the description: the template with the fewest parameters."""
    fits = []
    for template, methods in read(DESCRIPTION)["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if asked.method.lower() in methods and re.fullmatch(pattern, asked.path):
            fits.append((template.count("{"), template))
    assert fits, f"GitHub has no {asked.method} {asked.path}"
    template = min(fits)[1]
    return template, read(DESCRIPTION)["paths"][template][asked.method.lower()]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Asked]]:
    """Everything that our client ever asks of GitHub."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    told = Report(
        "feature-nice", "a" * 40, State.PENDING, url="https://x.example.org",
        log_url="https://y.example.org/1", number=7, detail="boom",
    )  # fmt: skip
    with HubServer() as server:
        client = open_client("github", REPOSITORY, TOKEN, api_url=server.url)
        for state in State:
            reporting.report(client, replace(told, state=state), "secret")
        bare = Report("feature-nice", "b" * 40, State.SUCCESS, is_production=True)
        reporting.report(client, bare, "secret")
        reporting.report_gone(client, "feature-nice", "secret", 7)
        reporting.report_gone(client, "feature-nice", "secret", 7, is_deleted=True)
        client.close()
        yield server.asked


def test_what_is_asked_is_described(asked: list[Asked]) -> None:
    templates = set()
    for one in asked:
        template, found = operation(one)
        templates.add((one.method, template))
        known = {p["name"] for p in resolved(found["parameters"]) if p["in"] == "query"}
        assert set(one.query) <= known, f"{template}: {set(one.query) - known}"
        body = resolved(found.get("requestBody", {}))
        if one.body is None:
            assert not body.get("required"), template
            continue
        schema = body["content"]["application/json"]["schema"]
        jsonschema.Draft4Validator(schema).validate(one.body)
        assert set(one.body) <= set(schema["properties"]), template
        limit = schema["properties"].get("description", {}).get("description", "")
        if "140 characters" in limit:
            assert len(one.body.get("description", "")) <= 140
    assert {method for method, _ in templates} == {"GET", "POST", "PATCH", "DELETE"}
    assert len(templates) == 9


def test_what_we_read_of_the_answers_is_described(asked: list[Asked]) -> None:
    """A comment's id and text, a deployment's id, a deployment status's state."""
    wanted = {"comments": {"id", "body"}, "deployments": {"id"}, "statuses": {"id", "state"}}
    seen = set()
    for one in asked:
        if one.method != "GET":
            continue
        template, found = operation(one)
        answer = resolved(found["responses"]["200"])["content"]["application/json"]["schema"]
        last = template.rpartition("/")[2]
        assert answer["type"] == "array"
        assert wanted[last] <= set(answer["items"]["properties"])
        seen.add(last)
    assert seen == set(wanted)
