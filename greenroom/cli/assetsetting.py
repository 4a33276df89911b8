"""``project set-assets``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from greenroom import asset_orders
from greenroom.assets.places import check_apart, read_place
from greenroom.assets.plan import Rules
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json
from greenroom.edge.cdn import check_cdn
from greenroom.errors import InvalidInput
from greenroom.store import assets, projects
from greenroom.store.work import unit_of_work

SIDES = ("source", "target", "cdn")
_KNOWN = frozenset({"key_id", "secret", "session_token", "token"})


@click.command("set-assets")
@click.argument("name")
@click.option("--from", "source", help="Production's files: s3://bucket/prefix, or a folder.")
@click.option("--to", "target", help="Staging's place: another bucket, or a folder.")
@click.option("--include", multiple=True, help="Only keys like this: uploads/**")
@click.option("--exclude", multiple=True, help="No keys like this: **/*.tmp")
@click.option("--delete/--keep", "deletes", default=None, help="Delete what production dropped.")
@click.option("--acl", type=click.Choice(["bucket", "keep", "private", "public-read"]))
@click.option("--exact/--quick", "is_exact", default=None, help="Compare octets, not times.")
@click.option("--at-snapshot/--newest", "not_after", default=None,
              help="Leave out what is newer than the database's snapshot.")  # fmt: skip
@click.option("--rate", type=click.IntRange(0), help="Most bytes a second; 0 is no limit.")
@click.option("--production-url", help="The address production's pages load them from.")
@click.option("--staging-url", help="The address staging's pages shall load them from.")
@click.option("--variable", help=f"Which variable tells it; default {asset_orders.VARIABLE}.")
@click.option("--cdn", type=click.Choice(["none", "cloudfront", "cloudflare", "fastly"]))
@click.option("--cdn-option", "cdn_options", multiple=True, help="distribution=E1ABC; path=/x/*")
@click.option("--credentials", "with_credentials", is_flag=True,
              help="Read as JSON from standard input, by side: source, target, cdn.")  # fmt: skip
@click.option("--forget", is_flag=True, help="Forget all of it; what was copied stays.")
@json_option
@command
def project_set_assets(name: str, forget: bool, as_json: bool, **given: Any) -> None:
    """Say where the files of project NAME are, and what of them comes to staging.

    What is not given stays as it is; without options it is shown.
    """
    if forget:
        with unit_of_work() as work:
            assets.forget_setting(work, projects.get_project(work, name), actor=actor())
        out.print(f"Files of {name} are forgotten; what was copied stays.")
        return
    with unit_of_work() as work:
        project = projects.get_project(work, name)
        known = assets.find_setting(work, project)
        before = {k: getattr(known, k) for k in ("source", "target", "rules", "base_urls", "cdn")
                  } if known else {}  # fmt: skip
    values = merged(before, given)
    credentials = _read_credentials() if given["with_credentials"] else {}
    if values or credentials:
        source, target = (str({**before, **values}.get(k) or "") for k in ("source", "target"))
        if source and target:
            check_apart(read_place(source), read_place(target))
        asset_orders.set_assets(name, values, credentials, actor=actor())
    with unit_of_work() as work:
        setting = assets.get_setting(work, projects.get_project(work, name))
        shown: dict[str, Any] = {
            "source": setting.source, "target": setting.target, "rules": setting.rules,
            "base_urls": setting.base_urls, "cdn": setting.cdn,
            "credentials": sorted(assets.credentials_of(setting)),
        }  # fmt: skip
    if as_json:
        say_json(shown)
        return
    out.print(f"Files of {name}: {shown['source']} → {shown['target']}", markup=False)
    for title in ("rules", "base_urls", "cdn"):
        for key, value in shown[title].items():
            out.print(f"  {key}: {value}", markup=False)
    kept = ", ".join(shown["credentials"]) or "none: the machine's own are used"
    out.print(f"  credentials kept for: {kept}")
    out.print(f"  See what would come: greenroom assets plan {name}")


def merged(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Give the values that change, checked. Pure.

    Errors: InvalidInput.
    """
    values: dict[str, Any] = {}
    for name in ("source", "target"):
        if given.get(name):
            read_place(given[name])
            values[name] = given[name]
    rules = dict(before.get("rules") or {})
    for name in ("include", "exclude"):
        if given.get(name):
            rules[name] = [] if given[name] == ("",) else list(given[name])
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
            urls[name] = _checked(name, given[option])
    if urls != (before.get("base_urls") or {}):
        values["base_urls"] = {k: v for k, v in urls.items() if v}
    if given.get("cdn") or given.get("cdn_options"):
        values["cdn"] = _cdn(dict(before.get("cdn") or {}), given)
    return values


def _checked(name: str, value: str) -> str:
    if name == "variable":
        if value and (not value.isidentifier() or not value.isascii()):
            raise InvalidInput(f"{value!r} cannot name a variable")
        return value
    if value and not value.startswith(("http://", "https://", "//", "/")):
        raise InvalidInput(f"{value!r} is no address", hint="https://cdn.example.org/uploads")
    return value.rstrip("/")


def _cdn(options: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if given.get("cdn") == "none":
        return {}
    if given.get("cdn"):
        options["vendor"] = given["cdn"]
    for text in given.get("cdn_options") or ():
        name, _, value = text.partition("=")
        options[name] = value == "true" if value in ("true", "false") else value
    return check_cdn(options)


def _read_credentials() -> dict[str, dict[str, str]]:
    try:
        data = json.loads(sys.stdin.read())
        made = {side: {str(k): str(v) for k, v in values.items()} for side, values in data.items()}
    except (ValueError, AttributeError) as error:
        raise InvalidInput(
            "standard input holds no credentials",
            hint='{"source": {"key_id": "…", "secret": "…"}, "cdn": {"token": "…"}}',
        ) from error
    wrong = set(made) - set(SIDES) | {k for v in made.values() for k in v} - _KNOWN
    if wrong:
        raise InvalidInput(f"credentials have no {min(wrong)!r}", hint=", ".join(_KNOWN))
    return made
