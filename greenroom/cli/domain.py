"""``domain``: environments under the customer's own names."""

from __future__ import annotations

import click

from greenroom import domains
from greenroom.cli.main import actor
from greenroom.cli.output import ago, command, json_option, out, say_json, say_table


@click.group()
def domain() -> None:
    """Own domains: an environment answers to the customer's own name."""


@domain.command("add")
@click.argument("environment")
@click.argument("host")
@json_option
@command
def domain_add(environment: str, host: str, as_json: bool) -> None:
    """Let ENVIRONMENT answer to HOST, once its owner has made a DNS record."""
    made = domains.add_domain(environment, host, actor=actor())
    if as_json:
        say_json(made.__dict__)
        return
    out.print(f"{made.host} is noted. Its owner makes two DNS records:", markup=False)
    out.print(f"  {made.record}  TXT  {made.value}", markup=False)
    out.print(f"  {made.host}  CNAME (or A)  this machine", markup=False)
    out.print(f"Then: greenroom domain verify {environment} {made.host}", markup=False)


@domain.command("verify")
@click.argument("environment")
@click.argument("host")
@command
def domain_verify(environment: str, host: str) -> None:
    """Look for the record of HOST; from then on ENVIRONMENT answers to it."""
    found = domains.verify_domain(environment, host, actor=actor())
    out.print(f"{found.host} leads to {environment}.", markup=False)


@domain.command("list")
@click.argument("environment")
@json_option
@command
def domain_list(environment: str, as_json: bool) -> None:
    """List the domains of ENVIRONMENT."""
    rows = domains.list_domains(environment)
    if as_json:
        say_json([row.__dict__ for row in rows])
        return
    say_table(
        ["domain", "verified", "TXT record", "says"],
        [
            (r.host, ago(r.verified_at) if r.verified_at else "not yet", r.record, r.value)
            for r in rows
        ],
        f"None. Add one: greenroom domain add {environment} <host>",
    )


@domain.command("remove")
@click.argument("environment")
@click.argument("host")
@command
def domain_remove(environment: str, host: str) -> None:
    """Let ENVIRONMENT answer to HOST no more."""
    domains.remove_domain(environment, host, actor=actor())
    out.print(f"{host} leads nowhere now.", markup=False)
