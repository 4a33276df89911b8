"""What we tell a forge: a commit's status, one comment on a pull request, a deployment."""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

from greenroom.errors import ForgeError

MAX_DESCRIPTION = 140
"""Source: GitHub Docs, "Create a deployment status"; the others allow more."""
MAX_DETAIL = 3000


class State(enum.StrEnum):
    """How a deployment stands, in the words of the reports."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Check:
    """What was found of a deployed version: a line of the comment, and a status of its own."""

    name: str
    """Part of the status's name."""
    title: str
    said: str
    is_alarm: bool
    url: str = ""


@dataclass(frozen=True)
class Report:
    """What there is to tell about one deployment of one environment."""

    environment: str
    commit: str
    state: State
    description: str = ""
    url: str = ""
    """Where the environment is served."""
    log_url: str = ""
    """Where the deployment's page and log are."""
    detail: str = ""
    """The last lines of the log, redacted; shown for a failure."""
    is_production: bool = False
    number: int | None = None
    """The pull request's; without one there is no comment."""
    at: datetime | None = None
    checks: tuple[Check, ...] = ()

    def of_check(self, check: Check) -> Report:
        """Give what there is to tell about one check alone."""
        state = State.FAILURE if check.is_alarm else State.SUCCESS
        return replace(
            self, environment=f"{self.environment}/{check.name}", state=state, checks=(),
            description=check.said, log_url=check.url, detail="",
        )  # fmt: skip

    @property
    def context(self) -> str:
        """The status's name: a later report of the same environment replaces it."""
        return f"greenroom/{self.environment}"

    @property
    def summary(self) -> str:
        """One line, short enough for every forge."""
        line = " ".join(_sendable(self.description or _WORDS[self.state]).split())
        return line if len(line) <= MAX_DESCRIPTION else line[: MAX_DESCRIPTION - 1] + "…"


class Reporter(Protocol):
    """One repository on one forge, as far as reports go. All of it may be done twice."""

    def set_status(self, report: Report) -> None:
        """Set the status of the report's commit.

        Errors: ForgeError, ForgeUnavailable.
        """

    def put_comment(self, number: int, marker: str, text: str) -> None:
        """Bring the one comment that bears ``marker`` to ``text``; write it if it is missing.

        Errors: ForgeError, ForgeUnavailable.
        """

    def remove_comment(self, number: int, marker: str) -> None:
        """Delete the comment that bears ``marker``, if there is one.

        Errors: ForgeError, ForgeUnavailable.
        """

    def close(self) -> None:
        """Close the connections."""


@runtime_checkable
class RecordsDeployments(Protocol):
    """A forge with a record of deployments of its own."""

    def record_deployment(self, report: Report) -> None:
        """Bring the deployment of the report's commit to the report's state.

        Errors: ForgeError, ForgeUnavailable.
        """

    def end_deployments(self, environment: str) -> None:
        """Say of all deployments of an environment that they are no more.

        Errors: ForgeError, ForgeUnavailable.
        """


def marker(environment: str, secret: str) -> str:
    """Give the mark by which an environment's comment is found again.

    It is keyed, so that nobody can lay out a comment that we would take for ours.
    """
    known = hmac.new(secret.encode(), f"comment:{environment}".encode(), hashlib.sha256)
    return f"greenroom-{known.hexdigest()[:32]}"


def report(forge: Reporter, told: Report, secret: str) -> None:
    """Tell a forge how a deployment stands. ``secret`` keys the comment's marker.

    What one right of the token does not allow does not hold the others up.

    Idempotent: yes. Errors: ForgeError, ForgeUnavailable.
    """
    steps = [partial(forge.set_status, told)]
    if isinstance(forge, RecordsDeployments):
        steps.append(partial(forge.record_deployment, told))
    _take([*steps, *_findings(forge, told, secret)])


def report_findings(forge: Reporter, told: Report, secret: str) -> None:
    """Tell a forge what was found of a version that it knows to be deployed.

    Idempotent: yes. Errors: ForgeError, ForgeUnavailable.
    """
    _take(_findings(forge, told, secret))


def _findings(forge: Reporter, told: Report, secret: str) -> list[Callable[[], None]]:
    steps: list[Callable[[], None]]
    steps = [partial(forge.set_status, told.of_check(check)) for check in told.checks]
    if told.number is not None:
        mark = marker(told.environment, secret)
        steps.append(partial(forge.put_comment, told.number, mark, comment_text(told)))
    return steps


def report_gone(
    forge: Reporter, environment: str, secret: str, number: int | None = None, *,
    is_deleted: bool = False,
) -> None:  # fmt: skip
    """Tell a forge that an environment is gone: its comment says so, or goes with it.

    Idempotent: yes. Errors: ForgeError, ForgeUnavailable.
    """
    steps = []
    if isinstance(forge, RecordsDeployments):
        steps.append(partial(forge.end_deployments, environment))
    if number is not None:
        mark = marker(environment, secret)
        if is_deleted:
            steps.append(partial(forge.remove_comment, number, mark))
        else:
            steps.append(partial(forge.put_comment, number, mark, gone_text(environment)))
    _take(steps)


def _take(steps: Sequence[Callable[[], None]]) -> None:
    """Take every step; then raise what went wrong, first what may pass by itself."""
    failed: list[ForgeError] = []
    for step in steps:
        try:
            step()
        except ForgeError as error:
            failed.append(error)
    if failed:
        raise max(failed, key=lambda error: error.transient)


_WORDS = {
    State.PENDING: "being deployed",
    State.SUCCESS: "deployed",
    State.FAILURE: "the deployment failed",
    State.CANCELLED: "cancelled: a newer one was asked for",
}
_SIGNS = {State.PENDING: "⏳", State.SUCCESS: "✅", State.FAILURE: "❌", State.CANCELLED: "⏹"}


def comment_text(told: Report) -> str:
    """Write a pull request's comment, in Markdown. Pure."""
    rows = [("Status", f"{_SIGNS[told.state]} {_plain(told.summary)}")]
    if told.url:
        rows.append(("Preview", f"<{told.url}>"))
    rows.append(("Commit", f"`{told.commit[:10]}`"))
    if told.log_url:
        rows.append(("Log", f"<{told.log_url}>"))
    for check in told.checks:
        sign = _SIGNS[State.FAILURE if check.is_alarm else State.SUCCESS]
        link = f" <{check.url}>" if check.url else ""
        rows.append((check.title, f"{sign} {_plain(told.of_check(check).summary)}{link}"))
    if told.at is not None:
        rows.append(("Updated", f"{told.at:%Y-%m-%d %H:%M} UTC"))
    lines = [f"**Environment `{_code(told.environment)}`**", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    if told.state is State.FAILURE and told.detail.strip():
        lines += ["", _fenced(told.detail)]
    return _sendable("\n".join(lines))


def gone_text(environment: str) -> str:
    """Write what a comment says when its environment is gone. Pure."""
    return f"**Environment `{_code(environment)}`**\n\nIt was removed, with its own database."


def _plain(text: str) -> str:
    """Give a line that Markdown, tables and mentions do not read anything into."""
    escaped = re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", text)
    return escaped.replace("@", "@\N{ZERO WIDTH SPACE}")


def _sendable(text: str) -> str:
    """Give a text that UTF-8 and the forges' databases can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _code(text: str) -> str:
    return text.replace("`", "").replace("\n", " ")


def _fenced(text: str) -> str:
    """Give the end of a text as a block that it cannot end itself."""
    tail = text.strip()[-MAX_DETAIL:]
    longest = max((len(run) for run in re.findall(r"`+", tail)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{tail}\n{fence}"
