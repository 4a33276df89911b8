"""The forges that we understand, by the last part of their webhook's address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from greenroom.settings import Settings
from greenroom.sources.bitbucket import Bitbucket
from greenroom.sources.events import Forge
from greenroom.sources.gitea import Gitea
from greenroom.sources.github import GitHub
from greenroom.sources.gitlab import GitLab

_ALL: tuple[Forge, ...] = (GitHub(), GitLab(), Bitbucket(), Gitea(), Gitea("forgejo"))
FORGES: dict[str, Forge] = {forge.name: forge for forge in _ALL}
_USUAL = re.compile(r"\b(gitlab|bitbucket|gitea|forgejo|codeberg)\b")
_SCP = re.compile(r"(?:[^@/]+@)?([^:/]+):[^/]")


def webhook_address(settings: Settings, project: str, source_url: str, forge: str = "") -> str:
    """Give the address that a project's forge sends webhooks to.

    One that is not connected is told by its repository's host, where that says it; else GitHub.
    """
    scp = _SCP.match(source_url)
    host = scp[1] if scp else urlsplit(source_url).hostname or ""
    told = _USUAL.search(host)
    named = {"codeberg": "forgejo"}.get(told[1], told[1]) if told else "github"
    root = settings.environment_url(settings.base_domain)
    return f"{root}/hooks/{forge or named}/{project}"
