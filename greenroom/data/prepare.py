"""What a sync needs to know before its first row: from policy, key and snapshot to a plan."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from greenroom.data.compiled import Kernels
from greenroom.data.compiling import goes_plainly, is_loaded
from greenroom.data.identities import Identities
from greenroom.data.introspect import read_schema
from greenroom.data.models import active_models
from greenroom.data.plan import identity_columns, make_plan
from greenroom.data.policy import READING_METHODS, Policy, TablePolicy, load_policy
from greenroom.data.proof import distinct_values, value_blocks
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Schema, Table
from greenroom.data.source import Connection
from greenroom.data.sync import SyncPlan, load_kernels
from greenroom.data.text import TextMasker
from greenroom.errors import InvalidInput
from greenroom.settings import Settings

TIERS = (
    "patterns: e-mail addresses, phone numbers, cards, IBANs and the like, by Presidio",
    "the database's own people: whoever stands in a masked column is found in every text",
    "lists of names and forms of street addresses: strangers by full name, title or greeting",
)


@dataclass(frozen=True)
class Prepared:
    """Everything that was decided for one sync."""

    schema: Schema
    policy: Policy
    plan: SyncPlan
    key_id: str
    masker: TextMasker | None
    """None where no column is read as text."""
    people: Identities
    """Whom the database knows."""

    @property
    def tiers(self) -> tuple[str, ...]:
        """Say in words by what people are found in texts."""
        if self.masker is None:
            return ()
        return (*TIERS, *((self.masker.models.words,) if self.masker.models else ()))


def prepare(
    connection: Connection, policy_text: str, key: str, tables: Sequence[str] = (),
    settings: Settings | None = None,
) -> Prepared:  # fmt: skip
    """Decide everything about a sync, in a session that sees its snapshot.

    ``key`` is 32 octets of URL-safe base64. With ``tables``, only their rows come along, and those
    of the tables that they refer to. With ``settings``, the kernels are loaded first: they collect
    a database's people in a tenth of the time and memory.

    Errors: Undecided, InvalidPolicy, InvalidInput (no such table).
    """
    schema = read_schema(connection)
    policy = load_policy(policy_text)
    if tables:
        policy = narrow(policy, schema, tables)
    if settings is not None:
        load_kernels(settings, (t for t in schema.tables if _comes_along(policy, t)))
    people = _harvest(connection, policy, schema)
    pseudonyms = Pseudonyms(base64.urlsafe_b64decode(key), is_original=people.knows)
    masker = TextMasker(pseudonyms, people, active_models()) if reads_text(policy, schema) else None
    kernels = Kernels(pseudonyms, people, masker)
    if masker is not None:
        masker.make_fakes_by(kernels.fakes)
    plan = make_plan(policy, schema, pseudonyms, masker, kernels)
    return Prepared(schema, policy, plan, pseudonyms.key_id, masker, people)


def reads_text(policy: Policy, schema: Schema) -> bool:
    """Whether any column is read for people in it. Pure."""
    decisions = (policy.decision(table, c) for table in schema.tables for c in table.columns)
    return any(d is not None and d.method in READING_METHODS for d in decisions)


def _harvest(connection: Connection, policy: Policy, schema: Schema) -> Identities:
    """Collect the originals of identity columns of every table: those left out count, too."""
    columns = identity_columns(policy, schema)
    if not is_loaded() or goes_plainly():
        people = Identities()
        for table, column, method in columns:
            people.harvest(method, distinct_values(connection, table, column.name))
        return people
    from greenroom.data.index import IdentityIndex

    index = IdentityIndex()
    for table, column, method in columns:
        index.harvest_blocks(method, value_blocks(connection, table, column.name))
    return index


def _comes_along(policy: Policy, table: Table) -> bool:
    decided = policy.tables.get(table.key) or policy.tables.get(table.policy_key)
    return decided is None or decided.rows == "all"


def narrow(policy: Policy, schema: Schema, tables: Sequence[str]) -> Policy:
    """Leave every table empty but some, and those that these refer to. Pure.

    Errors: InvalidInput for a table that is not there.
    """
    wanted = _closure(schema, {_find(schema, name) for name in tables})
    kept = {}
    for table in schema.tables:
        known = policy.tables.get(table.key) or policy.tables.get(table.policy_key)
        if known is None:
            continue
        if table.key in wanted or table.policy_key in wanted:
            kept[table.key] = known
        else:
            kept[table.key] = replace(known, rows="none")
    missing = {
        table.key: TablePolicy(rows="none")
        for table in schema.tables
        if table.key not in kept and table.key not in wanted
    }
    return replace(policy, tables={**kept, **missing})


def _find(schema: Schema, name: str) -> str:
    for table in schema.tables:
        if name in (table.key, table.policy_key, table.name):
            return table.policy_key
    known = [table.policy_key for table in schema.tables]
    near = difflib.get_close_matches(name, [*known, *(t.name for t in schema.tables)], n=1)
    raise InvalidInput(
        f"production has no table {name!r}",
        hint=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known[:20])}.",
    )


def _closure(schema: Schema, wanted: Collection[str]) -> set[str]:
    """Add the tables that others refer to, and theirs."""
    found, pending = set(wanted), list(wanted)
    while pending:
        name = pending.pop()
        for table in schema.tables:
            if name not in (table.key, table.policy_key):
                continue
            for key in table.foreign_keys:
                target = schema.by_key.get(key.target)
                other = target.policy_key if target else key.target
                if other and other not in found:
                    found.add(other)
                    pending.append(other)
    return found
