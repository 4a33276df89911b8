"""Doing what somebody asked for on a page: check who it is, do it, say how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from greenroom import orders
from greenroom.errors import GreenroomError, InvalidInput, OrchestratorUnavailable
from greenroom.orders import Order
from greenroom.rights import acting_as
from greenroom.sources import git
from greenroom.store import environments, projects
from greenroom.store.audit import record_audit
from greenroom.store.states import GivenAt
from greenroom.store.work import unit_of_work
from ui import look, reads, who

Result = TypeVar("Result")
RECORDED = "It is recorded, and starts by itself when the orchestrator answers again."


def act(do: Callable[[str], str]) -> bool:
    """Do ``do(actor)`` and flash the sentence it gives; show the error panel when it fails."""
    said = _attempt(do)
    if said is not None:
        look.flash(said)
    return said is not None


def give(do: Callable[[str], Result]) -> Result | None:
    """Do ``do(actor)`` and give what it gives, to be shown once; the error panel when it fails."""
    return _attempt(do)


def place(order: Callable[[str], Order]) -> Order | None:
    """Place ``order(actor)`` and flash what comes; show the error panel when it is refused."""
    placed = _attempt(order)
    if placed is not None and placed.kind == "rollback":
        look.flash(f"{placed.environment} returns to {placed.ref} as #{placed.number}.")
    elif placed is not None and placed.kind == "promote":
        look.flash(f"What {placed.ref} shows goes live as #{placed.number}.")
    elif placed is not None:
        look.flash(f"Deployment #{placed.number} of {placed.environment} is on its way.")
    return placed


def _attempt(do: Callable[[str], Result]) -> Result | None:
    try:
        viewer = who.require_viewer()
        with acting_as(viewer.actor):
            done = do(viewer.name)
    except OrchestratorUnavailable as error:
        look.error_panel(error, RECORDED)
    except GreenroomError as error:
        look.error_panel(error)
    else:
        reads.forget_board()
        return done
    return None


def deploy(reference: str, ref: str, actor: str) -> Order:
    """Order a deployment of an environment."""
    return orders.place_deploy_to(reference, ref=_ref(ref), actor=actor)


def create(project: str, branch: str, name: str, actor: str) -> Order:
    """Order the environment of a branch and its first deployment."""
    return orders.place_deploy(project, _ref(branch), name=name.strip() or None, actor=actor)


def roll_back(reference: str, number: int | None, actor: str) -> Order:
    """Order the return to an earlier release."""
    to = f"#{number}" if number is not None else ""
    return orders.place_rollback(reference, to=to, actor=actor)


def cancel(reference: str, number: int, actor: str) -> str:
    """Ask a running deployment to stop."""
    orders.place_cancel(reference, f"#{number}", actor=actor)
    return f"Deployment #{number} stops at its next step."


def destroy(reference: str, actor: str) -> str:
    """Order the end of a staging environment.

    Errors: InvalidInput for production.
    """
    with unit_of_work() as work:
        if environments.get_environment(work, reference).kind == "production":
            raise InvalidInput(
                "production is not destroyed from here", hint="`greenroom env destroy` does it."
            )
    orders.place_destroy(reference, actor=actor)
    return f"{reference} is being destroyed."


def add_project(source: str, name: str, actor: str) -> str:
    """Add a repository."""
    url = git.check_new_source(source)
    branch = git.default_branch(url)
    with unit_of_work() as work:
        made = projects.add_project(
            work, name.strip() or projects.suggest_project_name(url), url,
            production_branch=branch, actor=actor,
        )  # fmt: skip
        return f"Added {made.name}; its production branch is {branch}."


def set_production_database(project: str, url: str, actor: str) -> str:
    """Name a project's production database."""
    if not url.strip().startswith(("postgresql://", "postgres://")):
        raise InvalidInput(
            "that is no Postgres address", hint="Write it as postgresql://user:password@host/name."
        )
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        projects.set_production_database_url(work, found, url.strip(), actor=actor)
    return "The production database is set. Its address is kept encrypted and not shown again."


def record_secret_shown(project: str, actor: str) -> str:
    """Record that somebody looked at a project's webhook secret."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        record_audit(work, actor, "project.show_webhook_secret", project=found)
    return "The secret is shown below; the audit trail says so."


def set_variable(
    reference: str, scope: str, name: str, value: str, is_secret: bool, given_at: str, actor: str
) -> str:
    """Set a variable in ``scope``: ``environment``, a kind, or ``project``."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        projects.set_variable(
            work, found.project, name.strip(), value, is_secret=is_secret, actor=actor,
            given_at=GivenAt(given_at), kind=found.kind if scope == found.kind else None,
            environment=found if scope == "environment" else None,
        )  # fmt: skip
    return f"{name.strip()} is set. The next deployment gets it."


def unset_variable(reference: str, scope: str, name: str, actor: str) -> str:
    """Remove a variable from ``scope``."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        projects.unset_variable(
            work, found.project, name, actor=actor,
            kind=found.kind if scope == found.kind else None,
            environment=found if scope == "environment" else None,
        )  # fmt: skip
    return f"{name} is removed. The next deployment does without it."


def _ref(ref: str) -> str:
    return git.check_ref(ref.strip()) if ref.strip() else ""
