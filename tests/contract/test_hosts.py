"""One suite for both vendors' clients and their runtime, against stand-ins of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from greenroom.errors import (
    AlreadyExists,
    HostingError,
    HostUnavailable,
    InvalidInput,
    NotFound,
    Overtaken,
)
from greenroom.hosting import elsewhere, vendors
from greenroom.hosting.base import Copy, nothing
from greenroom.hosting.elsewhere import ElsewhereRuntime, SentBuilder, open_host
from greenroom.hosting.vendors import HostClient, SentState, list_files
from greenroom.manifest import Manifest
from greenroom.store import hosts, projects
from greenroom.store.models import Deployment, Environment, Instance, InstanceState, Release, now
from greenroom.store.work import unit_of_work
from tests.contract.forge_server import Fault
from tests.contract.host_server import SERVERS, SITE, TOKEN, HostServer

pytestmark = pytest.mark.contract


@dataclass
class World:
    server: HostServer
    client: HostClient
    folder: Path


@pytest.fixture(params=SERVERS, ids=lambda server: server.kind)
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(vendors, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(elsewhere, "LOOKED_AT_SECONDS", 0.01)
    folder = tmp_path / "site"
    folder.joinpath("über uns").mkdir(parents=True)
    folder.joinpath("index.html").write_text("<h1>one</h1>")
    folder.joinpath("über uns", "a+b.txt").write_text("same")
    folder.joinpath("copy.txt").write_text("same")
    folder.joinpath("large.bin").write_bytes(bytes(range(256)) * 4096)
    with request.param() as server:
        client = open_host(server.kind, SITE, TOKEN, api_url=server.url)
        yield World(server, client, folder)
        client.close()


def send(world: World, mark: str = "greenroom-1") -> str:
    names: list[str] = []
    files = list_files(world.folder, nothing)
    sent = world.client.send(mark, files, names.append, nothing)
    assert names == [sent.id]
    return sent.id


def test_only_what_is_missing_is_sent(world: World) -> None:
    first = send(world)
    assert len(world.server.uploads()) == 3  # two of the four files are the same
    assert world.client.look(first).state == SentState.READY
    world.folder.joinpath("index.html").write_text("<h1>two</h1>")
    second = send(world, "greenroom-2")
    assert [one.body for one in world.server.uploads()[3:]] == [b"<h1>two</h1>"]
    shown = world.client.look(second)
    assert httpx.get(f"{shown.url}/%C3%BCber uns/a+b.txt").text == "same"
    found = world.client.find_sent("greenroom-1")
    assert found is not None
    assert found.id == first
    assert world.client.find_sent("greenroom-3") is None


def test_publish_roll_back_delete(world: World) -> None:
    first, second = send(world), send(world, "greenroom-2")
    for name in (first, second):
        assert world.client.look(name).state == SentState.READY
        world.client.publish(name, again=False)
    world.client.publish(first, again=True)
    assert world.server.published == [first, second, first]
    world.client.delete(second)
    world.client.delete(second)
    assert world.client.look(second).state == SentState.GONE
    world.client.cancel(second)


def test_cancel_and_fail(world: World) -> None:
    world.server.looks_needed = 10**6
    first = send(world)
    assert world.client.look(first).state == SentState.UNDER_WAY
    world.client.cancel(first)
    assert world.client.look(first).state == SentState.FAILED
    world.server.looks_needed, world.server.fails_with = 1, f"It broke: {TOKEN}\nLine two"
    second = send(world, "greenroom-2")
    failed = world.client.look(second)
    assert failed.state == SentState.FAILED
    assert failed.reason.startswith("It broke")
    log = world.client.read_log(second)
    assert len(log) == 2
    assert TOKEN not in " ".join([*log, failed.reason])
    assert world.client.find_sent("greenroom-2") is None  # it would be of no use


def test_refusals_and_faults(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = open_host(world.server.kind, SITE, "wrong-token", api_url=world.server.url)
    with pytest.raises(HostingError) as refused:
        stranger.look_at_site()
    stranger.close()
    assert (refused.value.transient, refused.value.details["status"]) == (False, 401)
    assert "set-host" in refused.value.hint
    other = open_host(world.server.kind, "nobodys", TOKEN, api_url=world.server.url)
    with pytest.raises(HostingError, match="404"):
        other.look_at_site()
    other.close()
    for fault in (Fault(status=429, headers={"Retry-After": "7"}), Fault(status=500)):
        world.server.faults = [fault]
        with pytest.raises(HostUnavailable) as away:
            world.client.look_at_site()
        wanted = 7.0 if fault.status == 429 else None
        assert away.value.details["retry_after_seconds"] == wanted
    world.server.faults = [Fault(status=200, body=b"<html>")]
    with pytest.raises(HostingError, match="not JSON"):
        world.client.look_at_site()
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(world.client)
    for site in ("../x", "a b", "", "x" * 101):
        with pytest.raises(InvalidInput):
            open_host(world.server.kind, site or "/", TOKEN)


def test_an_upload_that_is_cut_is_sent_again(world: World) -> None:
    world.server.cut_after = 3
    world.server.faults = [Fault(status=500, on="large.bin"), Fault(status=503, on="/v2/files")]
    first = send(world)
    assert world.client.look(first).state == SentState.READY


def test_what_no_vendor_takes(tmp_path: Path) -> None:
    with pytest.raises(HostingError, match="empty"):
        list_files(tmp_path, nothing)
    tmp_path.joinpath("a#b").write_text("x")
    with pytest.raises(HostingError, match="of the name"):
        list_files(tmp_path, nothing)
    tmp_path.joinpath("a#b").unlink()
    tmp_path.joinpath("real").mkdir()
    tmp_path.joinpath("link").symlink_to("real")
    with pytest.raises(HostingError, match="link to a folder"):
        list_files(tmp_path, nothing)


# With the store


@dataclass
class Shop:
    world: World
    copy: Copy
    runtime: ElsewhereRuntime
    lines: list[str]


@pytest.fixture
def shop(store_url: str, world: World) -> Shop:
    kind = world.server.kind
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "https://x.test/shop.git", actor="ada")
        other = projects.add_project(work, "other", "https://x.test/other.git", actor="ada")
        hosts.set_host(work, project, kind, SITE, "", world.server.url, TOKEN, actor="ada")
        with pytest.raises(AlreadyExists):
            hosts.set_host(work, other, kind, SITE, "", "", TOKEN, actor="ada")
        environment = Environment(
            project_id=project.id, name="work", kind="staging", git_branch="work",
            host="work.x.test", url="http://work.x.test",
        )  # fmt: skip
        release = Release(
            project_id=project.id, commit_hash="c" * 40, runtime=kind, artifact="sha256:1",
            location=str(world.folder), manifest={}, manifest_digest="m",
        )  # fmt: skip
        work.add_all([environment, release])
        work.flush()
        deployment = Deployment(
            environment_id=environment.id, number=1, ref="work", commit_hash="c" * 40,
            deployed_by="ada", release_id=release.id,
        )  # fmt: skip
        work.add(deployment)
        work.flush()
        instance = Instance(
            environment_id=environment.id, deployment_id=deployment.id, release_id=release.id,
            runtime=kind, name="copy-1", address="",
        )  # fmt: skip
        work.add(instance)
        copy = Copy("copy-1", str(environment.id), "sha256:1", str(world.folder), Manifest())
    lines: list[str] = []
    return Shop(world, copy, ElsewhereRuntime(lines.append, nothing), lines)


def test_starting_twice_sends_once(shop: Shop) -> None:
    address = shop.runtime.start(shop.copy)
    assert httpx.get(address).text == "<h1>one</h1>"
    assert shop.runtime.start(shop.copy) == address
    assert len(shop.world.server.deploys) == 1
    assert "nothing is sent" in " ".join(shop.lines)
    assert shop.runtime.liveness("copy-1").is_alive
    shop.runtime.stop("copy-1", 1)  # the release keeps it
    assert len(shop.world.server.deploys) == 1
    shop.world.server.deploys.clear()
    assert "deleted" in shop.runtime.liveness("copy-1").reason
    assert shop.runtime.start(shop.copy) != address
    shop.world.server.faults = [Fault(status=500)] * 2
    assert shop.runtime.liveness("copy-1").is_alive  # its API is away, its sites need not be


def test_killed_between_the_upload_and_its_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hosts, "record_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            shop.runtime.start(shop.copy)
    assert len(shop.world.server.deploys) == 1
    address = shop.runtime.start(shop.copy)
    assert len(shop.world.server.deploys) == 1
    assert httpx.get(address).text == "<h1>one</h1>"


def test_overtaken_while_it_is_made_there(shop: Shop) -> None:
    shop.world.server.looks_needed = 10**6
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += any(one.state == "building" for one in shop.world.server.deploys.values())
        if looks > 2:
            raise Overtaken("a newer one")

    with pytest.raises(Overtaken):
        ElsewhereRuntime(shop.lines.append, check).start(shop.copy)
    assert [one.state for one in shop.world.server.deploys.values()] == ["cancelled"]
    shop.runtime.stop("copy-1", 1)
    assert shop.world.server.deploys == {}
    shop.world.server.looks_needed = 1
    assert httpx.get(shop.runtime.start(shop.copy)).text == "<h1>one</h1>"


def test_what_goes_with_a_release(shop: Shop) -> None:
    kind = shop.world.server.kind
    shop.runtime.start(shop.copy)
    builder = SentBuilder(kind)
    shop.world.server.faults = [Fault(status=500)]
    builder.remove("sha256:1", shop.copy.location)
    assert len(shop.world.server.deploys) == 1  # the vendor was away
    with unit_of_work() as work:
        work.query(Release).update({"removed_at": now()})
    builder.remove("sha256:of another", shop.copy.location)
    assert shop.world.server.deploys == {}
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        with pytest.raises(InvalidInput, match="is shown at"):
            hosts.set_host(work, project, kind, "", "", "", None, actor="ada")
        work.query(Instance).update({"state": InstanceState.STOPPED})
    elsewhere.forget_site("shop", kind, actor="ada")
    with pytest.raises(NotFound):
        elsewhere.forget_site("shop", kind, actor="ada")
    shop.runtime.stop("copy-1", 1)  # nobody is held up
