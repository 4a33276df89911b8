"""Where copies are placed, and which addresses of engines are taken."""

from __future__ import annotations

from typing import Any

import pytest

from greenroom.errors import GreenroomError, HostUnavailable, InvalidInput, LimitReached
from greenroom.hosting.hosts import read_url
from greenroom.hosting.placement import Offer, Wish, choose_host
from greenroom.hosting.tunnel import read_target
from greenroom.store.machines import Host

MEGA = 1024**2


def offer(
    name: str, free: int, *, is_drained: bool = False, silent: str = "", **host: Any
) -> Offer:
    kind = host.pop("kind", "engine")
    made = Host(name, kind, "unix:///x", "10.0.0.1", **host) if name else None
    return Offer(name, free * MEGA, made, is_drained, silent)


def wish(need: int = 256, **more: Any) -> Wish:
    return Wish("shop", more.pop("is_production", False), need * MEGA, **more)


HERE, SMALL, LARGE = offer("", 300), offer("small", 400), offer("large", 900)


@pytest.mark.parametrize(
    ("offers", "wanted", "chosen"),
    [
        ([HERE, SMALL, LARGE], wish(), "large"),
        ([HERE, SMALL, LARGE], wish(before="small", has_before=True), "small"),
        ([HERE, SMALL, LARGE], wish(before="", has_before=True), ""),
        ([HERE, SMALL, LARGE], wish(before="gone", has_before=True), "large"),
        ([HERE, SMALL, LARGE], wish(500, before="small", has_before=True), "large"),
        ([HERE, LARGE], wish(why_here="its database is on this machine"), ""),
        ([HERE, LARGE], wish(needs_guard=True), ""),
        ([HERE, offer("p", 900, takes="production")], wish(), ""),
        ([HERE, offer("s", 900, takes="staging")], wish(is_production=True), ""),
        ([HERE, offer("p", 900, takes="production")], wish(is_production=True), "p"),
        ([HERE, offer("c", 900, projects=("client",))], wish(), ""),
        ([HERE, offer("c", 900, projects=("shop",))], wish(), "c"),
        ([HERE, offer("d", 900, is_drained=True)], wish(), ""),
        ([HERE, offer("d", 900, silent="it does not answer")], wish(), ""),
        ([HERE, offer("w", 900, kind="swarm")], wish(has_services=True), ""),
        ([HERE, offer("w", 900, kind="swarm")], wish(), "w"),
        ([offer("", 900, is_drained=True), SMALL], wish(), "small"),
    ],
)
def test_a_copy_stays_where_it_fits_else_goes_where_most_is_free(
    offers: list[Offer], wanted: Wish, chosen: str
) -> None:
    name, lines = choose_host(offers, wanted)
    assert name == chosen
    assert lines[-1].startswith(f"placed at {chosen or 'local'}")


@pytest.mark.parametrize(
    ("offers", "error", "said"),
    [
        ([HERE, SMALL], LimitReached, "300 MiB are free of the 1000 MiB"),
        ([offer("", 0, is_drained=True)], LimitReached, "local: it is drained"),
        ([HERE, offer("a", 0, silent="silent: it is away")], HostUnavailable, "it is away"),
        ([HERE, offer("a", 0, silent="away", takes="production")], LimitReached, "production only"),
    ],
)
def test_where_nothing_fits_each_host_says_why(
    offers: list[Offer], error: type[GreenroomError], said: str
) -> None:
    with pytest.raises(error, match=said):
        choose_host(offers, wish(1000))


@pytest.mark.parametrize(
    ("url", "has_keys", "address"),
    [
        ("tcp://10.0.0.5:2376", True, "10.0.0.5"),
        ("ssh://greenroom@alpha.example.org", False, "alpha.example.org"),
        ("unix:///run/other.sock", False, "127.0.0.1"),
    ],
)
def test_an_engine_is_reached_by_tls_ssh_or_a_socket(
    url: str, has_keys: bool, address: str
) -> None:  # fmt: skip
    assert read_url(url, has_keys=has_keys) == address


@pytest.mark.parametrize(
    ("url", "has_keys"),
    [
        ("tcp://10.0.0.5:2375", False), ("ssh://a", True), ("http://a", False), ("ssh://", False),
        ("ssh://ada:secret@a", False), ("alpha", False), ("ssh://-oProxyCommand=x/", False),
        ("ssh://-x@a", False), ("tcp://[", True), ("tcp://a:x", True), ("ssh://a\0b", False),
        ("", False),
        ("unix://", False), ("unix:///a b", False),
    ],
)  # fmt: skip
def test_no_open_port_and_no_password_is_taken(url: str, has_keys: bool) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_url(url, has_keys=has_keys)
    assert "secret" not in raised.value.message


def test_an_address_by_ssh_may_name_port_and_socket() -> None:
    assert read_target("ssh://ada@a") == ("ada@a", 22, "/var/run/docker.sock")
    assert read_target("ssh://a:2222/run/d.sock") == ("a", 2222, "/run/d.sock")
