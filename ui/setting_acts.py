"""A project's settings: reading them, and changing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greenroom import living
from greenroom.data.back import return_data
from greenroom.sources.clients import CLIENTS, open_client
from greenroom.sources.rules import Rules
from greenroom.store import mail_release, policies, projects
from greenroom.store.life import Wishes
from greenroom.store.states import PreviewAccess
from greenroom.store.work import unit_of_work

FORGES = tuple(sorted(CLIENTS))


@dataclass(frozen=True)
class Settings:
    """What is set; no token and no password."""

    forge: str
    repository: str
    api_url: str
    reports: bool
    """Whether deployments are reported there."""
    rules: Rules
    access: str
    wishes: Wishes
    released_to: tuple[str, ...]
    has_server: bool


def read(project: str) -> Settings:
    """Read a project's settings."""
    with unit_of_work() as work:
        row = projects.get_project(work, project)
        return Settings(
            row.forge, row.forge_repository, row.forge_api_url, row.forge_token is not None,
            Rules.from_json(row.production_branch, row.previews), row.preview_access,
            Wishes(**row.life), tuple(row.mail_release_to), row.mail_release_url is not None,
        )  # fmt: skip


def words(text: str) -> tuple[str, ...]:
    """Read what stands between commas, or on lines of its own. Pure."""
    parts = (part.strip() for part in text.replace("\n", ",").split(","))
    return tuple(part for part in parts if part)


def set_forge(
    project: str, forge: str, repository: str, api_url: str, token: str, actor: str
) -> str:
    """Say whom a project's deployments are reported to; without a token, nobody."""
    token = token.strip()
    if token:
        open_client(forge, repository.strip(), token, api_url=api_url.strip()).close()
    with unit_of_work() as work:
        projects.set_forge(
            work, projects.get_project(work, project), forge, repository.strip(), api_url.strip(),
            token or None, actor=actor,
        )  # fmt: skip
    return f"Reports go to {forge}." if token else "Nothing is reported any more."


def set_previews(project: str, rules: Rules, access: str, actor: str) -> str:
    """Say which events make environments, and who sees them."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        projects.set_previews(work, found, rules.as_json(), actor=actor)
        if found.preview_access != access:
            projects.set_preview_access(work, found, PreviewAccess(access), actor=actor)
    return "Saved. It counts from the next push on."


def set_life(project: str, wishes: Wishes, actor: str) -> str:
    """Say when a project's staging sleeps, and goes."""
    living.place_wishes(project, wishes, actor=actor)
    return "Saved."


def set_mail(project: str, addresses: Sequence[str], server: str, actor: str) -> str:
    """Say whom captured mail may be released to; a server that is not given stays."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        mail_release.set_release_addresses(work, found, addresses, actor=actor)
        if server.strip():
            mail_release.set_release_server(work, found, server, actor=actor)
    return "Saved."


def forget_server(project: str, actor: str) -> str:
    """Release no mail any more."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        mail_release.set_release_server(work, found, "", actor=actor)
    return "Nothing is released any more."


def go_back(project: str, actor: str) -> str:
    """Return to the anonymized data before the last sync."""
    return_data(project, actor=actor)
    return "New environments get the data of before; others keep theirs."


def rotate_key(project: str, actor: str) -> str:
    """Make a new key: from the next sync on everybody is somebody else."""
    with unit_of_work() as work:
        policies.rotate_pseudonym_key(work, projects.get_project(work, project), by=actor)
    return "Made a new key; the old one is deleted."
