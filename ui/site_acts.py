"""A project's sites at vendors: reading them, naming and forgetting one."""

from __future__ import annotations

from dataclasses import dataclass

from greenroom.errors import InvalidInput
from greenroom.hosting.elsewhere import forget_site, name_site
from greenroom.store import hosts, projects
from greenroom.store.work import ask_right, unit_of_work


@dataclass(frozen=True)
class SiteRow:
    """Where a project is shown; never the token."""

    kind: str
    site: str
    team: str


def sites_of(project: str) -> tuple[SiteRow, ...]:
    """Give a project's sites."""
    with unit_of_work() as work:
        rows = hosts.list_hosts(work, projects.get_project(work, project))
        return tuple(SiteRow(row.kind, row.site, row.team) for row in rows)


def save(
    project: str, kind: str, site: str, team: str, api_url: str, token: str, actor: str
) -> str:
    """Name the site that shows a project, once its token was tried."""
    if not site.strip() or not token.strip():
        raise InvalidInput("a site and a token are needed", hint="docs/hosts.md says where.")
    with unit_of_work() as work:  # before the token is tried anywhere
        ask_right(work, "project.set_host", projects.get_project(work, project).id)
    address = name_site(
        project, kind, site.strip(), token.strip(), team=team.strip(), api_url=api_url.strip(),
        actor=actor,
    )  # fmt: skip
    return f"{project} is shown at {address or site.strip()}, with `runtime: {kind}`."


def forget(project: str, kind: str, actor: str) -> str:
    """Show nothing of a project there any more."""
    forget_site(project, kind, actor=actor)
    return f"Nothing of {project} is shown at {kind} any more."
