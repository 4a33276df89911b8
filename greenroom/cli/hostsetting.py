"""``project set-host``."""

from __future__ import annotations

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, out, read_secret
from greenroom.errors import InvalidInput
from greenroom.hosting.elsewhere import HOSTS, forget_site, name_site


@click.command("set-host")
@click.argument("name")
@click.argument("kind", type=click.Choice(sorted(HOSTS)), metavar="HOST")
@click.argument("site", default="")
@click.option("--team", default="", help="Whose the site is, where it is not the token's own.")
@click.option("--api-url", default="", help="Another address of the host's API.")
@click.option("--forget", is_flag=True, help="Nothing is shown there any more.")
@command
def project_set_host(
    name: str, kind: str, site: str, team: str, api_url: str, forget: bool
) -> None:  # fmt: skip
    """Name the SITE at HOST (netlify, vercel) that shows project NAME with such a runtime.

    The token is asked for, or read from standard input; it is tried, and kept encrypted.
    """
    if forget:
        forget_site(name, kind, actor=actor())
        out.print(f"Nothing of {name} is shown at {kind} any more.", markup=False)
        return
    if not site:
        raise InvalidInput("which site?", hint=f"greenroom project set-host {name} {kind} <site>")
    token = read_secret("Token").strip()
    address = name_site(name, kind, site, token, team=team, api_url=api_url, actor=actor())
    shown = f" ({address})" if address else ""
    out.print(f"{name} has the site {site}{shown} at {kind}.", markup=False)
    out.print(f"  In greenroom.yaml  runtime: {kind}", markup=False)
