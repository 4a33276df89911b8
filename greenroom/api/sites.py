"""Sites elsewhere: where Netlify or Vercel shows a project. Tokens can be set and never be read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from greenroom.api.noun import Done, Given, Noun, Project, Short, Shown
from greenroom.hosting.elsewhere import forget_site, name_site
from greenroom.rights import current_actor
from greenroom.store import hosts, projects
from greenroom.store.work import ask_right, unit_of_work

router = Noun("sites")
_OF = "/projects/{project}/sites"
Kind = Literal["netlify", "vercel"]


class SiteShape(Shown):
    """A project's site at a vendor."""

    kind: str
    site: str
    team: str
    api_url: str


@router.reads(_OF)
def list_sites(project: Project) -> list[SiteShape]:
    """List a project's sites at vendors."""
    with unit_of_work() as work:
        rows = hosts.list_hosts(work, projects.get_project(work, project))
        return [SiteShape.model_validate(row) for row in rows]


class SiteGiven(Given):
    """A site, and a token that may deploy there."""

    site: Short
    token: SecretStr = Field(description="Tried at once, kept encrypted, never shown.")
    team: Short = Field("", description="Whose the site is, where it is not the token's own.")
    api_url: Short = Field("", description="Another address of the vendor's API.")


class SiteNamed(Done):
    """It is named."""

    address: str = Field(description="The site's own address.")


@router.writes("PUT", _OF + "/{kind}", "project.set_host")
def set_site(project: Project, kind: Kind, given: SiteGiven) -> SiteNamed:
    """Name the site that shows the project, if its runtime is that vendor."""
    with unit_of_work() as work:  # before its token is tried anywhere
        ask_right(work, "project.set_host", projects.get_project(work, project).id)
    address = name_site(
        project, kind, given.site, given.token.get_secret_value().strip(), team=given.team,
        api_url=given.api_url, actor=current_actor().name,
    )  # fmt: skip
    return SiteNamed(done=f"{project} has the site {given.site} at {kind}.", address=address)


@router.writes("DELETE", _OF + "/{kind}", "project.forget_host")
def forget_site_of(project: Project, kind: Kind) -> Done:
    """Show nothing of a project there any more."""
    forget_site(project, kind, actor=current_actor().name)
    return Done(done=f"Nothing of {project} is shown at {kind} any more.")
