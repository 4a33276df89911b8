"""One suite for every runtime, against the real thing."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from greenroom.errors import HostingError, Overtaken
from greenroom.settings import INSTANCE_MARK

pytestmark = pytest.mark.contract
World = Any
Eventually = Callable[..., Any]
LEAKED = "hunter2-of-the-platform"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave its rights")


def quiet() -> None:
    """Check nothing."""


def test_starting_twice_is_starting_once(any_world: World) -> None:
    copy = any_world.copy()
    address = any_world.runtime.start(copy)
    assert any_world.another().start(copy) == address
    assert any_world.is_alive(copy)
    if any_world.kind == "static":
        assert address == f"file://{copy.location}"
    else:
        assert any_world.ask(address) == "<h1>the shop</h1>\n"
        assert any_world.another().start(copy) == address
        assert any_world.ask(address) == "<h1>the shop</h1>\n"


def test_stopping_twice_is_stopping_once(any_world: World) -> None:
    copy = any_world.copy()
    any_world.runtime.start(copy)
    any_world.runtime.settle(copy.name)
    any_world.runtime.settle(copy.name)
    for _ in range(2):
        any_world.runtime.stop(copy.name, 2)
        assert copy.name not in any_world.runtime.names()
        assert any_world.runtime.log_tail(copy.name) == []
    any_world.runtime.stop("t-never-was-there", 2)


def test_what_is_gone_does_not_run(any_world: World) -> None:
    any_world.location = "/nonexistent"
    any_world.artifact = "sha256:" + "0" * 64
    gone = any_world.copy()
    if any_world.kind == "process":
        any_world.runtime.start(gone)
        assert any_world.why_dead(gone)
    else:
        with pytest.raises(HostingError):
            any_world.runtime.start(gone)
        assert gone.name not in any_world.runtime.names()


def test_every_copy_that_exists_is_named(world: World) -> None:
    copies = [world.copy(), world.copy("exit 1")]
    for copy in copies:
        world.runtime.start(copy)
    assert {copy.name for copy in copies} <= world.another().names()
    world.runtime.stop(copies[0].name, 1)
    names = world.another().names()
    assert copies[0].name not in names
    assert copies[1].name in names


def test_it_listens_on_loopback_only(world: World) -> None:
    address = world.runtime.start(world.copy())
    parts = urlsplit(address)
    assert parts.hostname == "127.0.0.1"
    world.ask(address)
    with socket.socket() as probe:
        probe.settimeout(3)
        assert probe.connect_ex(("127.0.0.2", parts.port)) != 0


def test_it_is_given_its_variables_and_none_of_ours(world: World) -> None:
    copy = world.copy(
        variables={"GREETING": 'it\'s "ünïcode" $HOME\n2nd', "PORT": "1", "HOST": "x"}
    )
    address = world.runtime.start(copy)
    shown = world.ask(address, "/cgi-bin/env")
    assert 'GREETING=it\'s "ünïcode" $HOME\n2nd' in shown
    port = urlsplit(address).port if world.kind == "process" else copy.manifest.run.port
    assert f"\nPORT={port}\n" in "\n" + shown
    assert LEAKED not in shown
    names = {line.partition("=")[0] for line in shown.splitlines()}
    ours = {name for name in names if name.startswith(("GREENROOM", "AWS", "SUPERVISOR"))}
    assert ours <= {INSTANCE_MARK}


def test_one_that_ends_says_how_and_what_it_said(world: World) -> None:
    copy = world.copy("echo one; echo last words; exit 3")
    world.runtime.start(copy)
    reason = world.why_dead(copy)
    assert "exit code 3" in reason or "right after its start" in reason
    assert world.runtime.log_tail(copy.name, 50)[-1] == "last words"
    assert world.runtime.log_tail(copy.name, 1) == ["last words"]


def test_one_that_ends_later_says_so_too(world: World) -> None:
    copy = world.copy("sleep 1.6; exit 4")
    world.runtime.start(copy)
    assert world.is_alive(copy)
    reason = world.why_dead(copy)
    assert "exit code 4" in reason or "started again" in reason
    assert not world.is_alive(copy)  # not settled: a restart does not make it well


def test_a_settled_one_comes_back_when_it_dies(world: World, eventually: Eventually) -> None:
    copy = world.copy()
    address = world.runtime.start(copy)
    world.runtime.settle(copy.name)
    world.ask(address)
    before = {process.pid for process in world.processes(copy)}
    if world.kind == "process":
        time.sleep(1.1)  # below its start_seconds the manager takes a death for a failed start
    _kill(address)
    eventually(lambda: world.is_alive(copy) and {p.pid for p in world.processes(copy)} - before)
    assert world.ask(address) == "<h1>the shop</h1>\n"


def _kill(address: str) -> None:
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(b"GET /cgi-bin/die HTTP/1.0\r\n\r\n")
        while connection.recv(4096):
            pass


def test_one_that_was_stopped_is_revived_at_its_address(world: World) -> None:
    copy = world.copy()
    address = world.runtime.start(copy)
    world.ask(address)
    world.runtime.settle(copy.name)
    world.stop_underneath(copy)
    world.another().revive(copy.name)
    world.another().revive(copy.name)
    assert world.ask(address) == "<h1>the shop</h1>\n"
    assert world.is_alive(copy)
    with pytest.raises(HostingError):
        world.runtime.revive("t-never-was-there")
    assert not world.runtime.liveness("t-never-was-there").is_alive


def test_the_memory_limit_binds(world: World) -> None:
    copy = world.copy("exec busybox dd if=/dev/zero of=/dev/null bs=200M count=200", memory="64m")
    world.runtime.start(copy)
    assert world.why_dead(copy).startswith("it used more memory than it may")
    enough = world.copy(
        "busybox dd if=/dev/zero of=/dev/null bs=20M count=1; exec sleep 600", memory="64m"
    )
    world.runtime.start(enough)
    time.sleep(1)
    assert world.is_alive(enough)


def test_the_cpu_limit_binds(world: World, eventually: Eventually) -> None:
    copy = world.copy("while :; do :; done", cpu=0.2)
    world.runtime.start(copy)
    eventually(lambda: world.processes(copy))

    def used() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in world.processes(copy))

    time.sleep(0.5)
    before, began = used(), time.monotonic()
    time.sleep(3)
    share = (used() - before) / (time.monotonic() - began)
    assert 0.05 < share < 0.35


def test_a_command_runs_like_the_copy(world: World) -> None:
    copy = world.copy(variables={"GREETING": "hello"})
    lines: list[str] = []
    command = "echo $GREETING; cat index.html; echo oops >&2; exit 7"
    assert world.runtime.run_command(copy, command, 30, lines.append, quiet) == 7
    assert lines == ["hello", "<h1>the shop</h1>", "oops"]
    assert world.runtime.run_command(copy, "true", 30, lines.append, quiet) == 0
    assert world.runtime.run_command(copy, "nonexistent-program", 30, lines.append, quiet) == 127
    assert world.runtime.names() == world.another().names()
    assert copy.name + "-cmd" not in world.runtime.names()


def test_a_commands_memory_is_limited_too(world: World) -> None:
    copy = world.copy(memory="64m")
    command = "exec busybox dd if=/dev/zero of=/dev/null bs=200M count=200"
    assert world.runtime.run_command(copy, command, 30, print, quiet) not in (0, 1)


def _sleepers(mark: str) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if mark in (process.info["cmdline"] or [])
    ]


def test_the_limit_of_processes_binds(world: World, eventually: Eventually) -> None:
    mark = f"5{time.time_ns() % 100_000:05}"
    many = f"i=0; while [ $i -lt 60 ]; do sleep {mark} & i=$((i+1)); done"
    copy = world.copy(f"({many}); echo done; exec sleep 600", processes=16)
    world.runtime.start(copy)
    words = ("fork", "more processes than it may")  # refused by the kernel, or ended by us
    eventually(lambda: any(w in line for line in world.runtime.log_tail(copy.name) for w in words))
    assert len(_sleepers(mark)) <= 16


def test_a_command_that_hangs_is_ended(world: World, eventually: Eventually) -> None:
    copy, began, mark = world.copy(), time.monotonic(), f"6{time.time_ns() % 100_000:05}"
    with pytest.raises(HostingError, match="longer than 1 s"):
        world.runtime.run_command(copy, f"sleep {mark} & sleep {mark}", 1, print, quiet)
    assert time.monotonic() - began < 6
    eventually(lambda: not _sleepers(mark))


def test_a_command_that_is_not_wanted_any_more_is_ended(
    world: World, eventually: Eventually
) -> None:
    copy, mark, lines = world.copy(), f"7{time.time_ns() % 100_000:05}", list[str]()

    def check() -> None:
        if lines:
            raise Overtaken

    with pytest.raises(Overtaken):
        world.runtime.run_command(copy, f"echo here; sleep {mark}", 60, lines.append, check)
    eventually(lambda: not _sleepers(mark))
    assert copy.name + "-cmd" not in world.runtime.names()


def test_one_that_obeys_has_time_to_end(world: World, eventually: Eventually) -> None:
    copy = world.copy("trap 'sleep 0.5; exit 0' TERM; echo up; while :; do sleep 0.1; done")
    world.runtime.start(copy)
    eventually(lambda: world.runtime.log_tail(copy.name) == ["up"])
    began = time.monotonic()
    world.runtime.stop(copy.name, 10)
    assert 0.4 < time.monotonic() - began < 5


def test_one_that_does_not_obey_is_killed_with_all_it_started(
    world: World, eventually: Eventually
) -> None:
    mark = f"8{time.time_ns() % 100_000:05}"
    copy = world.copy(
        f"trap '' TERM; busybox setsid sleep {mark} & sleep {mark} & echo up; wait; sleep {mark}"
    )
    world.runtime.start(copy)
    eventually(lambda: world.runtime.log_tail(copy.name) == ["up"])
    eventually(lambda: len(_sleepers(mark)) >= 2)  # "up" may be said before both run
    began = time.monotonic()
    world.runtime.stop(copy.name, 1)
    assert time.monotonic() - began < 4
    eventually(lambda: not _sleepers(mark))


def test_a_flood_of_output_is_bounded(world: World, eventually: Eventually) -> None:
    copy = world.copy(
        "busybox yes 0123456789 | busybox head -c 40000000; echo; echo end; sleep 600"
    )
    world.runtime.start(copy)
    eventually(lambda: world.runtime.log_tail(copy.name, 1) == ["end"], 60)
    tail = world.runtime.log_tail(copy.name, 50)
    assert len(tail) == 50
    assert tail[0] == "0123456789"
    assert len("".join(world.runtime.log_tail(copy.name, 1_000_000))) < 11_000_000
    if world.kind == "process":
        logs = world.settings.path("logs").glob(f"app-{copy.name}.log*")
        assert sum(file.stat().st_size for file in logs) < 11_000_000


def test_twenty_copies_have_twenty_ports(process_world: World) -> None:
    addresses = {process_world.runtime.start(process_world.copy("sleep 600")) for _ in range(20)}
    assert len(addresses) == 20
    assert all(20_000 <= (urlsplit(a).port or 0) < 32_768 for a in addresses)


@AS_ROOT
def test_a_process_has_no_rights_of_the_platform(process_world: World) -> None:
    home, lines = process_world.settings.home, list[str]()
    copy = process_world.copy(variables={"TOKEN": "x"})
    process_world.runtime.start(process_world.copy(variables={"TOKEN": LEAKED}))
    script = f"""
        id -u; id -G
        cat {home}/secret.key; cat {home}/run/copies/*; ls {home}/run {home}/logs
        touch {home}/x {copy.location}/x; kill -0 1; busybox grep NoNewPrivs /proc/self/status
        echo $HOME; touch $HOME/mine && echo written
    """
    process_world.runtime.run_command(copy, script, 30, lines.append, quiet)
    text = "\n".join(lines)
    assert lines[0] != "0"
    assert "0" not in lines[1].split()
    assert LEAKED not in text
    assert lines.count("written") == 1
    assert "NoNewPrivs:\t1" in text
    assert not (home / "x").exists()
    assert text.lower().count("denied") + text.count("not permitted") >= 6


@pytest.mark.needs_docker
def test_a_container_is_hardened(docker_world: World) -> None:
    copy, lines = docker_world.copy(), list[str]()
    docker_world.runtime.run_command(copy, "cat /proc/self/status", 30, lines.append, quiet)
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) & (1 << 21) == 0  # CAP_SYS_ADMIN
    assert int(status["CapBnd"], 16) & (1 << 12) == 0  # CAP_NET_ADMIN
    assert status["Seccomp"].strip() == "2"
    docker_world.runtime.start(copy)
    container = docker_world.runtime.client.containers.get(copy.name)
    bound = container.attrs["HostConfig"]["PortBindings"]
    assert {b["HostIp"] for ports in bound.values() for b in ports} == {"127.0.0.1"}


@pytest.mark.needs_docker
def test_environments_have_networks_of_their_own(docker_world: World) -> None:
    one, two, lines = docker_world.copy(), docker_world.copy(), list[str]()
    docker_world.runtime.start(one)
    networks = docker_world.runtime.client.containers.get(one.name).attrs["NetworkSettings"]
    (network,) = networks["Networks"].values()
    command = f"echo GET / | busybox nc -w 2 {network['IPAddress']} 8080"
    assert docker_world.runtime.run_command(two, command, 30, lines.append, quiet) != 0
    same = replace(two, environment_id=one.environment_id)
    assert docker_world.runtime.run_command(same, command, 30, lines.append, quiet) == 0
    docker_world.runtime.remove_network(two.environment_id)
    docker_world.runtime.remove_network(two.environment_id)


def test_its_log_is_read_and_followed(world: World, eventually: Eventually) -> None:
    copy = world.copy("echo one; echo two; sleep 1; echo three; sleep 600")
    world.runtime.start(copy)
    eventually(lambda: len(world.runtime.log_tail(copy.name)) >= 2)
    assert list(world.runtime.read_log(copy.name, following=False))[:2] == ["one", "two"]
    lines = world.runtime.read_log(copy.name, following=True)
    assert [next(lines), next(lines), next(lines)] == ["one", "two", "three"]
    world.runtime.stop(copy.name, 0)
    assert list(lines) == []
