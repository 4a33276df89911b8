"""Own domains: a real DNS server says whose they are; the gateway's routes know them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dnslib.server import DNSServer
from dnslib.zoneresolver import ZoneResolver

from greenroom import domains
from greenroom.edge.ownership import look_up_texts
from greenroom.errors import AlreadyExists, InvalidInput, NotFound, PlatformError
from greenroom.settings import load_settings
from greenroom.store import environments, projects
from greenroom.store.domains import check_host, delete_domains
from greenroom.store.work import unit_of_work
from tests.conftest import free_port

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


class Zone:
    """A DNS server whose records a test writes."""

    def __init__(self) -> None:
        self.port, self.records = free_port(), ""
        self.server = DNSServer(self, address="127.0.0.1", port=self.port)
        self.server.start_thread()

    def resolve(self, request, handler):
        return ZoneResolver(self.records or "x.test. 60 IN A 127.0.0.1").resolve(request, handler)


@pytest.fixture
def zone(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    made = Zone()
    monkeypatch.setenv("GREENROOM_DNS_SERVER", f"127.0.0.1:{made.port}")
    load_settings.cache_clear()
    yield made
    made.server.stop()
    made.server.server.server_close()


@pytest.fixture
def shop(zone: Zone) -> str:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        for branch in ("feature", "other"):
            environments.ensure_environment(work, project, branch, actor="ada")
    return "shop/feature"


def hosts() -> set[str]:
    with unit_of_work() as work:
        return {route.host for route in environments.list_routes(work)}


def test_a_domain_leads_here_once_its_owner_says_so(shop: str, zone: Zone) -> None:
    made = domains.add_domain(shop, "WWW.Customer.Example.", actor="ada")
    assert made.host == "www.customer.example"
    assert domains.add_domain(shop, made.host, actor="ada") == made
    assert made.host not in hosts()
    with pytest.raises(InvalidInput, match="no such record") as refused:
        domains.verify_domain(shop, made.host, actor="ada")
    assert made.value in refused.value.hint
    zone.records = f'{made.record}. 60 IN TXT "greenroom=somebody else\'s"'
    with pytest.raises(InvalidInput, match="somebody else"):
        domains.verify_domain(shop, made.host, actor="ada")
    zone.records = f'{made.record}. 60 IN TXT "{made.value}"'
    assert domains.verify_domain(shop, made.host, actor="ada").verified_at is not None
    assert made.host in hosts()
    with unit_of_work() as work:
        own = [r for r in environments.list_routes(work) if r.host == made.host]
    assert [(r.kind, r.environment) for r in own] == [("staging", "feature")]
    with pytest.raises(AlreadyExists):
        domains.add_domain("shop/other", made.host, actor="bob")
    domains.remove_domain(shop, made.host, actor="ada")
    assert made.host not in hosts()


def test_who_asks_for_the_same_name_first_does_not_have_it(shop: str, zone: Zone) -> None:
    domains.add_domain(shop, "www.customer.example", actor="eve")
    theirs = domains.add_domain("shop/other", "www.customer.example", actor="ada")
    zone.records = f'{theirs.record}. 60 IN TXT "{theirs.value}"'
    with pytest.raises(InvalidInput):
        domains.verify_domain(shop, theirs.host, actor="eve")
    domains.verify_domain("shop/other", theirs.host, actor="ada")
    with unit_of_work() as work:
        delete_domains(work, environments.get_environment(work, "shop/other"))
    assert theirs.host not in hosts()
    with pytest.raises(NotFound):
        domains.verify_domain("shop/other", theirs.host, actor="ada")


def test_a_name_server_that_is_away(zone: Zone) -> None:
    with pytest.raises(PlatformError, match="does not answer"):
        look_up_texts("x.test", f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "shop.localhost", "a b.example", "-x.example", "x.1", "*.example.org",
     "http://x.example", "x.example/path", "1.2.3.4", "a" * 64 + ".example", "x." * 130 + "org"],
)  # fmt: skip
def test_what_is_no_domain(host: str) -> None:
    with pytest.raises(InvalidInput):
        check_host(host)


def test_other_letters_are_kept_in_their_plain_form() -> None:
    assert check_host("Käse.example") == "xn--kse-qla.example"
