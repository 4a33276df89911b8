"""``comments``: what people say on an environment's pages."""

from __future__ import annotations

import click

from greenroom import talking
from greenroom.approving import person
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_table
from greenroom.errors import TrackerRefused
from greenroom.store import comments as store
from greenroom.store import environments, trackers
from greenroom.store.comments import Author
from greenroom.store.models import ThreadIssue
from greenroom.store.work import unit_of_work
from greenroom.tracking import push_thread


@click.group()
def comments() -> None:
    """Read and answer what people say on an environment's pages."""


@comments.command("list")
@click.argument("environment")
@click.option("--all", "everything", is_flag=True, help="Those that are resolved, too.")
@json_option
@command
def comments_list(environment: str, everything: bool, as_json: bool) -> None:
    """List the threads on ENVIRONMENT's pages that wait for an answer."""
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        rows = [
            store.as_told(thread)
            for thread in store.list_threads(work, found.id)
            if everything or thread.state != store.ThreadState.RESOLVED
        ]
    if as_json:
        say_json(rows)
        return
    say_table(
        ["thread", "page", "state", "who", "said"],
        [
            (f"#{row['number']}", row["page"], row["state"], said["author"], said["text"])
            for row in rows
            for said in row["comments"]
        ],
        "Nobody said anything that waits for an answer.",
    )


@comments.command("reply")
@click.argument("environment")
@click.argument("number", type=int)
@click.argument("text")
@command
def comments_reply(environment: str, number: int, text: str) -> None:
    """Answer thread NUMBER on ENVIRONMENT's pages with TEXT."""
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        thread = store.get_thread(work, found, number)
        talking.reply(work, found, thread, text, Author(person(actor())))
    out.print(f"Answered thread #{number}.")


@comments.command("resolve")
@click.argument("environment")
@click.argument("number", type=int)
@click.option("--reopen", is_flag=True, help="Open it again.")
@command
def comments_resolve(environment: str, number: int, reopen: bool) -> None:
    """Say that thread NUMBER on ENVIRONMENT's pages is done."""
    with unit_of_work() as work:
        thread = store.get_thread(work, environments.get_environment(work, environment), number)
        talking.resolve(work, thread, not reopen, Author(person(actor())))
    out.print(f"Thread #{number} is {'open again' if reopen else 'resolved'}.")


@comments.command("issue")
@click.argument("environment")
@click.argument("number", type=int)
@command
def comments_issue(environment: str, number: int) -> None:
    """Make an issue of thread NUMBER in the project's tracker, or bring it up to date."""
    with unit_of_work() as work:
        found = environments.get_environment(work, environment)
        thread = store.get_thread(work, found, number)
        trackers.want_issue(work, found, thread, actor())
        key = thread.id
    push_thread(key)
    with unit_of_work() as work:
        issue = work.get_one(ThreadIssue, key)
        if issue.refused:
            raise TrackerRefused(issue.refused, hint="Is the token right? greenroom tracker show")
        out.print(f"{issue.key}  {issue.url}")
