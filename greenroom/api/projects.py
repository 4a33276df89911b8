"""Projects: repositories whose branches become environments."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from greenroom import approving, promotions
from greenroom.api.noun import Done, Given, Noun, Project, Short, Shown
from greenroom.api.shapes import ProjectShape
from greenroom.errors import InvalidInput
from greenroom.rights import current_actor
from greenroom.settings import load_settings
from greenroom.sources import git
from greenroom.sources.clients import CLIENTS, open_client
from greenroom.sources.forges import webhook_address
from greenroom.sources.rules import Forks, Rules
from greenroom.store import projects as store
from greenroom.store.audit import record_audit
from greenroom.store.states import PreviewAccess, ProductionBy
from greenroom.store.work import ask_right, unit_of_work

router = Noun("projects")
_RUNTIMES = Literal["auto", "static", "process", "docker", "netlify", "vercel"]


@router.reads("/projects")
def list_projects() -> list[ProjectShape]:
    """List the projects that the token sees."""
    with unit_of_work() as work:
        return [ProjectShape.of(row) for row in store.list_projects(work)]


@router.reads("/projects/{project}")
def get_project(project: Project) -> ProjectShape:
    """Show a project."""
    with unit_of_work() as work:
        return ProjectShape.of(store.get_project(work, project))


class NewProject(Given):
    """A repository to add."""

    source: Short = Field(description="A git URL without a password, or a path on the machine.")
    name: Short = Field("", description="Default: from the URL.")
    production_branch: Short = Field("", description="Default: what the repository's HEAD names.")
    runtime: _RUNTIMES = "auto"


@router.writes("POST", "/projects", "project.add", status_code=201)
def add_project(given: NewProject) -> ProjectShape:
    """Add a repository."""
    with unit_of_work() as work:
        ask_right(work, "project.add")
    url = git.check_new_source(given.source)
    branch = given.production_branch or git.default_branch(url)
    with unit_of_work() as work:
        made = store.add_project(
            work, given.name or store.suggest_project_name(url), url,
            production_branch=git.check_ref(branch), runtime=given.runtime,
            actor=current_actor().name,
        )  # fmt: skip
        return ProjectShape.of(made)


class Branch(Shown):
    """A branch or tag."""

    name: str
    kind: str
    commit: str


@router.reads("/projects/{project}/branches")
def list_branches(project: Project) -> list[Branch]:
    """List branches and tags, as git has them now."""
    with unit_of_work() as work:
        url = store.get_project(work, project).source_url
    return [Branch.model_validate(ref) for ref in git.list_refs(url)]


class ProductionRule(Given):
    """How production changes; what is left out stays."""

    by: ProductionBy | None = None
    approvals: int | None = Field(None, ge=0, le=promotions.MOST_APPROVALS)
    client_approvals: int | None = Field(None, ge=0, le=promotions.MOST_APPROVALS)
    approvers: list[Short] | None = Field(None, max_length=50)
    author_may_approve: bool | None = None
    review_pages: list[Short] | None = Field(
        None, max_length=approving.MOST_PAGES,
        description="Pages approved one by one: each of them approved is the whole approved.",
    )  # fmt: skip


@router.writes("PUT", "/projects/{project}/production", "project.set_production")
def set_production(project: Project, given: ProductionRule) -> ProjectShape:
    """Say how production changes, and whose approvals it needs."""
    found = promotions.set_rule(
        project, by=given.by, needed=given.approvals, approvers=given.approvers,
        author_may=given.author_may_approve, clients=given.client_approvals,
        pages=given.review_pages,
        actor=current_actor().name,
    )  # fmt: skip
    return ProjectShape.of(found)


class Access(Given):
    """Who sees what is not production."""

    access: PreviewAccess


@router.writes("PUT", "/projects/{project}/access", "project.set_access")
def set_access(project: Project, given: Access) -> ProjectShape:
    """Say who sees the environments that are not production."""
    with unit_of_work() as work:
        found = store.get_project(work, project)
        store.set_preview_access(work, found, given.access, actor=current_actor().name)
        return ProjectShape.of(found)


class PreviewRules(Given):
    """Which events make environments."""

    include: list[Short] = Field([], max_length=50)
    exclude: list[Short] = Field([], max_length=50)
    targets: list[Short] = Field([], max_length=50)
    paths: list[Short] = Field([], max_length=50)
    label: Short = ""
    drafts: bool = True
    pulls_only: bool = False
    limit: int | None = Field(None, ge=1, le=10_000)
    forks: Forks = Field(Forks.IGNORE, description="Strangers' pull requests.")


@router.writes("PUT", "/projects/{project}/previews", "project.set_previews")
def set_previews(project: Project, given: PreviewRules) -> ProjectShape:
    """Say which events make environments; what is left out is as by default."""
    rules = Rules(
        include=tuple(given.include), exclude=tuple(given.exclude), targets=tuple(given.targets),
        paths=tuple(given.paths), label=given.label, drafts=given.drafts,
        pulls_only=given.pulls_only, limit=given.limit, forks=given.forks,
    ).as_json()  # fmt: skip
    with unit_of_work() as work:
        found = store.get_project(work, project)
        store.set_previews(work, found, rules, actor=current_actor().name)
        return ProjectShape.of(found)


class Database(Given):
    """Production's database."""

    url: SecretStr = Field(description="postgresql://…; kept encrypted, never shown.")


@router.writes("PUT", "/projects/{project}/production-database", "project.set_production_database")
def set_production_database(project: Project, given: Database) -> Done:
    """Name production's database, to be read only. It is never shown again."""
    url = given.url.get_secret_value().strip()
    if not url.startswith(("postgresql://", "postgres://")) or len(url) > 2000:
        raise InvalidInput("that is no Postgres address", hint="postgresql://user:…@host/name")
    with unit_of_work() as work:
        found = store.get_project(work, project)
        store.set_production_database_url(work, found, url, actor=current_actor().name)
    return Done(done="The production database is set.")


class Forge(Given):
    """Whom deployments are reported to."""

    forge: Literal["bitbucket", "gitea", "github", "gitlab"]
    repository: Short
    api_url: Short = ""
    token: SecretStr | None = Field(None, description="Left out: nothing is reported any more.")


@router.writes("PUT", "/projects/{project}/forge", "project.set_forge")
def set_forge(project: Project, given: Forge) -> Done:
    """Say whom deployments are reported to. The token is never shown again."""
    token = given.token.get_secret_value() if given.token else None
    if token is not None:
        assert given.forge in CLIENTS
        open_client(given.forge, given.repository, token, api_url=given.api_url).close()
    with unit_of_work() as work:
        found = store.get_project(work, project)
        store.set_forge(
            work, found, given.forge, given.repository, given.api_url, token,
            actor=current_actor().name,
        )  # fmt: skip
    return Done(done="Nothing is reported any more." if token is None else "Reports go there.")


class Webhook(Shown):
    """What a forge needs to tell us of pushes."""

    url: str
    secret: str


@router.reads("/projects/{project}/webhook", "project.show_webhook_secret")
def show_webhook(project: Project) -> Webhook:
    """Show the webhook's address and secret; the audit trail says so."""
    settings = load_settings()
    with unit_of_work() as work:
        found = store.get_project(work, project)
        record_audit(work, current_actor().name, "project.show_webhook_secret", project=found)
        address = webhook_address(settings, found.name, found.source_url, found.forge)
        return Webhook(url=address, secret=store.webhook_secret(found))
