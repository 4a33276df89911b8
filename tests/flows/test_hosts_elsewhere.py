"""Environments at engines on other machines, through the running platform."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from greenroom import orders
from greenroom.errors import HealthCheckFailed, HostUnavailable, InvalidInput
from greenroom.hosting import hosts
from greenroom.hosting.base import Copy, nothing, silent
from greenroom.hosting.health import wait_until_healthy
from greenroom.hosting.placed import runtime_at
from greenroom.hosting.registry import runtime_for
from greenroom.hosting.tunnel import close_tunnels
from greenroom.manifest import Manifest, Run
from greenroom.store import environments, machines
from greenroom.store.models import Instance, Release
from greenroom.store.work import unit_of_work
from tests.engines import Authority, Node, Town, engines, ssh_server, why_impossible
from tests.flows.conftest import Site, Stage

pytestmark = [pytest.mark.flows, pytest.mark.needs_docker]
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
WORKDIR /app
COPY index.html /app/
CMD ["/bin/busybox", "sh", "-c", "echo started; exec busybox httpd -f -p $PORT -h /app"]
"""
MANIFEST = """\
version: 1
runtime: docker
run: {stop_seconds: 1}
health: {interval_seconds: 0.1, timeout_seconds: 20}
resources: {memory: 48m, processes: 32}
"""


@pytest.fixture(scope="session")
def town(require: Callable[[bool, str, str], None]) -> Iterator[Town]:
    """Two engines on machines of their own."""
    why = why_impossible()
    require(not why, f"engines of the test's own ({why})", "scripts/install-system, as root")
    with engines(2) as made:
        yield made


def add(node: Node, town: Town, name: str, **more: Any) -> None:
    keys = town.authority.issue("greenroom")
    hosts.add_host(name, node.url, keys=keys, actor="ada", **more)


@pytest.fixture
def two(town: Town, stage: Stage) -> Iterator[tuple[Node, Node]]:
    """Both engines as hosts, and nothing placed here."""
    names = ("alpha", "beta")
    for name, node, memory in zip(names, town.nodes, ("600m", "500m"), strict=True):
        add(node, town, name, memory=memory)
    hosts.drain_host("local", True, actor="ada")
    yield town.nodes[0], town.nodes[1]
    hosts.drain_host("local", False, actor="ada")
    for name in names:
        hosts.remove_host(name, forced=True, actor="ada")
    with unit_of_work() as work:
        work.delete(machines.get_machine(work, "local"))


@pytest.fixture
def new_image_site(new_site: Callable[..., Site], stage: Stage) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(text: str = "one") -> Site:
        site = new_site()
        busybox = shutil.which("busybox")
        assert busybox is not None
        shutil.copy(busybox, site.repository.folder / "busybox")
        site.commit({"Dockerfile": DOCKERFILE, "greenroom.yaml": MANIFEST, "index.html": text})
        site.repository.git("branch", "staging")
        made.append(site)
        return site

    yield make
    with unit_of_work() as work:
        projects_ = {site.name for site in made}
        living = [e for e in environments.list_environments(work) if e.project.name in projects_]
        left = [f"{e.project.name}/{e.name}" for e in living]
    for name in left:
        orders.place_destroy(name, actor="ada")
    stage.eventually(lambda: not left_of(projects_), "environments to go", 60)


def left_of(names: set[str]) -> list[str]:
    with unit_of_work() as work:
        found = environments.list_environments(work)
        return [e.name for e in found if e.project.name in names]


def copy_at(site: Site, branch: str = "main") -> Instance:
    """Give the copy that serves."""
    (found,) = [c for c in site.stage.copies(site.environment(branch).id) if c.state == "serving"]
    return found


def left_at(node: Node) -> list[str]:
    """Name what there is at an engine: containers, and networks of environments."""
    client = node.client()
    try:
        found = [str(c.name) for c in client.containers.list(all=True)]
        networks = client.networks.list()
        return found + [str(n.name) for n in networks if str(n.name).startswith("greenroom-")]
    finally:
        client.close()


def images_at(node: Node) -> int:
    client = node.client()
    try:
        return len(client.api.images(quiet=True))
    finally:
        client.close()


def test_an_environment_lives_at_other_machines(
    two: tuple[Node, Node], new_image_site: Callable[..., Site], stage: Stage
) -> None:
    """Placed by free memory, stays, is moved by draining, outlives its engine, and goes."""
    alpha, beta = two
    site = new_image_site("one")
    first = site.deploy("staging")
    assert site.get("/", "staging").text == "one"
    copy = copy_at(site, "staging")
    assert copy.machine == "alpha"
    assert copy.address.startswith(f"http://{alpha.address}:")
    assert copy.name in left_at(alpha)
    assert left_at(beta) == []
    log = stage.log(first)
    assert "placed at alpha" in log
    assert "sending the image to alpha" in log
    assert "no egress guard: alpha is another machine" in log
    assert "limits: as wanted, read back from the system" in log
    assert list(runtime_for("docker").read_log(copy.name, following=False)) == ["started"]

    # It sleeps and wakes there, and is started anew when it dies.
    runtime = runtime_for("docker")
    runtime.pause(copy.name)
    runtime.park(copy.name, 1)
    assert not runtime.liveness(copy.name).is_alive
    assert f"revive_copy {copy.name}" in stage.reconcile()
    assert stage.eventually(lambda: site.get("/", "staging").status == 200)

    # It stays where it is while it fits, and leaves a host that is drained.
    hosts.drain_host("alpha", True, actor="ada")
    site.commit({"index.html": "two"}, "staging")
    with site.visitor("staging") as visitor:
        site.deploy("staging")
    assert not visitor.wrong, visitor.wrong[:3]
    assert site.get("/", "staging").text == "two"
    assert copy_at(site, "staging").machine == "beta"
    assert left_at(alpha) == []
    assert len(left_at(beta)) == 2
    hosts.drain_host("alpha", False, actor="ada")

    # Its engine dies: what runs goes on, and what is new goes elsewhere.
    beta.kill_engine()
    assert site.get("/", "staging").text == "two"
    stage.reconcile()
    assert site.environment("staging").status == "active"
    told = {subject: grade for subject, grade, _, _ in hosts.examine_hosts(stage.settings)}
    assert told == {"host alpha": "ok", "host beta": "bad", "staging elsewhere": "note"}
    site.commit({"index.html": "four"}, "staging")
    log = stage.log(site.deploy("staging"))
    assert "beta: the host beta does not answer: Connection refused" in log
    assert site.get("/", "staging").text == "four"
    assert copy_at(site, "staging").machine == "alpha"
    states = {c.machine: c.state for c in stage.copies(site.environment("staging").id)}
    assert states == {"alpha": "serving", "beta": "draining"}
    beta.start()
    beta.wait()
    stage.eventually(lambda: stage.reconcile() and not left_at(beta)[:-1], "beta to be clean", 30)

    # All of it goes.
    with pytest.raises(InvalidInput, match=f"{site.name}/staging run there"):
        hosts.remove_host("alpha", actor="ada")
    orders.place_destroy(f"{site.name}/staging", actor="ada")
    stage.eventually(lambda: site.environment("staging").status == "destroyed", "its end")
    stage.eventually(lambda: not left_at(alpha) and not left_at(beta), "nothing left", 30)
    stage.eventually(lambda: images_at(alpha) + images_at(beta) == 0, "no image left", 30)


def test_its_engine_is_killed_while_it_deploys(
    two: tuple[Node, Node], new_image_site: Callable[..., Site], stage: Stage
) -> None:
    """Within half a minute it serves again, and nothing is left that nobody wants."""
    alpha, _ = two
    hosts.drain_host("beta", True, actor="ada")
    site = new_image_site("one")
    site.deploy("staging")
    key = site.environment("staging").id
    site.commit({"index.html": "two"}, "staging")
    order = site.order("staging")
    stage.eventually(
        lambda: any(c.state == "starting" for c in stage.copies(key)), "a candidate", pause=0.01
    )
    alpha.kill_engine()
    alpha.start()
    alpha.wait()
    ended = stage.wait(order.deployment_id, "live", "failed")
    wanted = "two" if ended.status == "live" else "one"

    def is_true() -> bool:
        stage.reconcile()
        left = {name for name in left_at(alpha) if not name.startswith("greenroom-")}
        if left != {copy_at(site, "staging").name} or stage.locks():
            return False
        answer = site.get("/", "staging")
        return (answer.status, answer.text) == (200, wanted)

    stage.eventually(is_true, "a true state", 30)
    assert site.environment("staging").status == "active"
    site.commit({"index.html": "three"}, "staging")
    assert site.deploy("staging").status == "live"
    assert site.get("/", "staging").text == "three"
    orders.place_destroy(f"{site.name}/staging", actor="ada")
    stage.eventually(lambda: not left_at(alpha), "nothing left", 30)


def test_a_host_is_added_only_once_it_has_answered(town: Town, stage: Stage) -> None:
    node = town.nodes[0]
    with pytest.raises(HostUnavailable, match="certificates do not fit"):
        hosts.add_host("alpha", node.url, keys=Authority().issue("x"), actor="ada")
    with pytest.raises(InvalidInput, match="no manager"):
        add(node, town, "alpha", kind="swarm")
    assert hosts.list_rows() == []
    add(node, town, "alpha", takes="production", memory="600m")
    row = hosts.list_rows()[0]
    assert row.seen["engine"]
    assert not row.refused
    assert "BEGIN" not in repr(row)
    hosts.remove_host("alpha", actor="ada")
    assert not stage.settings.path("run", "hosts", "alpha").exists()


def test_a_host_is_reached_by_ssh(
    town: Town, stage: Stage, require: Callable[[bool, str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    has_sshd = all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in
                   ("sshd", "ssh", "ssh-keygen"))  # fmt: skip
    require(has_sshd, "an SSH server", "scripts/install-system")
    node = town.nodes[0]
    control = stage.settings.path("run", "hosts", "gamma.ssh")
    url = f"ssh://root@{node.address}{node.folder}/s"
    with ssh_server(node) as programs:
        with pytest.raises(HostUnavailable, match="Host key verification failed"):
            hosts.add_host("gamma", url, actor="ada")
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        assert hosts.add_host("gamma", url, actor="ada")["engine"]
        assert machines.get_host("gamma").address == node.address
        assert control.is_socket()
        close_tunnels(stage.settings, "gamma")
        stage.eventually(lambda: not control.exists(), "the tunnel to end")
        assert hosts.check_host("gamma")["engine"]
        life = runtime_at(stage.settings, "gamma").liveness("nobody")
        assert life.reason == "its container is gone"
        hosts.remove_host("gamma", actor="ada")
        stage.eventually(lambda: not control.exists(), "the tunnel to end")


@pytest.fixture
def farm(town: Town, stage: Stage) -> Iterator[tuple[Node, Node]]:
    """Both engines as one swarm of two replicas, and nothing placed here."""
    manager, worker = town.nodes
    first, second = manager.client(), worker.client()
    first.swarm.init(advertise_addr=manager.address, listen_addr=manager.address)
    token = first.swarm.attrs["JoinTokens"]["Worker"]
    second.swarm.join([manager.address], token, worker.address, worker.address)
    second.close()
    add(manager, town, "farm", kind="swarm", options={"replicas": 2, "constraints": []})
    add(worker, town, "farm-2", kind="node", swarm="farm")
    hosts.drain_host("local", True, actor="ada")
    yield manager, worker
    hosts.drain_host("local", False, actor="ada")
    for name in ("farm-2", "farm"):
        hosts.remove_host(name, forced=True, actor="ada")
    with unit_of_work() as work:
        work.delete(machines.get_machine(work, "local"))
    first.swarm.leave(force=True)
    first.close()


def test_a_swarm_takes_environments(
    farm: tuple[Node, Node], new_image_site: Callable[..., Site], stage: Stage
) -> None:
    """Two replicas of each version; a broken one never serves; a node may die; all of it goes."""
    manager, worker = farm
    site = new_image_site("one")
    log = stage.log(site.deploy("staging"))
    assert "placed at farm" in log
    assert "farm-2 has it, by its Id" in log
    assert "limits: as wanted, read back from the system" in log
    copy = copy_at(site, "staging")
    places = {urlsplit(one).hostname for one in copy.address.split()}
    assert places == {manager.address, worker.address}
    assert {site.get("/", "staging").text for _ in range(4)} == {"one"}

    with unit_of_work() as work:
        artifact = work.get_one(Release, copy.release_id).artifact
    dying = Manifest(run=Run(command="echo dying; exit 7", stop_seconds=1))
    broken = Copy("t-broken", str(copy.environment_id), artifact, "", dying)
    runtime = runtime_at(stage.settings, "farm")
    with pytest.raises(HealthCheckFailed, match="exit code 7") as raised:
        address = runtime.start(broken)  # passes where both are seen in their one moment of life
        wait_until_healthy("t-broken", address, "", dying.health, runtime, silent, nothing)
    assert "dying" in raised.value.log_tail
    runtime_for("docker").stop("t-broken", 0)

    site.commit({"index.html": "two"}, "staging")
    with site.visitor("staging") as visitor:
        site.deploy("staging")
    assert not visitor.wrong, visitor.wrong[:3]
    assert site.get("/", "staging").text == "two"
    copy = copy_at(site, "staging")
    assert runtime_for("docker").names() == {copy.name}

    worker.kill()
    assert {site.get("/", "staging").text for _ in range(3)} == {"two"}
    worker.start()
    worker.wait()
    orders.place_destroy(f"{site.name}/staging", actor="ada")
    stage.eventually(lambda: site.environment("staging").status == "destroyed", "its end")
    stage.eventually(lambda: not left_at(manager), "nothing left", 60)
