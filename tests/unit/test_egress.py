"""What a guarded environment may reach: entries, names, and the rules that keep them."""

from __future__ import annotations

import ssl
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from greenroom.egress import (
    SINK,
    fake_address,
    is_fake,
    is_public,
    parse_allowed,
    server_name,
)
from greenroom.errors import InvalidManifest, LiveKeyRefused
from greenroom.guarding import plan_guard
from greenroom.isolation.firewall import render_iptables, render_nft
from greenroom.isolation.gates import Doors, address_for, answer_question, decide_passage
from greenroom.isolation.payments import refuse_live_hosts
from greenroom.isolation.probes import hello
from greenroom.manifest import Manifest, parse_manifest
from greenroom.settings import Settings
from greenroom.store.networks import Inside

pytestmark = pytest.mark.unit
DOORS = Doors(gateway_port=8600, public_port=8600, database=("db.internal", 5432))
INSIDE = Inside(
    uuid.UUID(int=1), "shop-cart.localhost", "172.18.0.1",
    tuple(map(parse_allowed, ("api.partner.example", "*.cdn.example:8443", "api.stripe.com"))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("api.partner.example", "api.partner.example:443"),
        (" API.Partner.Example.:80 ", "api.partner.example:80"),
        ("*.cdn.example:8443", "*.cdn.example:8443"),
    ],
)
def test_an_entry_is_read(text: str, wanted: str) -> None:
    assert str(parse_allowed(text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "", "*", "localhost", "127.0.0.1", "10.0.0.1:443", "[::1]:443", "::1", "a.b:0", "a.b:65536",
        "a.b:x", "a..b", "-a.b", "a.b/c", "http://a.b", "db.internal", "a.local", "a.greenroom:443",
        "smtp.sendgrid.net:587", "a.b:25", "*.*.b", "a b.c", "2130706433", "a.b:443:1",
    ],
)  # fmt: skip
def test_an_entry_that_is_none_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_allowed(text)
    with pytest.raises(InvalidManifest, match=r"greenroom.yaml:2: egress.allow"):
        parse_manifest(f"version: 1\negress: {{allow: ['{text}']}}")


def test_a_manifest_with_them_is_kept_whole() -> None:
    found = parse_manifest(
        "egress: {allow: [a.example, a.example:443]}\n"
        "services: {redis: {image: 'redis:7', port: 6379, variables: {A: b}}}"
    )
    assert found.egress.allow == ("a.example:443",)
    assert found.services["redis"].port == 6379
    assert Manifest.from_json(found.as_json()) == found
    assert Manifest.from_json({**found.as_json(), "egress": {"allow": ["a.example:443"]}}) == found
    assert found.digest != Manifest().digest


@pytest.mark.parametrize(
    "text",
    [
        "{Redis: {image: a}}", "{r: {image: a}}", "{redis: {}}", "{redis: {image: 'a b'}}",
        "{redis: {image: a, volume: data}}", "{redis: {image: a, volume: /}}",
        "{redis: {image: a, volume: /a/../b}}", "{redis: {image: a, port: 70000}}",
        "{redis: {image: a, memory: 1m}}", "{redis: {image: a, memory: much}}",
        "{redis: {image: a, nonsense: 1}}", "[redis]",
    ],
)  # fmt: skip
def test_a_service_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidManifest, match="services"):
        parse_manifest(f"services: {text}")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "169.254.169.254", "::1",
        "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "nonsense", "ff02::1",
        "192.0.2.1", "2001:db8::1",
    ],
)  # fmt: skip
def test_a_private_address_is_told_in_every_disguise(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700:4700::1111"])
def test_a_public_address_is_told(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("host", "port", "kind"),
    [
        ("api.partner.example", 443, "world"), ("API.partner.example.", 443, "world"),
        ("api.partner.example", 80, "refused"), ("x.api.partner.example", 443, "refused"),
        ("a.cdn.example", 8443, "world"), ("cdn.example", 8443, "refused"),
        ("evilcdn.example", 8443, "refused"), ("", 443, "refused"),
        ("api.stripe.com", 443, "world"), ("shop-cart.localhost", 8600, "gateway"),
        ("shop-blog.localhost", 8600, "refused"), ("postgres.greenroom", 5432, "database"),
        ("postgres.greenroom", 22, "refused"), ("127.0.0.1", 443, "refused"),
    ],
)  # fmt: skip
def test_where_a_connection_leads(host: str, port: int, kind: str) -> None:
    assert decide_passage(INSIDE, host, port, DOORS).kind == kind


def test_a_live_payment_address_is_refused_though_it_is_named() -> None:
    named = replace(INSIDE, allowed=(parse_allowed("api-m.paypal.com"),))
    assert decide_passage(named, "api-m.paypal.com", 443, DOORS).kind == "refused"
    with pytest.raises(LiveKeyRefused, match="PayPal"):
        refuse_live_hosts("staging", ["api-m.paypal.com"])
    refuse_live_hosts("production", ["api-m.paypal.com"])
    refuse_live_hosts("staging", ["api-m.sandbox.paypal.com"])


def test_every_name_has_an_address_and_none_its_own() -> None:
    for name, kind in (
        ("api.partner.example", "own"), ("a.cdn.example", "own"), ("google.com", "sink"),
        ("mail.greenroom", "gateway"), ("egress.greenroom", "gateway"), ("redis", "sink"),
    ):  # fmt: skip
        octets, told, address = answer_question(DNSRecord.question(name).pack(), INSIDE, DOORS)
        assert told == name
        assert address == {"own": fake_address(name), "sink": SINK, "gateway": "172.18.0.1"}[kind]
        assert str(DNSRecord.parse(octets).rr[0].rdata) == address
        assert address == address_for(INSIDE, name, DOORS)
        assert is_fake(address) or kind == "gateway"
    for kind in ("AAAA", "MX", "TXT", "HTTPS", "SRV"):
        octets, _, address = answer_question(
            DNSRecord.question("google.com", kind).pack(), INSIDE, DOORS
        )
        assert (DNSRecord.parse(octets).rr, address) == ([], "")


@given(st.binary(max_size=600))
def test_whatever_is_asked_nothing_breaks(octets: bytes) -> None:
    answer_question(octets, INSIDE, DOORS)
    server_name(octets)


def test_a_tls_client_says_whom_it_wants() -> None:
    said = hello("api.partner.example")
    assert server_name(said) == "api.partner.example"
    for length in range(len(said)):
        assert server_name(said[:length]) in ("", "api.partner.example")
    made = ssl.create_default_context()
    made.check_hostname = False
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    nameless = made.wrap_bio(inside, outside)
    with pytest.raises(ssl.SSLWantReadError):
        nameless.do_handshake()
    assert server_name(outside.read()) == ""


def test_rules_match_this_platforms_networks_alone() -> None:
    guard, other = (plan_guard(Settings(home=Path(home))) for home in ("/srv/a", "/srv/b"))
    assert guard.prefix != other.prefix
    for rules in (render_nft(guard), render_iptables(guard)):
        assert rules == rules.replace(other.prefix, "").replace(other.label, "")
    lines = render_nft(guard).splitlines()
    for line in lines:
        if any(word in line for word in ("jump", "oifname")):
            assert f'"{guard.prefix}*"' in line
    assert "flush ruleset" not in render_nft(guard)
    assert all(line[:1] in "*:-C" for line in render_iptables(guard).splitlines())
