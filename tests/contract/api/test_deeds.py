"""What the API does beside its answer: it tells people, seals what it keeps, loses no decision."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from greenroom.api import data
from greenroom.cli.main import main
from greenroom.data.policy import load_policy
from greenroom.store import (
    comments,
    environments,
    notices,
    policies,
    projects,
    trackers,
)
from greenroom.store.models import ApiReply, Comparison, Notice, ThreadIssue
from greenroom.store.states import NoticeKind
from greenroom.store.work import unit_of_work
from tests.contract.api.conftest import Bed

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def test_a_comment_by_the_api_is_told_to_people_and_to_the_tracker(root: httpx.Client) -> None:
    with unit_of_work() as work:
        found = environments.get_environment(work, "blog/feature")
        notices.add_target(
            work, "room", "json", "json://x", kinds=(NoticeKind.COMMENT,), project=found.project,
            actor="test",
        )  # fmt: skip
        trackers.set_tracker(work, found.project, "github", "a/b", "", "t", "click", "test")
        thread = comments.get_thread(work, found, 1)
        trackers.want_issue(work, found, thread, "test").next_at = None
        key = thread.id

    def is_wanted() -> bool:
        with unit_of_work() as work:
            row = work.get_one(ThreadIssue, key)
            before, row.next_at = row.next_at, None
        return before is not None

    of = "/projects/blog/environments/feature/comments/1"
    assert root.post(f"{of}/replies", json={"text": " done "}).status_code == 201
    assert is_wanted(), "the tracker is to hear of it"
    with unit_of_work() as work:
        [told] = work.scalars(select(Notice))
    assert "token:test commented on blog/feature" in told.title
    assert root.put(f"{of}/state", json={"is_resolved": True}).status_code == 200
    assert is_wanted()
    assert root.post(f"{of}/replies", json={"text": "  "}).status_code == 400


def test_an_answer_that_is_kept_for_a_repetition_is_sealed(api: Bed, root: httpx.Client) -> None:
    wish, headers = {"name": "once", "scopes": ["read"]}, {"Idempotency-Key": uuid.uuid4().hex}
    first = root.post("/tokens", json=wish, headers=headers).json()
    assert root.post("/tokens", json=wish, headers=headers).json() == first
    with unit_of_work() as work:
        kept = json.dumps([row.body for row in work.scalars(select(ApiReply))])
    assert "sealed" in kept
    assert first["token"] not in kept


def test_two_decisions_at_once_are_both_kept(api: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "version: 1\ntables: {public.people: {columns: {a: keep, b: keep}}}"
    with unit_of_work() as work:
        blog = projects.get_project(work, "blog")
        policies.record_policy(work, blog, text, load_policy(text).fingerprint(), by="test")
    read, both = policies.current_policy, threading.Barrier(2)

    def read_together(*given: Any, **more: Any) -> str | None:
        found = read(*given, **more)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)  # in vain, where who reads to change keeps the other out
        return found

    monkeypatch.setattr(policies, "current_policy", read_together)
    choice = data.Choice(method="email")
    with ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(data.decide_column, "blog", choice, f"people.{c}") for c in "ab"]:
            made.result()
    monkeypatch.undo()
    with unit_of_work() as work:
        policy = load_policy(str(policies.current_policy(work, projects.get_project(work, "blog"))))
    decided = policy.tables["public.people"].columns
    assert [decided[name].method for name in "ab"] == ["email", "email"]


def test_what_people_said_shows_in_a_comparison_and_in_the_list_of_its_changes(
    root: httpx.Client,
) -> None:
    asked = {"kind": "changed", "what": "text", "text_before": "9.90", "text_after": "8.90",
             "styles": {}, "selector": "#price", "before": None, "after": None}  # fmt: skip
    page = {"path": "/", "state": "", "viewport": "phone", "scheme": "light", "verdict": "changed",
            "failure": "", "notes": [], "before": None, "after": None,
            "changes": [{**asked, "signature": one} for one in ("s1", "s2")],
            "left_out": 3, "left_signature": "rest"}  # fmt: skip
    with unit_of_work() as work:
        found = environments.get_environment(work, "blog/feature")
        row = Comparison(environment_id=found.id, number=1, requested_by="t", status="done",
                         pages=[page])  # fmt: skip
        work.add(row)
    of = "/projects/blog/environments/feature/comparisons/1"
    assert root.get(of).json()["verdict"] == "changed"

    def say(verdict: str, **more: str) -> dict[str, Any]:
        answer = root.post(f"{of}/decisions", json={"verdict": verdict, **more})
        assert answer.status_code in (200, 201), answer.text
        return dict(root.get(of).json())

    seen = say("rejected", signature="s1")
    assert seen["verdict"] == "rejected"
    assert [change["said"] for change in seen["pages"][0]["changes"]] == ["rejected", ""]
    listed = CliRunner().invoke(main, ["changes", "blog/feature", "--json"])
    assert [(one["said"], one["id"]) for one in json.loads(listed.output)] == [
        ("rejected", "s1"), ("open", "s2"), ("open", "rest"),
    ]  # fmt: skip
    assert say("approved")["verdict"] == "approved"


def test_what_does_not_count_is_said_listed_and_taken_back_by_each_face(root: httpx.Client) -> None:
    of = "/projects/blog/environments/feature/ignored"
    made = root.post(of, json={"selector": ".ticker", "page": "/shop/*"})
    assert made.status_code == 201, made.text
    both = {"selector": "a", "box": [0, 0, 1, 1]}
    boxes = [{"box": box} for box in ([1, 2], [-1, 0, 4, 4], [0, 0, 0, 5], [0, 0, 1, 10**9])]
    for wrong in ({}, both, {"viewport": "phone"}, {"selector": "a", "viewport": "x"}, *boxes):
        assert root.post(of, json=wrong).status_code in (400, 422)

    def by_command(*words: str) -> Any:
        ended = CliRunner().invoke(main, ["ignore", "blog/feature", *words, "--json"])
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.output)

    boxed = by_command("--box", "0,120,300,80", "--viewport", "phone")["id"]
    told = CliRunner().invoke(main, ["ignore", "blog/feature"]).output
    assert ".ticker on /shop/*" in told
    assert "300 by 80 px at 0, 120 on every page, phone" in told
    for place in ("1,2,3", "0,0,0,5", "-1,0,4,4", "a,b,c,d"):
        wrong = CliRunner().invoke(main, ["ignore", "blog/feature", "--box", place])
        assert (wrong.exit_code, "is no place" in wrong.output) == (2, True)
    for words in (["--page", "/shop"], ["--heed", str(uuid.uuid4()), "--selector", "a"]):
        assert CliRunner().invoke(main, ["ignore", "blog/feature", *words]).exit_code == 2
    assert [one["id"] for one in by_command()] == [one["id"] for one in root.get(of).json()]
    by_command("--heed", boxed)
    assert root.delete(f"{of}/{made.json()['id']}").status_code == 200
    assert root.delete(f"{of}/{boxed}").status_code == 404
    assert by_command() == root.get(of).json() == []
