"""All that an environment's processes find in their environment, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from greenroom.asset_orders import asset_variables
from greenroom.manifest import Manifest
from greenroom.store import deployments, environments, projects
from greenroom.store.models import Environment, EnvironmentKind, Release
from greenroom.store.states import GivenAt
from greenroom.store.work import Work, unit_of_work

SCOPES: Mapping[str, str] = {
    "manifest": "greenroom.yaml", "files": "the project's files", "database": "its database",
    "project": "every environment of the project", "staging": "staging",
    "production": "production", "environment": "this environment", "built in": "built in",
}  # fmt: skip
"""Where a variable comes from, the later winning."""


@dataclass(frozen=True)
class Given:
    """One variable as an environment gets it."""

    name: str
    value: str | None
    """None: a secret, or something that only its copies know."""
    scope: str
    """One of ``SCOPES``."""
    is_secret: bool
    given_at: str
    is_withheld: bool = False
    """A secret that a stranger's code does not get."""


def built_in(environment: Environment, commit: str) -> dict[str, str]:
    """Give what every copy of an environment is told of itself."""
    is_production = environment.kind == EnvironmentKind.PRODUCTION
    return {
        "GREENROOM_URL": environment.url,
        "GREENROOM_BRANCH": environment.git_branch,
        "GREENROOM_COMMIT": commit,
        "GREENROOM_ENVIRONMENT": environment.kind,
        "GREENROOM_CRON": "on" if is_production else "off",
    }


def list_given(reference: str) -> list[Given]:
    """List what an environment gets, as its next copy would; no secret's value is among it.

    The logins of its captured mail are not listed: there are thirty names for them.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        return given_to(work, environments.get_environment(work, reference))


def given_to(work: Work, environment: Environment) -> list[Given]:
    """Resolve what an environment gets, by name."""
    latest = deployments.list_deployments(work, environment.id, limit=1)
    serves = environment.release_id
    release = work.get_one(Release, serves) if serves is not None else None
    manifest = Manifest.from_json(release.manifest) if release is not None else Manifest()
    commit = release.commit_hash if release is not None else ""
    commit = commit or (latest[0].commit_hash if latest else "")
    found = {
        name: Given(name, value, "manifest", False, GivenAt.BOTH)
        for name, value in manifest.variables.items()
    }
    for name, value in asset_variables(work, environment).items():
        found[name] = Given(name, value, "files", False, GivenAt.RUN)
    if _has_database(environment):
        found["DATABASE_URL"] = Given("DATABASE_URL", None, "database", True, GivenAt.RUN)
    for row in projects.resolve_variables(environment):
        withheld = row.is_secret and environment.is_guarded
        shown = None if row.is_secret else row.value
        found[row.name] = Given(row.name, shown, row.scope, row.is_secret, row.given_at, withheld)
    for name, value in built_in(environment, commit).items():
        found[name] = Given(name, value, "built in", False, GivenAt.RUN)
    return [found[name] for name in sorted(found)]


def _has_database(environment: Environment) -> bool:
    is_production = environment.kind == EnvironmentKind.PRODUCTION
    named = environment.project.production_database_url if is_production else None
    return bool(named or environment.database_url)
