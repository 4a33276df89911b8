"""People are told what happened, by a real receiver; one that is away stands in nobody's way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from greenroom import promotions
from greenroom.store import notices, projects
from greenroom.store.models import Notice
from greenroom.store.states import NoticeKind, ProductionBy, Verdict
from greenroom.store.work import unit_of_work
from tasks.notifying import tell_people

pytestmark = pytest.mark.flows
SECRET = "s3nt1nel-0f-4n-4ddress"


class Receiver(HTTPServer):
    """Takes messages, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"json://team:{SECRET}@127.0.0.1:{self.server_port}/news"

    @property
    def titles(self) -> list[str]:
        return [str(message["title"]) for message in self.taken]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Receiver)
        if self.server.status == 200:
            self.server.taken.append(message)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def told(new_site: Callable[..., Any], static: Any, receiver: Receiver) -> Iterator[Any]:
    """A project whose team hears of everything."""
    site = new_site(static("main"))
    site.head = site.commit(static("feature"), "feature")
    promotions.set_rule(site.name, by=ProductionBy.PROMOTION, actor="ada")
    with unit_of_work() as work:
        project = projects.get_project(work, site.name)
        notices.add_target(
            work, f"team-{site.name}", "json", receiver.address, project=project,
            kinds=tuple(NoticeKind), actor="ada",
        )  # fmt: skip
    yield site
    with unit_of_work() as work:
        notices.remove_target(work, f"team-{site.name}", actor="ada")


def test_a_team_hears_of_versions_failures_and_what_waits_for_it(
    told: Any, receiver: Receiver
) -> None:
    reference = f"{told.name}/feature"
    told.deploy("feature", commit=told.head)
    (message,) = receiver.taken  # both at once are one message
    assert f"{reference} shows {told.head[:12]}" in message["message"]
    assert f"{reference} waits for approval of {told.head[:12]}" in message["message"]
    assert "1 approval is missing" in message["message"]

    broken = {"greenroom.yaml": "version: 1\nbuild: {command: exit 3}\n"}
    failed = told.deploy("feature", "failed", commit=told.commit(broken, "feature"))
    assert receiver.titles[-1] == f"{reference}: deployment #{failed.number} failed"
    assert failed.error["detail"] in receiver.taken[-1]["message"]
    assert SECRET not in told.stage.log(failed) + str(failed.error)

    promotions.place_verdict(reference, Verdict.APPROVED, "fine by me", actor="grace")
    tell_people.fn()
    assert f"grace approved {reference}" in receiver.titles
    assert "fine by me" in receiver.taken[-1]["message"]


def test_a_service_that_refuses_holds_nothing_up_and_is_tried_again(
    told: Any, receiver: Receiver
) -> None:
    receiver.status = 500
    assert told.deploy("feature", commit=told.head).status == "live"
    with unit_of_work() as work:
        target = notices.get_target(work, f"team-{told.name}")
        assert "json did not take the message" in target.refused
        assert SECRET not in target.refused
        waiting = list(work.scalars(select(Notice).where(Notice.target_id == target.id)))
        assert [(row.attempts, row.told_at) for row in waiting] == [(1, None)] * 2
        assert all(row.next_at is not None for row in waiting)
        for row in waiting:
            row.next_at = row.at  # its time has come
    receiver.status = 200
    tell_people.fn()
    (message,) = receiver.taken
    assert f"{told.name}/feature waits for approval" in message["message"]
