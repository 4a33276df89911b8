"""Issue trackers: one file a vendor, one Protocol in ``base``."""

from __future__ import annotations

from greenroom.errors import InvalidInput
from greenroom.services import TIMEOUT_SECONDS
from greenroom.trackers.base import Hook, TrackerClient
from greenroom.trackers.github import GitHubIssues, read_github
from greenroom.trackers.gitlab import GitLabIssues, read_gitlab
from greenroom.trackers.jira import JiraIssues, read_jira
from greenroom.trackers.linear import LinearIssues, read_linear

TRACKERS: dict[str, type[TrackerClient]] = {
    "github": GitHubIssues,
    "gitlab": GitLabIssues,
    "jira": JiraIssues,
    "linear": LinearIssues,
}
HOOKS: dict[str, Hook] = {
    "github": read_github,
    "gitlab": read_gitlab,
    "jira": read_jira,
    "linear": read_linear,
}


def open_tracker(
    kind: str, place: str, token: str, *, api_url: str = "",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> TrackerClient:  # fmt: skip
    """Open the client of a project's place in a tracker; without ``api_url`` on the vendor's site.

    Errors: InvalidInput.
    """
    vendor = TRACKERS.get(kind)
    if vendor is None:
        raise InvalidInput(f"there is no tracker {kind!r}", hint=f"One of: {', '.join(TRACKERS)}.")
    address = api_url or vendor.usual_url
    if not address:
        raise InvalidInput(
            f"{kind} has no address of its own", hint="Give its API's: https://acme.atlassian.net"
        )
    return vendor(address, place, token, timeout_seconds=timeout_seconds)
