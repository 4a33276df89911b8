"""The forges that we understand, by the last part of their webhook's address."""

from __future__ import annotations

from greenroom.sources.bitbucket import Bitbucket
from greenroom.sources.events import Forge
from greenroom.sources.gitea import Gitea
from greenroom.sources.github import GitHub
from greenroom.sources.gitlab import GitLab

_ALL: tuple[Forge, ...] = (GitHub(), GitLab(), Bitbucket(), Gitea(), Gitea("forgejo"))
FORGES: dict[str, Forge] = {forge.name: forge for forge in _ALL}
