"""``tracker``: where a project's comments become issues."""

from __future__ import annotations

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json
from greenroom.cli.projects import read_secret
from greenroom.settings import load_settings
from greenroom.store import projects, trackers
from greenroom.store.work import unit_of_work
from greenroom.trackers import TRACKERS, open_tracker
from greenroom.tracking import hook_address


@click.group()
def tracker() -> None:
    """Issues of comments: GitHub, GitLab, Jira, Linear."""


@tracker.command("set")
@click.argument("project")
@click.argument("kind", type=click.Choice(sorted(TRACKERS)), metavar="KIND")
@click.argument("place")
@click.option("--api-url", default="", help="Of a tracker of your own: https://acme.atlassian.net")
@click.option(
    "--rule", type=click.Choice(trackers.RULES), default="click", show_default=True,
    help="An issue where somebody asks for one, or for every thread.",
)  # fmt: skip
@command
def tracker_set(project: str, kind: str, place: str, api_url: str, rule: str) -> None:
    """Let PROJECT's comments become issues at PLACE in a tracker of KIND.

    PLACE is owner/name (github, gitlab), a project's key (jira: SHOP, or SHOP/Bug) or a team's key
    (linear). The token is asked for, or read from standard input; it is kept encrypted.
    """
    token = read_secret("Token").strip()
    open_tracker(kind, place, token, api_url=api_url).close()  # refuses what cannot be
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        made = trackers.set_tracker(work, found, kind, place, api_url, token, rule, actor())
        secret = trackers.hook_secret(made)
    out.print(f"Comments become issues at {place} ({kind}). For the way back, a webhook there:")
    out.print(f"  Webhook  {hook_address(load_settings(), kind, project)}")
    out.print(f"  Secret   {secret}")


@tracker.command("set-secret")
@click.argument("project")
@command
def tracker_set_secret(project: str) -> None:
    """Take the secret that PROJECT's tracker signs its webhooks with, where the tracker chooses it.

    It is asked for, or read from standard input.
    """
    secret = read_secret("Secret").strip()
    with unit_of_work() as work:
        trackers.set_hook_secret(work, projects.get_project(work, project), secret, actor())
    out.print("Its webhooks are checked with this secret from now on.")


@tracker.command("show")
@click.argument("project")
@json_option
@command
def tracker_show(project: str, as_json: bool) -> None:
    """Show PROJECT's tracker, and what its webhook needs."""
    with unit_of_work() as work:
        found = trackers.get_tracker(work, projects.get_project(work, project))
        row = {
            "kind": found.kind, "place": found.place, "api_url": found.api_url,
            "rule": found.rule, "webhook_url": hook_address(load_settings(), found.kind, project),
            "webhook_secret": trackers.hook_secret(found),
        }  # fmt: skip
    if as_json:
        say_json(row)
        return
    for name, value in row.items():
        out.print(f"{name.replace('_', ' '):15} {value}")


@tracker.command("forget")
@click.argument("project")
@command
def tracker_forget(project: str) -> None:
    """Let PROJECT's comments become issues no more; those that are there stay."""
    with unit_of_work() as work:
        trackers.forget_tracker(work, projects.get_project(work, project), actor())
    out.print("Comments become issues no more.")
