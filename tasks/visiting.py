"""How our browser visits the sides of a comparison or measurement: let in, and logged in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from greenroom.compare.pool import ask_once
from greenroom.compare_rules import parse_rules
from greenroom.comparing import rules_of
from greenroom.errors import PlatformError
from greenroom.previews import browser_cookie
from greenroom.settings import load_settings
from greenroom.store import comparisons, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Environment
from greenroom.store.work import Work

Side = dict[str, Any]
"""What ``greenroom.compare.run`` and ``measure`` take of a side. It holds secrets: never stored."""


def side_of(work: Work, environment: Environment, site: str) -> Side:
    """Say how a side is visited: by the environment's rules, with the side's own variables.

    ``site`` is the environment's address, or its production's.

    Errors: PlatformError (a variable is missing).
    """
    rules, owner = rules_of(environment), environment
    if site != environment.url:
        owner = comparisons.production_of(work, environment.project) or environment
    secrets = {v.name: v.value for v in projects.resolve_variables(owner)}
    missing = sorted(rules.secrets - set(secrets))
    if missing:
        raise PlatformError(
            f"comparisons need the variable {missing[0]}",
            hint=f"Set it: greenroom variable set <project> {missing[0]} …",
        )
    host = urlsplit(site).hostname or ""
    return {
        "site": site, "rules": rules.model_dump(mode="json"),
        "cookie": browser_cookie(load_settings(), host, site, ensure_secret_key()),
        "secrets": {name: secrets[name] for name in rules.secrets},
    }  # fmt: skip


def logged_in(side: Side, name: str) -> Side:
    """Give a side after its login, if the project has one; ``name`` is how people call the side.

    Errors: PlatformError.
    """
    if not side["rules"]["login"]:
        return side
    found, broke = ask_once({"ask": "login", "side": side}, parse_rules(side["rules"]).view_seconds)
    failure = broke or found.get("failure", "")
    if failure:
        raise PlatformError(f"the browser could not log in to {name}: {failure}")
    return {**side, "logged_in": found["kept"]}
