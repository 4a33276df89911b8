"""One client per forge: small, typed, only what reports need."""

from __future__ import annotations

from greenroom.errors import InvalidInput
from greenroom.services import TIMEOUT_SECONDS
from greenroom.sources.clients import bitbucket, github, gitlab
from greenroom.sources.clients.base import ForgeClient
from greenroom.sources.clients.bitbucket import BitbucketClient
from greenroom.sources.clients.gitea import GiteaClient
from greenroom.sources.clients.github import GitHubClient
from greenroom.sources.clients.gitlab import GitLabClient

CLIENTS: dict[str, type[ForgeClient]] = {
    "github": GitHubClient,
    "gitlab": GitLabClient,
    "bitbucket": BitbucketClient,
    "gitea": GiteaClient,
    "forgejo": GiteaClient,
}
API_URLS = {
    "github": github.API_URL,
    "gitlab": gitlab.API_URL,
    "bitbucket": bitbucket.API_URL,
}


def open_client(
    forge: str, repository: str, token: str, *, api_url: str = "",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> ForgeClient:  # fmt: skip
    """Open the client of a repository; without ``api_url`` on the vendor's own site.

    Errors: InvalidInput.
    """
    kind, address = CLIENTS.get(forge), api_url or API_URLS.get(forge, "")
    if kind is None:
        raise InvalidInput(f"there is no forge {forge!r}", hint=f"One of: {', '.join(CLIENTS)}.")
    if not address:
        raise InvalidInput(
            f"{forge} has no address of its own",
            hint="Give its API's: https://git.example.org/api/v1",
        )
    return kind(address, repository, token, timeout_seconds=timeout_seconds)
