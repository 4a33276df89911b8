"""``project set-assets``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from greenroom import asset_orders, asset_setting
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json
from greenroom.errors import InvalidInput


@click.command("set-assets")
@click.argument("name")
@click.option("--from", "source", help="Production's files: s3://bucket/prefix, or a folder.")
@click.option("--to", "target", help="Staging's place: another bucket, or a folder.")
@click.option("--include", multiple=True, help="Only keys like this: uploads/**")
@click.option("--exclude", multiple=True, help="No keys like this: **/*.tmp")
@click.option("--delete/--keep", "deletes", default=None, help="Delete what production dropped.")
@click.option("--acl", type=click.Choice(asset_setting.ACLS))
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
@click.option("--forget", is_flag=True, help="Forget all of it.")
@json_option
@command
def project_set_assets(name: str, forget: bool, as_json: bool, **given: Any) -> None:
    """Say where the files of project NAME are, and what of them comes to staging.

    What is not given stays as it is; without options it is shown.
    """
    if forget:
        asset_setting.forget_assets(name, actor=actor())
        out.print(f"Files of {name} are forgotten. A place of ours is cleared in a week.")
        return
    credentials = _read_credentials() if given["with_credentials"] else {}
    changes = {key: None if value == () else value for key, value in given.items()}
    shown = asset_setting.change_assets(name, changes, credentials, actor=actor())
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


def _read_credentials() -> dict[str, dict[str, str]]:
    try:
        data = json.loads(sys.stdin.read())
        made = {side: {str(k): str(v) for k, v in values.items()} for side, values in data.items()}
    except (ValueError, AttributeError) as error:
        raise InvalidInput(
            "standard input holds no credentials",
            hint='{"source": {"key_id": "…", "secret": "…"}, "cdn": {"token": "…"}}',
        ) from error
    return made
