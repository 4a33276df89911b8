"""Every forge's client does the same things, against stand-ins of ours that speak its paths."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from greenroom import services
from greenroom.errors import ForgeError, ForgeUnavailable, InvalidInput
from greenroom.sources import reporting
from greenroom.sources.clients import CLIENTS, ForgeClient, open_client
from greenroom.sources.reporting import RecordsDeployments, Report, State
from tests.contract.forge_server import REPOSITORY, SERVERS, TOKEN, Fault, ForgeServer

pytestmark = pytest.mark.contract
SHA, NEXT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246", "a" * 40
SECRET = "the-projects-secret"
TOLD = Report(
    "feature-nice", SHA, State.PENDING, url="https://feature-nice.example.org",
    log_url="https://greenroom.example.org/deployments/1", number=7,
)  # fmt: skip


@dataclass
class World:
    """A forge and its client."""

    name: str
    server: ForgeServer
    client: ForgeClient

    def status(self, commit: str = SHA) -> dict[str, Any]:
        ((_, found),) = [(k, v) for k, v in self.server.statuses.items() if k[0] == commit]
        return found


@pytest.fixture(params=SERVERS)
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Each forge in turn."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with SERVERS[request.param]() as server:
        client = open_client(
            request.param, REPOSITORY, TOKEN, api_url=server.url, timeout_seconds=2
        )
        yield World(request.param, server, client)
        client.close()


def test_there_is_a_stand_in_for_every_forge() -> None:
    assert set(SERVERS) == set(CLIENTS)


@pytest.mark.parametrize("state", State)
def test_a_commits_status(world: World, state: State) -> None:
    world.client.set_status(replace(TOLD, state=state, description="x" * 500))
    status = world.status()
    assert status.get("context", status.get("name")) == "greenroom/feature-nice"
    assert status["description"] == "x" * 139 + "…"
    assert status.get("target_url", status.get("url")) == TOLD.log_url
    assert (
        status["state"].lower()
        in {
            State.PENDING: {"pending", "running", "inprogress"},
            State.SUCCESS: {"success", "successful"},
            State.FAILURE: {"failure", "failed"},
            State.CANCELLED: {"error", "canceled", "stopped"},
        }[state]
    )


def test_a_status_that_is_told_twice_is_no_failure(world: World) -> None:
    for _ in range(2):
        world.client.set_status(TOLD)
    assert len(world.server.statuses) == 1


def test_long_names_stay_apart(world: World) -> None:
    for end in ("a", "b"):
        world.client.set_status(replace(TOLD, environment="feature-" + "x" * 50 + end))
    assert len(world.server.statuses) == 2


def test_there_is_one_comment_and_it_is_edited(world: World) -> None:
    world.server.write(7, "Nice work!")
    for state in (State.PENDING, State.SUCCESS, State.SUCCESS, State.FAILURE):
        reporting.report(world.client, replace(TOLD, state=state, detail="boom"), SECRET)
    theirs, ours = world.server.texts(7)
    assert theirs == "Nice work!"
    assert "the deployment failed" in ours
    assert "boom" in ours
    assert TOLD.url in ours
    mark = reporting.marker(TOLD.environment, SECRET)
    assert ours.count(mark) == 1
    edits = [asked for asked in world.server.asked if asked.method in ("PATCH", "PUT")]
    assert len(edits) == 2  # what says the same already is not written again


def test_each_environment_and_pull_request_has_its_own(world: World) -> None:
    reporting.report(world.client, TOLD, SECRET)
    reporting.report(world.client, replace(TOLD, environment="other"), SECRET)
    reporting.report(world.client, replace(TOLD, number=8), SECRET)
    assert [len(world.server.texts(number)) for number in (7, 8)] == [2, 1]


def test_without_a_pull_request_there_is_no_comment(world: World) -> None:
    reporting.report(world.client, replace(TOLD, number=None), SECRET)
    assert not any("comments" in a.path or "notes" in a.path for a in world.server.asked)


def test_it_is_found_behind_many_others(world: World) -> None:
    for n in range(130):
        world.server.write(7, f"comment {n}")
    for state in (State.PENDING, State.SUCCESS):
        reporting.report(world.client, replace(TOLD, state=state), SECRET)
    assert len(world.server.texts(7)) == 131
    for n in range(130):
        world.server.write(7, f"later {n}")
    reporting.report_gone(world.client, TOLD.environment, SECRET, 7)
    assert len(world.server.texts(7)) == 261


def test_a_second_one_is_cleaned_up_and_the_first_is_kept(world: World) -> None:
    """Two writers at once may have left two; and a stranger may have copied ours."""
    reporting.report(world.client, TOLD, SECRET)
    (ours,) = world.server.comments[7]
    world.server.write(7, world.server.texts(7)[0])
    reporting.report(world.client, replace(TOLD, state=State.SUCCESS), SECRET)
    assert list(world.server.comments[7]) == [ours]


def test_a_copy_that_may_not_be_deleted_is_left(world: World) -> None:
    reporting.report(world.client, TOLD, SECRET)
    copy = world.server.write(7, world.server.texts(7)[0])
    world.server.faults.append(Fault(403, on=f"/{copy}"))
    reporting.report(world.client, replace(TOLD, state=State.SUCCESS), SECRET)
    assert len(world.server.texts(7)) == 2


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_comment_goes_with_its_environment(world: World, is_deleted: bool) -> None:
    world.server.write(7, "Nice work!")
    reporting.report(world.client, TOLD, SECRET)
    for _ in range(2):
        reporting.report_gone(world.client, TOLD.environment, SECRET, 7, is_deleted=is_deleted)
    left = world.server.texts(7)
    assert len(left) == (1 if is_deleted else 2)
    assert is_deleted or "It was removed" in left[1]


def test_one_missing_right_does_not_hold_up_the_rest(world: World) -> None:
    world.server.faults.append(Fault(403, on="/build" if world.name == "bitbucket" else SHA))
    with pytest.raises(ForgeError) as refused:
        reporting.report(world.client, TOLD, SECRET)
    assert not refused.value.transient
    assert "rights" in refused.value.hint
    assert len(world.server.texts(7)) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_transient(world: World, status: int) -> None:
    world.server.faults.append(Fault(status))
    with pytest.raises(ForgeUnavailable) as raised:
        world.client.set_status(TOLD)
    assert raised.value.transient
    assert raised.value.details["retry_after_seconds"] is None
    world.client.set_status(TOLD)  # and it has passed


@pytest.mark.parametrize(
    ("status", "headers", "low", "high"),
    [
        (429, {"Retry-After": "17"}, 17, 17),
        (503, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0, 0),
        (429, {"Retry-After": "999999999999"}, 3600, 3600),
        (403, {"Retry-After": "60"}, 60, 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{soon}"}, 20, 31),
        (429, {"RateLimit-Reset": "{soon}"}, 20, 31),
    ],
)
def test_the_forge_says_when(
    world: World, status: int, headers: dict[str, str], low: float, high: float
) -> None:
    soon = str(int(time.time()) + 30)
    world.server.faults.append(
        Fault(status, {name: value.format(soon=soon) for name, value in headers.items()})
    )
    with pytest.raises(ForgeUnavailable) as raised:
        world.client.set_status(TOLD)
    assert low <= raised.value.details["retry_after_seconds"] <= high


@pytest.mark.parametrize("headers", [{"Retry-After": "soon"}, {"Retry-After": "-1"}, {}])
def test_nonsense_is_no_time(world: World, headers: dict[str, str]) -> None:
    world.server.faults.append(Fault(429, headers | {"RateLimit-Reset": "later"}))
    with pytest.raises(ForgeUnavailable) as raised:
        world.client.set_status(TOLD)
    assert raised.value.details["retry_after_seconds"] is None


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 422])
def test_what_does_not_pass_is_not_tried_again(world: World, status: int) -> None:
    elsewhere = {"Location": f"{world.server.url}/elsewhere"}
    world.server.faults.append(Fault(status, elsewhere))
    with pytest.raises(ForgeError) as raised:
        world.client.set_status(TOLD)
    assert not raised.value.transient
    assert f"with {status}" in raised.value.message
    assert len(world.server.asked) == 1  # the token follows no redirect


def test_a_forge_that_is_slow_is_left(world: World) -> None:
    world.server.faults.append(Fault(200, delay_seconds=5))
    begun = time.monotonic()
    with pytest.raises(ForgeUnavailable, match="Timeout"):
        world.client.set_status(TOLD)
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize("body", [b"<html>", b"[", b"\xff", b"[" * 50_000, b'{"a": 1}', b"[1]"])
def test_an_answer_that_is_none_is_named(world: World, body: bytes) -> None:
    world.server.faults.append(Fault(200, body=body))
    with pytest.raises(ForgeError) as raised:
        world.client.put_comment(7, "mark", "text")
    assert not raised.value.transient


def test_an_endless_answer_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_ANSWER_BYTES", 1000)
    world.server.faults.append(Fault(200, body=b" " * 5000))
    with pytest.raises(ForgeError, match="more than"):
        world.client.put_comment(7, "mark", "text")


def test_nobody_there_is_transient(world: World) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        client = open_client(world.name, REPOSITORY, TOKEN, api_url=address)
        with pytest.raises(ForgeUnavailable, match="does not answer"):
            client.set_status(TOLD)
        client.close()


def test_the_token_is_nowhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.client.set_status(TOLD)
    echo = f'{{"message": "what is {TOKEN}?"}}'.encode()
    seen = [repr(world.client), str(vars(world.client))]
    for fault in (Fault(401, body=echo), Fault(500, body=echo), Fault(200, delay_seconds=5)):
        world.server.faults.append(fault)
        with pytest.raises(ForgeError) as raised:
            world.client.set_status(TOLD)
        seen += [repr(raised.value), raised.value.message, str(raised.value.details)]
        assert raised.value.__cause__ is None
    wrong = open_client(world.name, REPOSITORY, "wrong-token", api_url=world.server.url)
    with pytest.raises(ForgeError, match="401"):
        wrong.set_status(TOLD)
    wrong.close()
    assert TOKEN not in "".join([*seen, caplog.text])


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "shop"}, {"repository": "../shop"}, {"repository": "a/b?c"},
        {"repository": "a/b#c"}, {"repository": "a//b"}, {"repository": ""}, {"token": ""},
        {"token": "a\nb"}, {"token": "ü"}, {"api_url": "ftp://x"}, {"api_url": "https://"},
        {"forge": "sourcehut"},
    ],
)  # fmt: skip
def test_malformed_arguments_are_refused(change: dict[str, str]) -> None:
    given = {"forge": "gitea", "repository": REPOSITORY, "token": TOKEN, "api_url": "http://x"}
    with pytest.raises(InvalidInput):
        open_client(**(given | change))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no address of its own"):
        open_client("gitea", REPOSITORY, TOKEN)


def test_a_commit_that_is_none_is_not_asked_for(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.client.set_status(replace(TOLD, commit="../../x"))
    assert world.server.asked == []


# GitHub's own record of deployments


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with SERVERS["github"]() as server:
        client = open_client("github", REPOSITORY, TOKEN, api_url=server.url)
        yield World("github", server, client)
        client.close()


def test_only_github_has_a_record_of_deployments(world: World) -> None:
    assert isinstance(world.client, RecordsDeployments) is (world.name == "github")


def test_a_deployment_is_made_once_and_followed(github: World) -> None:
    for state in (State.PENDING, State.PENDING, State.SUCCESS):
        reporting.report(github.client, replace(TOLD, state=state), SECRET)
    (one,) = github.server.deployments
    assert one["states"] == ["in_progress", "in_progress", "success"]
    assert (one["environment"], one["sha"]) == ("feature-nice", SHA)
    later = replace(TOLD, commit=NEXT, state=State.SUCCESS)
    reporting.report(github.client, later, SECRET)
    assert [d["states"][-1] for d in github.server.deployments] == ["inactive", "success"]


def test_deployments_end_with_their_environment(github: World) -> None:
    foreign = {"id": 999, "environment": "feature-nice", "sha": SHA, "task": "deploy", "states": []}
    github.server.deployments.append(foreign)
    for commit in (SHA, NEXT):
        reporting.report(github.client, replace(TOLD, commit=commit), SECRET)
    reporting.report(github.client, replace(TOLD, environment="other"), SECRET)
    for _ in range(2):
        reporting.report_gone(github.client, "feature-nice", SECRET)
    states = [d["states"] for d in github.server.deployments]
    assert states == [[], ["in_progress", "inactive"], ["in_progress", "inactive"], ["in_progress"]]
