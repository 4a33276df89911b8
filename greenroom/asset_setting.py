"""Where a project's files are, and what of them comes: shown and changed, for every face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenroom.assets.places import Bucket, Folder, Place, check_apart, read_place
from greenroom.assets.plan import Rules
from greenroom.edge.cdn import check_cdn
from greenroom.errors import InvalidInput, NotAllowed
from greenroom.rights import current_actor
from greenroom.store import assets, projects
from greenroom.store.work import unit_of_work

SIDES = ("source", "target", "cdn")
CREDENTIALS = ("key_id", "secret", "session_token", "token")
ACLS = ("bucket", "keep", "private", "public-read")
_KEPT = ("source", "target", "rules", "base_urls", "cdn")
Credentials = Mapping[str, Mapping[str, str]]


def show_assets(project: str) -> dict[str, Any]:
    """Give where a project's files are; of credentials only for which sides there are some.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        setting = assets.get_setting(work, projects.get_project(work, project))
        shown: dict[str, Any] = {name: getattr(setting, name) for name in _KEPT}
        return {**shown, "credentials": sorted(assets.credentials_of(setting))}


def change_assets(
    project: str, given: Mapping[str, Any], credentials: Credentials, *, actor: str
) -> dict[str, Any]:
    """Change what is given of where a project's files are; give it as it is then.

    Errors: NotFound, InvalidInput, NotAllowed.
    """
    check_credentials(credentials)
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        known = assets.find_setting(work, found)
        before = {name: getattr(known, name) for name in _KEPT} if known else {}
        values = merged(before, given)
        now = {**before, **values}
        if now.get("source") and now.get("target"):
            source, target = read_place(now["source"]), read_place(now["target"])
            check_apart(source, target)
            sides = {*(assets.credentials_of(known) if known else ()), *credentials}
            for side, place in (("source", source), ("target", target)):
                if side in values:
                    _check_may_name(place, side, sides)
        if values or credentials:
            assets.record_setting(work, found, values, credentials, actor=actor)
    return show_assets(project)


def forget_assets(project: str, *, actor: str) -> None:
    """Forget where a project's files are. Idempotent.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        assets.forget_setting(work, projects.get_project(work, project), actor=actor)


def _check_may_name(place: Place, side: str, sides: set[str]) -> None:
    """Return if whoever acts may name a place: not what only the machine's owner reaches."""
    if current_actor().is_owner:
        return
    if isinstance(place, Folder):
        raise NotAllowed(
            f"{place} is a folder of this machine: its owner names those",
            hint="At the machine: greenroom project set-assets. Or name a bucket.",
        )
    if isinstance(place, Bucket) and side not in sides:
        raise NotAllowed(
            f"{place} would be opened with the machine's own credentials: its owner decides that",
            hint=f"Give credentials for the {side}.",
        )


def merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values that change, checked; None is what stays. Pure.

    Errors: InvalidInput.
    """
    values: dict[str, Any] = {}
    for name in ("source", "target"):
        if given.get(name):
            read_place(given[name])
            if given[name] != before.get(name):
                values[name] = given[name]
    rules = dict(before.get("rules") or {})
    for name in ("include", "exclude"):
        if given.get(name) is not None:
            rules[name] = [one for one in given[name] if one]
    for name in ("deletes", "is_exact", "not_after"):
        if given.get(name) is not None:
            rules[name] = given[name]
    if given.get("acl"):
        rules["acl"] = "" if given["acl"] == "bucket" else given["acl"]
    if given.get("rate") is not None:
        rules["most_bytes_per_second"] = given["rate"]
    rules = Rules.from_json(rules).as_json()
    if rules != (before.get("rules") or {}):
        values["rules"] = rules
    urls = dict(before.get("base_urls") or {})
    for name, option in (("production", "production_url"), ("staging", "staging_url"),
                         ("variable", "variable")):  # fmt: skip
        if given.get(option) is not None:
            urls[name] = _checked(name, given[option].strip())
    urls = {name: value for name, value in urls.items() if value}
    if urls != (before.get("base_urls") or {}):
        values["base_urls"] = urls
    if given.get("cdn") or given.get("cdn_options"):
        options = _cdn(dict(before.get("cdn") or {}), given)
        if options != (before.get("cdn") or {}):
            values["cdn"] = options
    return values


def _checked(name: str, value: str) -> str:
    if name == "variable":
        if value and (not value.isidentifier() or not value.isascii()):
            raise InvalidInput(f"{value[:100]!r} cannot name a variable")
        return value
    if value and not value.startswith(("http://", "https://", "//", "/")):
        raise InvalidInput(f"{value[:200]!r} is no address", hint="https://cdn.example.org/uploads")
    return value.rstrip("/")


def _cdn(options: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("cdn") == "none":
        return {}
    if given.get("cdn"):
        if given["cdn"] != options.get("vendor"):
            options = {}
        options["vendor"] = given["cdn"]
    for text in given.get("cdn_options") or ():
        name, _, value = text.partition("=")
        options[name.strip()] = value == "true" if value in ("true", "false") else value.strip()
    return check_cdn(options)


def check_credentials(credentials: Credentials) -> None:
    """Return if credentials are by side, and of known names. Pure.

    Errors: InvalidInput.
    """
    wrong = {*credentials} - {*SIDES}
    wrong |= {name for values in credentials.values() for name in values} - {*CREDENTIALS}
    if wrong:
        raise InvalidInput(
            f"credentials have no {min(wrong)[:50]!r}",
            hint=f"By side: {', '.join(SIDES)}; of each: {', '.join(CREDENTIALS)}.",
        )
