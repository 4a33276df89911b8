"""What people are told, in words: each sentence is written with the change that it tells."""

from __future__ import annotations

from collections.abc import Sequence

from greenroom.settings import load_settings
from greenroom.store.models import (
    Deployment,
    DeploymentKind,
    Environment,
    EnvironmentKind,
    Project,
    Sync,
)
from greenroom.store.notices import record_notice
from greenroom.store.states import NoticeKind, SyncStatus, Verdict
from greenroom.store.work import Work

MEANINGS = {
    NoticeKind.FAILED: "a deployment failed",
    NoticeKind.REVIEW: "a version waits for approval",
    NoticeKind.VERDICT: "somebody approved, or asked for changes",
    NoticeKind.COMMENT: "somebody commented on a page",
    NoticeKind.CHANGED: "a version's pages look other than production's",
    NoticeKind.REGRESSION: "a version is slower than production, or over its budget",
    NoticeKind.SHOWN: "an environment shows a new version",
    NoticeKind.LIVE: "production changed",
    NoticeKind.SYNC_FAILED: "production's data could not be brought over",
    NoticeKind.SYNCED: "fresh data is there",
    NoticeKind.EXPIRING: "an environment goes soon, its time being over",
}
_BY = {
    DeploymentKind.DEPLOY: "deployed",
    DeploymentKind.PROMOTE: "promoted",
    DeploymentKind.ROLLBACK: "rolled back",
}


def note_shown(
    work: Work, environment: Environment, deployment: Deployment, missing: str = ""
) -> None:
    """Tell that an environment shows a version; ``missing`` says what it waits for, if it does."""
    reference, commit = _reference(environment), deployment.commit_hash[:12]
    done = f"{_BY[DeploymentKind(deployment.kind)]} by {deployment.deployed_by}"
    where = _lines(environment.url, _page(environment, "review"))
    if environment.kind == EnvironmentKind.PRODUCTION:
        title = f"{environment.project.name} is live with {commit}, {done}"
        record_notice(
            work, NoticeKind.LIVE, environment.project, environment.name, title, where
        )  # fmt: skip
        return
    title = f"{reference} shows {commit}, {done}"
    record_notice(work, NoticeKind.SHOWN, environment.project, environment.name, title, where)
    if missing:
        title = f"{reference} waits for approval of {commit}"
        body = _lines(f"{missing}.", where)
        record_notice(work, NoticeKind.REVIEW, environment.project, environment.name, title, body)


def note_waiting(
    work: Work, environment: Environment, deployment: Deployment, missing: str, days: int
) -> None:
    """Remind of a version that has waited for approval for some days."""
    since = "a day" if days == 1 else f"{days} days"
    commit = deployment.commit_hash[:12]
    title = f"{_reference(environment)} has waited for approval of {commit} for {since}"
    body = _lines(f"{missing}.", environment.url, _page(environment, "review"))
    record_notice(work, NoticeKind.REVIEW, environment.project, environment.name, title, body)


def note_failed(work: Work, environment: Environment, deployment: Deployment) -> None:
    """Tell that a deployment failed, and why, as it was recorded: redacted."""
    error = deployment.error or {}
    title = f"{_reference(environment)}: deployment #{deployment.number} failed"
    body = _lines(
        str(error.get("detail", "")), str(error.get("hint", "")),
        _page(environment, "logs", n=deployment.number),
    )  # fmt: skip
    record_notice(work, NoticeKind.FAILED, environment.project, environment.name, title, body)


def note_verdict(
    work: Work, environment: Environment, verdict: Verdict, note: str, who: str, words: str,
    page: str = "",
) -> None:  # fmt: skip
    """Tell what somebody said about what an environment shows, and where that leaves it."""
    said = {
        Verdict.APPROVED: "approved",
        Verdict.CHANGES: "asked for changes in",
        Verdict.WITHDRAWN: "took back what was said of",
    }[verdict]
    about = f"{page} of " if page else ""
    title = f"{who} {said} {about}{_reference(environment)}"
    body = _lines(note, f"{words}.", _page(environment, "review"))
    record_notice(work, NoticeKind.VERDICT, environment.project, environment.name, title, body)


def note_comment(
    work: Work, environment: Environment, number: int, page: str, who: str, text: str,
    called: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    """Tell what somebody said on a page; who is ``called`` by name hears it in any case."""
    title = f"{who} commented on {_reference(environment)}{page}"
    body = _lines(text, f"{environment.url}{page}#greenroom-{number}")
    record_notice(
        work, NoticeKind.COMMENT, environment.project, environment.name, title, body, called=called
    )


def note_expiring(work: Work, environment: Environment) -> None:
    """Tell that an environment goes soon, and how to keep it."""
    name = _reference(environment)
    title = f"{name} goes on {environment.expires_at:%Y-%m-%d %H:%M} UTC"
    body = _lines(
        "Nothing was deployed to it for a while. Its database and its mail go with it.",
        f"To keep it: greenroom env extend {name}, or a button of its page.",
        _page(environment, "history"),
    )
    record_notice(work, NoticeKind.EXPIRING, environment.project, environment.name, title, body)


def note_changed(work: Work, environment: Environment, number: int, said: Sequence[str]) -> None:
    """Tell which of an environment's pages look other than production's, or could not be seen."""
    many = "one page and width" if len(said) == 1 else f"{len(said)} pages and widths"
    title = f"{_reference(environment)} looks different: {many} (comparison #{number})"
    body = _lines(*said[:10], _page(environment, "compare"))
    record_notice(work, NoticeKind.CHANGED, environment.project, environment.name, title, body)


def note_regression(work: Work, environment: Environment, number: int, said: Sequence[str]) -> None:
    """Tell that an environment's pages became slower, and which."""
    title = f"{_reference(environment)} is slower than production (measurement #{number})"
    if environment.kind == EnvironmentKind.PRODUCTION:
        title = f"{environment.project.name} is over its budget (measurement #{number})"
    body = _lines(*said[:10], _page(environment, "performance"))
    record_notice(work, NoticeKind.REGRESSION, environment.project, environment.name, title, body)


def note_sync(work: Work, project: Project, sync: Sync) -> None:
    """Tell how a sync ended; nothing of one that was cancelled."""
    if sync.status not in (SyncStatus.DONE, SyncStatus.FAILED):
        return
    is_done = sync.status == SyncStatus.DONE
    kind = NoticeKind.SYNCED if is_done else NoticeKind.SYNC_FAILED
    title = f"{project.name}: sync #{sync.number} {'is done' if is_done else 'failed'}"
    error = sync.error or {}
    body = _lines(str(error.get("detail", "")), str(error.get("hint", "")))
    name = sync.environment.name if sync.environment else ""
    record_notice(work, kind, project, name, title, body)


def _reference(environment: Environment) -> str:
    return f"{environment.project.name}/{environment.name}"


def _page(environment: Environment, part: str, **more: int) -> str:
    """Give the console's page, where the console has an address that others reach."""
    host = load_settings().console_host
    if not host:
        return ""
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"https://{host}/environment?env={_reference(environment)}&part={part}{rest}"


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
