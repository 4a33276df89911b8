"""The egress guard, on an engine of its own: whatever is tried, nothing reaches the wire."""

from __future__ import annotations

import os
import secrets
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker.models.containers import Container

from benchmarks.rig import INNER, WORLD, Rig, Wire
from benchmarks.town import HOST_PORT, Town, by_socket
from greenroom.egress import MAIL_HOST
from greenroom.errors import HostingError
from greenroom.guarding import installed_guard, plan_guard
from greenroom.hosting.base import BuildOrder
from greenroom.hosting.images import DockerBuilder
from greenroom.hosting.services import Services
from greenroom.hosting.storage import clear_engine_cache, engine_cache_bytes
from greenroom.manifest import Manifest
from greenroom.settings import Settings
from greenroom.store import crypto, environments, mails, networks, projects
from greenroom.store.work import unit_of_work
from greenroom.surroundings import Service
from tests.conftest import database_on, forget_settings, on_server

pytestmark = [
    pytest.mark.contract, pytest.mark.needs_docker, pytest.mark.needs_postgres,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root has networks of its own"),
]  # fmt: skip


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.end()


@pytest.fixture(scope="module")
def store(postgres_server: str, _template: str, rig: Rig) -> Iterator[str]:
    """A store for all tests of this file: an engine and its guard take long to start."""
    name = f"guard_{secrets.token_hex(6)}"
    on_server(
        postgres_server, "create database {name} template {model}", name=name, model=_template
    )
    yield database_on(postgres_server, name)
    forget_settings()
    on_server(postgres_server, "drop database if exists {name} with (force)", name=name)


def open_store(patch: pytest.MonkeyPatch, rig: Rig, url: str) -> None:
    patch.setenv("GREENROOM_HOME", str(rig.home))
    patch.setenv("GREENROOM_DATABASE_URL", url)
    forget_settings()


@pytest.fixture(scope="module")
def _town(rig: Rig, busybox: Path, store: str) -> Iterator[Town]:
    made = Town(rig, rig.load_image(busybox))
    listener = rig.machine.inside(
        lambda: __import__("socket").create_server(("0.0.0.0", HOST_PORT))
    )
    try:
        with pytest.MonkeyPatch.context() as patch:
            open_store(patch, rig, store)
            crypto.ensure_secret_key()
            with unit_of_work() as work:
                projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
            for name in ("mail", "egress"):
                rig.start_server(name, by_socket(store))
            for name in ("cart", "blog"):
                made.settle(name)
        forget_settings()
        yield made
    finally:
        listener.close()
        for copy in made.copies.values():
            made.runtime.stop(copy.name, 0)
            Services(made.runtime).remove(copy.environment_id)
            made.runtime.remove_network(copy.environment_id)
        rig.stop_servers()


@pytest.fixture
def town(_town: Town, store: str, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The town, its store open, and nothing heard in the world yet."""
    open_store(monkeypatch, _town.rig, store)
    _town.rig.heard()
    return _town


@pytest.fixture
def wire(rig: Rig) -> Iterator[Wire]:
    made = Wire(rig.outer)
    made.packets()
    yield made
    made.close()


def test_nothing_gets_out(town: Town, wire: Wire) -> None:
    checked = town.check("cart")
    wrong = [one for one in checked.probes if one["outcome"] == "got out"]
    assert wrong == []
    assert len(checked.probes) >= 30
    assert {one["group"] for one in checked.probes} >= {
        "mail", "web", "dns", "metadata", "host", "sibling", "ipv6", "udp", "icmp", "other",
    }  # fmt: skip
    outcomes = {(one["group"], one["what"]): one["outcome"] for one in checked.probes}
    mail = {outcome for (group, _), outcome in outcomes.items() if group == "mail"}
    assert mail == {"captured"}
    assert outcomes["dns", "the engine's own resolver"] == "answered by us"
    assert outcomes["dns", "another server's answer (UDP)"] == "answered by us"
    assert wire.packets() == []
    assert checked.packets == 0
    assert checked.verdict == "proved"
    assert town.rig.heard() == []


SEND = """
import smtplib, ssl
context = ssl._create_unverified_context()
def send(client, subject):
    client.login("anybody", "with any password")
    client.sendmail("shop@x.test", ["nora@y.test"], f"Subject: {subject}\\r\\n\\r\\nThank you.")
    client.quit()
for port in (25, 587, 2525):
    client = smtplib.SMTP("%(world)s", port, timeout=10)
    client.starttls(context=context)
    send(client, f"hard-coded {port}")
send(smtplib.SMTP_SSL("%(world)s", 465, timeout=10, context=context), "hard-coded 465")
send(smtplib.SMTP("%(gateway)s", %(port)d, timeout=10), "by its variables")
print("sent")
"""


def test_mail_to_hard_coded_servers_is_captured_and_its_sender_known(
    town: Town, wire: Wire
) -> None:
    def kept(name: str) -> dict[uuid.UUID, str]:
        with unit_of_work() as work:
            found = environments.get_environment(work, f"shop/{name}")
            return {mail.id: mail.subject for mail in mails.list_mails(work, found)}

    earlier = kept("cart")
    gateway = town.order("cart").gateway
    script = SEND % {"world": WORLD, "gateway": gateway, "port": town.rig.settings.mail_port}
    assert town.inside("cart", script) == "sent\n"
    town.inside("blog", script.split("for port")[0] + script.splitlines()[-2])
    wanted = [f"hard-coded {port}" for port in (25, 2525, 465, 587)]
    new = [subject for key, subject in kept("cart").items() if key not in earlier]
    assert sorted(new) == sorted([*wanted, "by its variables"])
    assert wire.packets() == []
    assert town.rig.heard() == []
    assert "198.18" in town.run("blog", "nslookup smtp.sendgrid.net")
    assert gateway in town.run("cart", f"nslookup {MAIL_HOST}")
    checking = "import smtplib, ssl; smtplib.SMTP('%s', 587).starttls(context=%s)"
    said = town.inside("blog", checking % (WORLD, "ssl.create_default_context()"))
    assert "CERTIFICATE_VERIFY_FAILED" in said  # who checks whom it speaks to sends nothing


def test_what_is_allowed_is_reached_and_nothing_beside_it(town: Town, wire: Wire) -> None:
    rig = town.rig
    ask = "echo hello | nc -w 5 {} {}; echo"
    assert "the world answers" in town.run("cart", ask.format("api.partner.example", 8080))
    assert "the world answers" in town.run("cart", ask.format("cdn.partner.example", 80))
    assert {port for port, _ in rig.heard()} == {8080, 80}
    tls = """
import socket, ssl
def ask(address, name, connect=b""):
    made = socket.create_connection((address, 443 if not connect else %d), timeout=10)
    if connect:
        made.sendall(connect); print(made.recv(100).split(b"\\r")[0].decode())
    context = ssl._create_unverified_context()
    try: context.wrap_socket(made, server_hostname=name)
    except (OSError, ssl.SSLError) as error: print(type(error).__name__)
for address, name in (("%s", "api.partner.example"), ("1.2.3.4", "api.partner.example"),
                      ("%s", "other.example")):
    ask(address, name)
ask("%s", "api.partner.example", b"CONNECT api.partner.example:443 HTTP/1.1\\r\\n\\r\\n")
ask("%s", "other.example", b"CONNECT other.example:443 HTTP/1.1\\r\\n\\r\\n")
"""
    gateway = town.order("cart").gateway
    port = plan_guard(rig.settings).proxy_port
    said = town.inside("cart", tls % (port, WORLD, WORLD, gateway, gateway))
    heard = rig.heard()
    assert len(heard) == 3, (said, heard)
    assert all(b"api.partner.example" in octets for _, octets in heard)
    assert "200 Connected" in said
    assert "403 Forbidden" in said
    wire.packets()
    for host, at in (
        ("other.example", 80), ("api.partner.example", 587), ("api.partner.example", 81),
        ("inner.partner.example", 80), ("self.partner.example", 80),
    ):  # fmt: skip
        assert "the world" not in town.run("cart", ask.format(host, at))
    assert wire.packets() == []
    town.rig.settle_refusals()
    with unit_of_work() as work:
        rows = networks.list_refusals(work, environments.get_environment(work, "shop/cart"))
        refused = {row.host: row.reason for row in rows}
    assert refused["other.example:443"] == "egress.allow does not name it"
    assert refused["inner.partner.example:80"] == "it leads to a private address"
    assert refused["self.partner.example:80"] == "it leads to a private address"


def test_services_are_found_by_name_in_their_own_network_only(town: Town) -> None:
    services, lines = Services(town.runtime), list[str]()
    copy = town.copies["cart"]
    network = town.runtime.ensure_network(copy.environment_id, guarded=True)
    service = Service(
        image=town.image, command="httpd -f -p 6379 -h /bin", port=6379, volume="/data",
        memory="32m", variables={"A": "b"},
    )  # fmt: skip

    def ensure(wanted: Service) -> None:
        services.ensure(
            copy.environment_id, "redis", wanted, network, True, lines.append, lambda: None
        )

    ensure(service)
    ensure(service)
    assert "reached" in town.run(
        "cart", "wget -q -O /dev/null http://redis:6379/echo && echo reached"
    )
    assert "reached" not in town.run(
        "blog", "wget -q -O /dev/null -T 3 http://redis:6379/echo && echo reached"
    )
    (container,) = town.rig.client.containers.list(filters={"label": "greenroom.service=redis"})
    container.exec_run(["/bin/sh", "-c", "touch /data/kept"])
    ensure(replace(service, memory="48m"))
    (anew,) = town.rig.client.containers.list(filters={"label": "greenroom.service=redis"})
    assert anew.id != container.id
    assert anew.exec_run(["/bin/sh", "-c", "cat /data/kept"])[0] == 0  # its volume stayed
    _rest_and_wake(town, anew)
    town.runtime.pause(copy.name)
    ensure(replace(service, memory="40m"))  # a deployment over one that rests
    town.runtime.resume(copy.name)
    assert services.remove(copy.environment_id, but=["redis"]) == []
    assert services.remove(copy.environment_id) == ["redis"]
    assert services.remove(copy.environment_id) == []
    assert town.rig.client.volumes.list(filters={"label": "greenroom.service"}) == []
    for wrong, words in (
        (replace(service, command="nonexistent"), "ended right after"),
        (replace(service, port=1, timeout_seconds=1), "did not answer"),
        (replace(service, health="false", timeout_seconds=1), "did not answer"),
        (replace(service, image="127.0.0.1:1/x:1"), "cannot be fetched"),
    ):
        with pytest.raises(HostingError, match=words):
            ensure(wrong)
        services.remove(copy.environment_id)


def test_the_engines_build_cache_goes_only_with_nothing_beside_it(
    town: Town, busybox: Path, tmp_path: Path
) -> None:
    """What a build left, ours or not: it carries no label, and the image stays."""
    settings = town.rig.settings
    shutil.copy(busybox, tmp_path / "busybox")
    tmp_path.joinpath("Dockerfile").write_text(
        "FROM scratch AS one\nCOPY busybox /bin/\nFROM scratch\nCOPY --from=one /bin/ /sbin/\n"
    )
    manifest = Manifest(runtime="docker")
    order = BuildOrder("cached", "c1", tmp_path, manifest, {})
    made = DockerBuilder(settings).build(order, lambda _: None, lambda: None)
    held = engine_cache_bytes(settings)
    assert held is not None
    assert held > 100_000
    assert "labels" not in str(town.rig.client.df()["BuildCache"]).lower()
    clear_engine_cache(settings)
    clear_engine_cache(settings)
    assert engine_cache_bytes(settings) == 0
    assert town.rig.client.images.get(made.identity).id == made.identity
    assert engine_cache_bytes(Settings(docker_host="unix:///nonexistent")) is None


def _rest_and_wake(town: Town, service: Container) -> None:
    """A service rests with the last copy of its environment, and answers before that one wakes."""
    copy, runtime = town.copies["cart"], town.runtime
    app = town.rig.client.containers.get(copy.name)

    def states() -> list[str]:
        for one in (app, service):
            one.reload()
        return [app.status, service.status]

    for _ in range(2):
        runtime.pause(copy.name)
        assert states() == ["paused", "paused"]
    other = replace(copy, name=f"{copy.name}-b")
    runtime.start(other)  # a deployment beside the version that sleeps
    assert states() == ["paused", "running"]
    runtime.pause(copy.name)
    assert states() == ["paused", "running"]
    runtime.stop(other.name, 0)
    runtime.park(copy.name, 2)
    assert states() == ["exited", "exited"]
    assert service.attrs["HostConfig"]["RestartPolicy"]["Name"] == "no"
    for _ in range(2):
        runtime.resume(copy.name)
        assert states() == ["running", "running"]
    began = [one.attrs["State"]["StartedAt"] for one in (service, app)]
    assert began == sorted(began)
    assert service.attrs["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_nothing_gets_out_by_the_older_rules_either(
    town: Town, wire: Wire, store: str, tmp_path: Path
) -> None:
    """Where nftables is not installed; and an engine that starts anew does not open them."""
    rig = town.rig
    rig.stop_servers()
    rig.machine.run("nft", "delete", "table", "inet", plan_guard(rig.settings).label)
    for name in ("iptables", "iptables-restore", "ip6tables"):
        tmp_path.joinpath(name).symlink_to(shutil.which(name, path="/usr/sbin:/sbin") or name)
    for name in ("mail", "egress"):
        rig.start_server(name, by_socket(store), PATH=f"{tmp_path}:/usr/bin:/bin")
    guard = installed_guard(rig.settings)
    assert guard is not None
    assert guard.backend == "iptables"
    wire.packets()
    checked = town.check("cart")
    assert [one for one in checked.probes if one["outcome"] == "got out"] == []
    assert (checked.packets, checked.verdict, wire.packets()) == (0, "proved", [])
    assert "listening" not in town.run("cart", f"nc -w 2 {INNER} {HOST_PORT}")
