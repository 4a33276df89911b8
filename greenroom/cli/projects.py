"""``init``, ``project``, ``variable``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import click

from greenroom import previews, promotions
from greenroom.cli.assetsetting import project_set_assets
from greenroom.cli.hostsetting import project_set_host
from greenroom.cli.life import project_set_life
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_table
from greenroom.cli.output import read_secret as read_secret
from greenroom.errors import AlreadyExists, InvalidInput
from greenroom.manifest import RUNTIMES
from greenroom.settings import load_settings
from greenroom.sources import git
from greenroom.sources.clients import CLIENTS, open_client
from greenroom.sources.forges import webhook_address
from greenroom.sources.rules import Forks, Rules
from greenroom.store import environments, projects
from greenroom.store.models import Environment, Project
from greenroom.store.states import GivenAt, PreviewAccess, ProductionBy
from greenroom.store.work import Work, unit_of_work
from greenroom.variables import SCOPES, list_given


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
@command
def init(folder: Path) -> None:
    """Write a commented greenroom.yaml into FOLDER."""
    file = folder / "greenroom.yaml"
    if file.exists():
        raise AlreadyExists(f"{file} exists already", hint="Remove it first, or edit it.")
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder")
    file.write_text(files("greenroom").joinpath("manifest.yaml").read_text())
    out.print(f"Wrote {file}. Commit it, then: greenroom project add {folder.resolve()}")


@click.group()
def project() -> None:
    """Repositories whose branches become environments."""


project.add_command(project_set_life)


@project.command("add")
@click.argument("source")
@click.option("--name", help="Its name here; default: from the URL.")
@click.option("--production-branch", help="Default: what the repository's HEAD names.")
@click.option(
    "--runtime", type=click.Choice(RUNTIMES), default="auto",
    help="What runs it; auto: as its greenroom.yaml says.",
)  # fmt: skip
@click.option("--production-database-url", envvar="PRODUCTION_DATABASE_URL", help="Kept encrypted.")
@json_option
@command
def project_add(
    source: str,
    name: str | None,
    production_branch: str | None,
    runtime: str,
    production_database_url: str | None,
    as_json: bool,
) -> None:
    """Add the repository at SOURCE (a git URL or a path)."""
    url = git.check_new_source(source)
    branch = production_branch or git.default_branch(url)
    with unit_of_work() as work:
        made = projects.add_project(
            work,
            name or projects.suggest_project_name(url),
            url,
            production_branch=branch,
            runtime=runtime,
            production_database_url=production_database_url,
            actor=actor(),
        )
        answer = {
            "name": made.name,
            "source": made.source_url,
            "production_branch": made.production_branch,
            "webhook_url": webhook_address(load_settings(), made.name, made.source_url),
            "webhook_secret": projects.webhook_secret(made),
        }
    if as_json:
        say_json(answer)
        return
    out.print(f"Added [bold]{made.name}[/] ({made.source_url}, production is {branch}).")
    out.print(f"  Webhook  {answer['webhook_url']}")
    out.print(f"  Secret   {answer['webhook_secret']}")
    out.print(f"  Deploy   greenroom env create {made.name} {branch}")


@project.command("set-database")
@click.argument("name")
@click.option("--url", envvar="PRODUCTION_DATABASE_URL", help="Default: asked for, or read.")
@command
def project_set_database(name: str, url: str | None) -> None:
    """Name the production database of project NAME, to be read only; kept encrypted.

    Without --url its address is read from standard input, so it stays out of the history.
    """
    url = url or read_secret("postgresql://…").strip()
    if urlsplit(str(url)).scheme not in ("postgres", "postgresql"):
        raise InvalidInput("that is no Postgres address", hint="postgresql://user:…@host/database")
    with unit_of_work() as work:
        found = projects.get_project(work, name)
        projects.set_production_database_url(work, found, str(url), actor=actor())
    out.print(f"Set. What becomes of its columns is proposed by: greenroom data discover {name}")


@project.command("set-forge")
@click.argument("name")
@click.argument("forge", type=click.Choice(sorted(CLIENTS)), metavar="FORGE")
@click.argument("repository")
@click.option("--api-url", default="", help="Of a forge of your own: https://git.x.org/api/v1")
@click.option("--forget", is_flag=True, help="Report to nobody any more.")
@command
def project_set_forge(
    name: str, forge: str, repository: str, api_url: str, forget: bool
) -> None:  # fmt: skip
    """Report the deployments of project NAME to REPOSITORY (owner/name) on FORGE.

    The token is asked for, or read from standard input; it is kept encrypted.
    """
    token = None if forget else read_secret("Token").strip()
    if token is not None:
        open_client(forge, repository, token, api_url=api_url).close()  # refuses what cannot be
    with unit_of_work() as work:
        found = projects.get_project(work, name)
        projects.set_forge(work, found, forge, repository, api_url, token, actor=actor())
    out.print("Nothing is reported any more." if forget else f"Reports go to {forge}.")


@project.command("set-previews")
@click.argument("name")
@click.option("--branch", "include", multiple=True, help="Only branches like this: feature/*")
@click.option("--not-branch", "exclude", multiple=True, help="No branches like this.")
@click.option("--target", "targets", multiple=True, help="Only pull requests to branches like it.")
@click.option("--path", "paths", multiple=True, help="Only pushes that change files like this.")
@click.option("--label", default="", help="Only pull requests with this label.")
@click.option("--drafts/--no-drafts", default=True, help="Whether drafts have environments.")
@click.option("--pulls-only", is_flag=True, help="A push alone makes no environment.")
@click.option("--limit", type=click.IntRange(1), help="Most environments beside production.")
@click.option(
    "--forks", type=click.Choice([*map(str, Forks)]), default="ignore", help="Strangers'."
)
@json_option
@command
def project_set_previews(
    name: str, include: tuple[str, ...], exclude: tuple[str, ...], targets: tuple[str, ...],
    paths: tuple[str, ...], label: str, drafts: bool, pulls_only: bool, limit: int | None,
    forks: str, as_json: bool,
) -> None:  # fmt: skip
    """Say which events make environments of project NAME. What is not given is as by default."""
    rules = Rules(
        include=include, exclude=exclude, targets=targets, paths=paths, label=label,
        drafts=drafts, pulls_only=pulls_only, limit=limit, forks=Forks(forks),
    ).as_json()  # fmt: skip
    with unit_of_work() as work:
        found = projects.get_project(work, name)
        projects.set_previews(work, found, rules, actor=actor())
    if as_json:
        say_json(rules)
        return
    said = ", ".join(f"{key}: {value}" for key, value in rules.items()) or "every branch"
    out.print(f"Environments of {name}: {said}.", markup=False)


@project.command("set-production")
@click.argument("name")
@click.option("--by", type=click.Choice([*map(str, ProductionBy)]), help="What changes production.")
@click.option("--approvals", type=int, help="How many an artifact needs; 0 asks nobody.")
@click.option("--approver", "approvers", multiple=True, help="Who may approve; again for more.")
@click.option("--anybody", is_flag=True, help="Everybody may approve.")
@click.option("--client-approvals", "clients", type=int, help="How many by preview links, besides.")
@click.option("--review-page", "pages", multiple=True, help="Approved by itself; again for more.")
@click.option("--no-review-pages", is_flag=True, help="Only the whole is approved.")
@click.option("--author/--no-author", "author_may", default=None, help="The author may approve.")
@json_option
@command
def project_set_production(
    name: str, by: str | None, approvals: int | None, approvers: tuple[str, ...], anybody: bool,
    clients: int | None, pages: tuple[str, ...], no_review_pages: bool, author_may: bool | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Say how the production of project NAME changes, or show it.

    With --by promotion only what was approved in staging goes live; with --by push the pushes to
    its branch do, too.
    """
    changed = None if by is None else ProductionBy(by)
    wanted = [] if anybody else list(approvers) or None
    by_page = [] if no_review_pages else list(pages) or None
    if (changed, wanted, approvals, clients, author_may, by_page) == (None,) * 6:
        with unit_of_work() as work:
            found = projects.get_project(work, name)
    else:
        found = promotions.set_rule(
            name, by=changed, needed=approvals, approvers=wanted, author_may=author_may,
            clients=clients, pages=by_page, actor=actor(),
        )  # fmt: skip
    rule = {
        "by": found.production_by,
        "approvals": found.approvals_needed,
        "client_approvals": found.client_approvals_needed,
        "approvers": list(found.approvers),
        "review_pages": list(found.review_pages),
        "author_may_approve": found.author_may_approve,
    }
    if as_json:
        say_json(rule)
        return
    out.print(f"Production of {name} changes by {promotions.describe_rule(found)}.", markup=False)


@project.command("set-access")
@click.argument("name")
@click.argument("access", type=click.Choice([*map(str, PreviewAccess)]))
@command
def project_set_access(name: str, access: str) -> None:
    """Say who sees the environments of project NAME that are not production.

    closed: whoever has a link, and the team; open: everybody; auto: closed wherever others than
    this machine reach them.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, name)
        projects.set_preview_access(work, found, PreviewAccess(access), actor=actor())
    is_shut = previews.is_closed(load_settings(), access)
    said = "need a link or a login" if is_shut else "are open to whoever reaches them"
    out.print(f"Environments of {name} {said}; production is open.", markup=False)


project.add_command(project_set_assets)
project.add_command(project_set_host)


@project.command("list")
@json_option
@command
def project_list(as_json: bool) -> None:
    """List the projects."""
    with unit_of_work() as work:
        rows = [
            {
                "name": p.name,
                "source": p.source_url,
                "production_branch": p.production_branch,
                "runtime": p.runtime,
                "environments": len(environments.list_environments(work, p)),
                "created_at": p.created_at,
            }
            for p in projects.list_projects(work)
        ]
    if as_json:
        say_json(rows)
        return
    say_table(
        ["project", "source", "production", "environments"],
        [(r["name"], r["source"], r["production_branch"], r["environments"]) for r in rows],
        "No project yet. Add one: greenroom project add <git url or path>",
    )


@project.command("branches")
@click.argument("name")
@json_option
@command
def project_branches(name: str, as_json: bool) -> None:
    """List a project's branches and tags, as git has them now."""
    with unit_of_work() as work:
        url = projects.get_project(work, name).source_url
    refs = git.list_refs(url)
    if as_json:
        say_json([r.__dict__ for r in refs])
        return
    say_table(
        ["name", "kind", "commit"],
        [(r.name, r.kind, r.commit[:12]) for r in refs],
        "The repository is empty.",
    )


@click.group()
def variable() -> None:
    """Variables given to a project's own processes."""


def _scope(work: Work, name: str, environment: str | None) -> tuple[Project, Environment | None]:
    owner = projects.get_project(work, name)
    if environment is None:
        return owner, None
    return owner, environments.get_environment(work, f"{owner.name}/{environment}")


_kind = click.option("--kind", type=click.Choice(["staging", "production"]))
_environment = click.option("--env", "environment", help="Only for this environment.")


@variable.command("set")
@click.argument("project_name")
@click.argument("name")
@click.argument("value", required=False)
@_kind
@_environment
@click.option("--plain", is_flag=True, help="Not a secret: its value may be shown.")
@click.option(
    "--at", type=click.Choice(list(GivenAt)), default=GivenAt.BOTH, help="Given to builds, or runs."
)
@command
def variable_set(
    project_name: str,
    name: str,
    value: str | None,
    kind: str | None,
    environment: str | None,
    plain: bool,
    at: str,
) -> None:
    """Set NAME; without VALUE it is read from standard input, so it stays out of the history."""
    if value is None:
        value = read_secret(name)
    with unit_of_work() as work:
        owner, found = _scope(work, project_name, environment)
        projects.set_variable(
            work, owner, name, str(value), kind=kind, environment=found,
            is_secret=not plain, given_at=GivenAt(at), actor=actor(),
        )  # fmt: skip
    out.print(f"Set {name}. It is used from the next deployment on.")


@variable.command("unset")
@click.argument("project_name")
@click.argument("name")
@_kind
@_environment
@command
def variable_unset(project_name: str, name: str, kind: str | None, environment: str | None) -> None:
    """Remove NAME from that scope."""
    with unit_of_work() as work:
        owner, found = _scope(work, project_name, environment)
        projects.unset_variable(work, owner, name, kind=kind, environment=found, actor=actor())
    out.print(f"Removed {name}.")


@variable.command("list")
@click.argument("environment")
@json_option
@command
def variable_list(environment: str, as_json: bool) -> None:
    """List what ENVIRONMENT gets, secrets hidden."""
    rows = [
        {
            "name": v.name,
            "value": "(secret)" if v.is_secret else v.value,
            "is_secret": v.is_secret,
            "scope": v.scope,
            "given_at": str(v.given_at),
            "is_withheld": v.is_withheld,
        }
        for v in list_given(environment)
    ]
    if as_json:
        say_json(rows)
        return
    say_table(
        ["name", "value", "from", "at"],
        [
            (r["name"], "(withheld)" if r["is_withheld"] else r["value"], SCOPES[str(r["scope"])],
             r["given_at"])
            for r in rows
        ],
        "No variables are set.",
    )  # fmt: skip
