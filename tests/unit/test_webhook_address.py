"""The address that a forge is told: the connected one's, or that of the repository's host."""

from __future__ import annotations

import pytest

from greenroom.settings import Settings
from greenroom.sources.forges import FORGES, webhook_address

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("source", "forge", "wanted"),
    [
        ("https://github.com/acme/shop.git", "", "github"),
        ("https://gitlab.com/acme/github-shop.git", "", "gitlab"),
        ("git@gitlab.acme.example:web/shop.git", "", "gitlab"),
        ("ssh://git@bitbucket.org/acme/shop", "", "bitbucket"),
        ("https://codeberg.org/acme/shop", "", "forgejo"),
        ("https://git.acme.example/gitea/shop", "", "github"),
        ("https://git.acme.example/acme/shop", "gitea", "gitea"),
        ("/srv/shop.git", "", "github"),
    ],
)
def test_the_address_names_the_forge(source: str, forge: str, wanted: str) -> None:
    told = webhook_address(Settings(), "shop", source, forge)
    assert told.endswith(f"/hooks/{wanted}/shop")
    assert wanted in FORGES
