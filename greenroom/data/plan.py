"""From decisions to a plan: what is copied of each table, and by which function it is masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from greenroom.data import hints
from greenroom.data.arrays import elementwise
from greenroom.data.compiled import Kernels, kernels_of_nobody
from greenroom.data.copy import TablePlan
from greenroom.data.identities import KINDS
from greenroom.data.ops import Op, op_of
from greenroom.data.policy import (
    DOCUMENT_METHODS,
    READING_METHODS,
    STRICT_METHODS,
    Policy,
    TablePolicy,
    check_decided,
)
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.rows import Kernel
from greenroom.data.schema import Column, Schema, Table
from greenroom.data.subset import plan_subset
from greenroom.data.sync import SyncPlan
from greenroom.errors import InvalidInput, InvalidPolicy

if TYPE_CHECKING:  # Presidio takes seconds to import
    from greenroom.data.text import TextMasker

PROVED = frozenset(KINDS) | {"ip", "mac", "token", "url", "uuid"}
"""Methods whose originals tell who somebody is: they must be nowhere. A city, a day or a single
given name stands in many texts by chance."""
RANDOM = frozenset({"mac", "token", "uuid"})
SUGGESTED_TRUNCATES = (
    "cache", "delayed_jobs", "django_session", "failed_jobs", "job", "jobs", "notifications",
    "oauth_access_tokens", "outbox", "password_resets", "personal_access_tokens", "queue",
    "session", "sessions", "sidekiq_jobs", "tokens", "webhook_deliveries", "webhooks",
)  # fmt: skip
"""Names of tables whose rows would act on the world, or let somebody in."""


def make_plan(
    policy: Policy,
    schema: Schema,
    pseudonyms: Pseudonyms,
    masker: TextMasker | Untried | None = None,
    kernels: Kernels | None = None,
) -> SyncPlan:  # fmt: skip
    """Make the plan of a sync. Pure. Without a ``masker`` no column can be masked as text.

    Without ``kernels``, which must be those of the same key, plain functions do everything.

    Errors: Undecided, InvalidPolicy (a method that a column cannot take).
    """
    check_decided(policy, schema)
    by_key = {table.key: table for table in schema.tables}
    copied, empty, joined = [], [], _as_joined(schema)
    subset = plan_subset(policy, schema)
    for table in schema.tables:
        decided = policy.tables.get(table.key) or policy.tables.get(table.policy_key)
        decided = decided or TablePolicy()  # all its columns are generated, or it has none
        if decided.rows != "all":
            empty.append(table)
            continue
        masked = _masked(policy, table, pseudonyms, masker, joined)
        copied.append(
            TablePlan(
                table,
                tuple((name, kernel) for name, kernel, _ in masked),
                subset.conditions.get(table.key, ""),
                _by_method(policy, table, PROVED),
                _by_method(policy, table, RANDOM),
                () if kernels is None else tuple(op for _, _, op in masked),
            )
        )
    _check_keys(policy, by_key)
    return SyncPlan(
        tuple(copied), tuple(empty), (), tuple(by_key[k].sql if k in by_key else k
        for k in policy.truncate), policy.statements, subset.detached,
        kernels or kernels_of_nobody(),
    )  # fmt: skip


class Untried:
    """Stands for a masker where a plan is only tried: Presidio takes seconds to load."""

    @property
    def strict(self) -> Untried:
        """Give itself."""
        return self

    def text_kernel(self, column: str) -> Kernel:
        """Give a function that is never called."""
        return str

    def json_kernel(self, column: str) -> Kernel:
        """Give a function that is never called."""
        return str


def try_plan(policy: Policy, schema: Schema) -> None:
    """Make a plan without key, people and production: whether every method fits. Pure.

    Errors: Undecided, InvalidPolicy.
    """
    make_plan(policy, schema, Pseudonyms(bytes(32)), Untried())


def _as_joined(schema: Schema) -> dict[tuple[str, str], Column]:
    """Give the columns that foreign keys join as if they were one: the same fakes fit in all."""
    found = {}
    for group in joined_groups(schema):
        lengths = [c.max_length for _, c in group if c.max_length is not None]
        for table, column in group:
            found[table.key, column.name] = replace(
                column, is_unique=any(c.is_unique for _, c in group),
                max_length=min(lengths, default=None),
            )  # fmt: skip
    return found


def _masked(
    policy: Policy, table: Table, pseudonyms: Pseudonyms, masker: TextMasker | Untried | None,
    joined: Mapping[tuple[str, str], Column],
) -> tuple[tuple[str, Kernel, Op | None], ...]:  # fmt: skip
    masked: list[tuple[str, Kernel, Op | None]] = []
    for column in table.columns:
        decision = policy.decision(table, column)
        if column.is_generated or decision is None or decision.method == "keep":
            continue
        if decision.method in READING_METHODS:
            kernel = _of_text(decision.method, table, column, masker)
            masked.append((column.name, kernel, op_of(decision.method, column, {}, kernel)))
            continue
        if not hints.takes(column, decision.method):
            raise InvalidPolicy(
                f"{table.policy_key}.{column.name} is {column.type}: {decision.method} makes words",
                hint="Give it a method that makes values of its type, or null.",
            )
        try:
            same = joined.get((table.key, column.name), column)
            kernel = pseudonyms.for_column(decision.method, same, dict(decision.options))
        except InvalidInput as error:
            raise InvalidPolicy(
                f"{table.policy_key}.{column.name}: {error.message}", hint=error.hint
            ) from error
        options = dict(decision.options)
        masked.append((column.name, kernel, op_of(decision.method, same, options, kernel)))
    return tuple(masked)


def _by_method(policy: Policy, table: Table, methods: frozenset[str]) -> frozenset[str]:
    decisions = {column.name: policy.decision(table, column) for column in table.columns}
    return frozenset(name for name, d in decisions.items() if d is not None and d.method in methods)


def _of_text(
    method: str, table: Table, column: Column, masker: TextMasker | Untried | None
) -> Kernel:
    is_document = column.base_type in ("json", "jsonb")
    if masker is None or is_document != (method in DOCUMENT_METHODS):
        raise InvalidPolicy(
            f"{table.policy_key}.{column.name} is {column.type}: {method} does not fit",
            hint="json and json_strict are for documents, text and text_strict for all else.",
        )
    if method in STRICT_METHODS:
        masker = masker.strict
    if is_document:
        return masker.json_kernel(column.name)
    kernel = masker.text_kernel(column.name)
    return elementwise(kernel) if column.base_type.startswith("_") else kernel


def identity_columns(policy: Policy, schema: Schema) -> list[tuple[Table, Column, str]]:
    """List the columns whose originals are looked for in texts, with their methods."""
    found = []
    for table in schema.tables:
        for column in table.columns:
            decision = policy.decision(table, column)
            if decision is not None and decision.method in KINDS:
                found.append((table, column, decision.method))
    return found


def joined_groups(schema: Schema) -> list[list[tuple[Table, Column]]]:
    """Group the columns that foreign keys join, one with another, however far. Pure."""
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def find(place: tuple[str, str]) -> tuple[str, str]:
        while leader.setdefault(place, place) != place:
            place = leader[place]
        return place

    for table in schema.tables:
        for key in table.foreign_keys:
            for name, other in zip(key.columns, key.target_columns, strict=True):
                leader[find((table.key, name))] = find((key.target, other))
    groups: dict[tuple[str, str], list[tuple[Table, Column]]] = {}
    for table in schema.tables:
        for column in table.columns:
            place = (table.key, column.name)
            if place in leader:
                groups.setdefault(find(place), []).append((table, column))
    return [group for group in groups.values() if len(group) > 1]


def _check_keys(policy: Policy, tables: Mapping[str, Table]) -> None:
    """Refuse decisions that would part what a foreign key joins: both ends become the same.

    Errors: InvalidPolicy.
    """
    for table in tables.values():
        for key in table.foreign_keys:
            target = tables.get(key.target)
            if target is None:
                continue
            for name, other in zip(key.columns, key.target_columns, strict=True):
                here = policy.decision(table, table.column(name))
                there = policy.decision(target, target.column(other))
                if here is None or there is None or here.method == "null":
                    continue
                if (here.method, dict(here.options)) != (there.method, dict(there.options)):
                    raise InvalidPolicy(
                        f"{table.policy_key}.{name} is {here.method}, but {target.policy_key}."
                        f"{other}, which it refers to, is {there.method}",
                        hint="Give both the same method, or nothing joins any more.",
                    )


def suggest_truncates(schema: Schema) -> list[str]:
    """List tables that should be empty in staging, by their names."""
    return [table.key for table in schema.tables if table.name in SUGGESTED_TRUNCATES]
