"""Copies that rest: paused, parked, woken, measured; against the real thing."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from greenroom.errors import HostingError

pytestmark = pytest.mark.contract
World = Any


def test_one_that_is_paused_gets_no_cpu_and_goes_on(world: World) -> None:
    copy = world.copy()
    address = world.runtime.start(copy)
    world.runtime.settle(copy.name)
    assert world.ask(address) == "<h1>the shop</h1>\n"
    before = world.processes(copy)[0].pid
    for _ in range(2):
        world.runtime.pause(copy.name)
    with pytest.raises(TimeoutError), urllib.request.urlopen(address, timeout=1) as answer:
        answer.read()
    assert world.is_alive(copy)
    for _ in range(2):
        world.another().resume(copy.name)
    assert world.ask(address) == "<h1>the shop</h1>\n"
    assert world.processes(copy)[0].pid == before
    world.runtime.pause(copy.name)
    world.runtime.stop(copy.name, 2)
    assert copy.name not in world.runtime.names()


def test_one_that_is_parked_comes_back_at_its_address(world: World) -> None:
    copy = world.copy()
    address = world.runtime.start(copy)
    world.runtime.settle(copy.name)
    world.ask(address)
    world.runtime.pause(copy.name)
    for _ in range(2):
        world.runtime.park(copy.name, 2)
    assert not world.is_alive(copy)
    assert copy.name in world.runtime.names()
    for _ in range(2):
        world.another().resume(copy.name)
    assert world.ask(address) == "<h1>the shop</h1>\n"
    assert world.is_alive(copy)
    with pytest.raises(HostingError):
        world.runtime.resume("t-never-was-there")


def test_what_it_uses_is_measured_and_its_limits_read_back(world: World) -> None:
    copy = world.copy()
    world.ask(world.runtime.start(copy))
    used, wanted = world.runtime.usage(copy.name), copy.manifest.resources
    assert 0 < used.memory_bytes < wanted.memory_bytes
    assert used.processes >= 1
    assert used.disk_bytes is not None
    if world.kind == "docker" or used.memory_limit_bytes is not None:
        assert used.memory_limit_bytes == wanted.memory_bytes
        assert used.cpu_limit == pytest.approx(wanted.cpu_share, rel=0.01)
        assert used.processes_limit == wanted.most_processes
