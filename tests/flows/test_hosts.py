"""Sites at Netlify and Vercel: by stand-ins of ours, through the running platform."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

import pytest

from greenroom import orders, promotions
from greenroom.errors import InvalidInput, NotAllowed, Overtaken
from greenroom.hosting.elsewhere import forget_site, name_site
from greenroom.hosting.registry import runtime_for
from greenroom.store import deployments, environments, hosts, projects
from greenroom.store.models import (
    Deployment,
    DeploymentStatus,
    Environment,
    EnvironmentStatus,
    Instance,
    now,
)
from greenroom.store.states import ProductionBy, Verdict
from greenroom.store.work import unit_of_work
from tasks.traffic import switch_traffic
from tasks.values import Candidate, Held
from tests.contract.forge_server import Fault
from tests.contract.host_server import SERVERS, TOKEN, HostServer
from tests.flows.conftest import Stage

pytestmark = pytest.mark.flows
MORE = "build: {timeout_seconds: 60}\nhealth: {interval_seconds: 0.1, timeout_seconds: 20}\n"


@pytest.fixture(params=SERVERS, ids=lambda server: server.kind)
def vendor(request: pytest.FixtureRequest, stage: Stage) -> Iterator[HostServer]:
    """Give a vendor; what is shown there goes before it: its port may be somebody else's later."""
    with request.param() as server:
        yield server
        with unit_of_work() as work:
            project = projects.find_project(work, server.site)
            shown = environments.list_environments(work, project) if project else []
            names = {one.id: f"{server.site}/{one.name}" for one in shown}
        for name in names.values():
            orders.place_destroy(name, actor="ada")
        stage.eventually(lambda: are_gone(names), "what was shown there to go", 120)


def are_gone(keys: Iterable[UUID]) -> bool:
    with unit_of_work() as work:
        found = [work.get_one(Environment, key) for key in keys]
        return all(one.status == EnvironmentStatus.DESTROYED for one in found)


def page(vendor: HostServer, text: str) -> dict[str, str]:
    manifest = f"version: 1\nruntime: {vendor.kind}\n{MORE}"
    return {"index.html": f"<h1>{text}</h1>", "same.txt": "same", "greenroom.yaml": manifest}


def join(vendor: HostServer, site: Any) -> None:
    vendor.site = site.name
    name_site(site.name, vendor.kind, vendor.site, TOKEN, api_url=vendor.url, actor="ada")


def published(vendor: HostServer) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{vendor.site_port}/") as answer:
        return str(answer.read().decode())


def test_from_a_push_to_production_and_back(
    vendor: HostServer, new_site: Callable[..., Any]
) -> None:
    site = new_site(page(vendor, "one"))
    site.deploy("main", "failed")  # no site was named: nothing was built
    join(vendor, site)
    first = site.deploy()
    assert "<h1>one</h1>" in site.get().text
    assert "one" in published(vendor)
    assert len(vendor.uploads()) == 3

    site.commit(page(vendor, "two"), "work")
    site.deploy("work")
    answer = site.get("/", "work")
    assert "<h1>two</h1>" in answer.text
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "one" in published(vendor)  # staging is seen at its deployment's own address only
    assert len(vendor.uploads()) == 4  # only what the vendor lacked

    promotions.set_rule(site.name, by=ProductionBy.PROMOTION, needed=1, actor="ada")
    with pytest.raises(NotAllowed, match="1 approval is missing"):
        promotions.place_promotion(f"{site.name}/work", actor="bob")
    promotions.place_verdict(f"{site.name}/work", Verdict.APPROVED, "seen", actor="bob")
    with site.visitor() as visitor:
        sent = len(vendor.deploys)
        order = promotions.place_promotion(f"{site.name}/work", actor="bob")
        promoted = site.stage.wait(order.deployment_id, "live")
        assert "two" in published(vendor)
        assert promoted.release_id == site.environment("work").release_id
        back = site.rollback()
        assert "one" in published(vendor)
        assert "<h1>one</h1>" in site.get().text
    assert visitor.wrong == []
    assert back.release_id == first.release_id
    assert len(vendor.deploys) == sent  # what was kept there was published anew
    assert len(vendor.uploads()) == 4
    assert site.stage.reconcile() == []
    publishes_only_what_is_wanted(vendor, site, promoted)
    with pytest.raises(InvalidInput, match="is shown at"):
        forget_site(site.name, vendor.kind, actor="ada")

    log = site.stage.log(back)
    assert "has this release: nothing is sent" in log
    assert TOKEN not in log


def publishes_only_what_is_wanted(vendor: HostServer, site: Any, other: Any) -> None:
    """A deployment that was overtaken publishes nothing; what a killed run published goes back."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, f"{site.name}/production")
        late = deployments.create_deployment(work, environment, ref="main", deployed_by="ada")
        late.release_id, late.cancel_requested_at = other.release_id, now()
        row = Instance(
            environment_id=environment.id, deployment_id=late.id, release_id=other.release_id,
            name=f"{site.name}-late", runtime=vendor.kind, address="", state="starting",
        )  # fmt: skip
        work.add(row)
        token = deployments.take_lock(
            work, environment.id, purpose="a test", holder="ada", host="-", process="-",
            deployment_id=late.id,
        )  # fmt: skip
        work.flush()
        held = Held(environment.id, token, late.id)
        candidate = Candidate(row.id, row.name, row.runtime, row.release_id)
    before = list(vendor.published)
    with pytest.raises(Overtaken):
        switch_traffic.fn(held, candidate)
    assert vendor.published == before
    runtime_for(vendor.kind).settle(candidate.name)  # as one that is killed right after
    assert "two" in published(vendor)
    assert hosts.list_outshone() == []  # a run works on it
    with unit_of_work() as work:
        deployments.release_lock(work, environment.id, token)
        deployments.finish(work.get_one(Deployment, late.id), DeploymentStatus.CANCELLED)
        work.get_one(Instance, row.id).state = "stopped"
    site.stage.reconcile()  # unless the platform's own was faster
    assert "one" in published(vendor)
    assert hosts.list_outshone() == []


def test_what_fails_there_changes_nothing(vendor: HostServer, new_site: Callable[..., Any]) -> None:
    site = new_site(page(vendor, "one"))
    join(vendor, site)
    site.deploy()
    vendor.fails_with = f"Header rule is malformed {TOKEN}"
    site.commit(page(vendor, "two"))
    failed = site.deploy("main", "failed")
    assert "failed at" in failed.error["detail"]
    assert "Header rule is malformed" in site.stage.log(failed)
    assert TOKEN not in site.stage.log(failed) + str(failed.error)
    assert "one" in published(vendor)
    assert "<h1>one</h1>" in site.get().text
    assert {one.state for one in vendor.deploys.values()} == {"ready"}  # the failed one is gone

    vendor.fails_with = ""
    vendor.faults = [Fault(status=429, headers={"Retry-After": "0"}), Fault(status=503)]
    site.commit(page(vendor, "three"))
    site.deploy()
    assert "three" in published(vendor)

    vendor.looks_needed = 10**6
    site.commit(page(vendor, "four"))
    order = site.order()
    site.stage.eventually(lambda: any(one.state == "building" for one in vendor.deploys.values()))
    reference = f"{site.name}/{site.environment().name}"
    orders.place_cancel(reference, str(order.deployment_id), actor="ada")
    site.stage.wait(order.deployment_id, "cancelled")
    site.stage.eventually(
        lambda: {one.state for one in vendor.deploys.values()} == {"ready"}, "nothing under way"
    )
    assert "<h1>three</h1>" in site.get().text
