"""The policy: what becomes of every column of production. Decided by people, kept in a file.

Default-deny: a column that it does not name stops the sync. Nothing is kept or masked unasked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from greenroom.data.options import check_options
from greenroom.data.schema import Column, Schema, Table
from greenroom.errors import InvalidInput, InvalidPolicy, Undecided
from greenroom.yamlfile import compose

FILE_NAME = "anonymization.yaml"
MAX_BYTES = 8 * 1024 * 1024
METHODS: dict[str, str] = {
    "keep": "copied as it is",
    "null": "NULL in every row",
    "empty": "an empty value in every row",
    "constant": "the same value in every row (option: value)",
    "first_name": "somebody else's given name",
    "last_name": "somebody else's family name",
    "full_name": "somebody else's name",
    "username": "a name to log in with",
    "email": "an address that nobody reads",
    "phone": "a number of the same country and layout",
    "street": "a street and house number",
    "city": "a place that is not there",
    "postcode": "another code of the same layout (options: keep, generalise)",
    "country_subdivision": "a place that is not there",
    "company": "an invented company",
    "card": "a card number that passes its check and no bank issues",
    "iban": "an IBAN that passes its check",
    "national_id": "another number of the same layout",
    "ip": "an address of the ranges for documentation",
    "mac": "a hardware address made up locally",
    "url": "an address at example.com",
    "uuid": "another UUID, the same everywhere",
    "token": "an opaque secret of the same layout",
    "digits": "other digits where digits are",
    "date": "moved by the same days everywhere: intervals stay",
    "birth_date": "another day of the same five years",
    "year": "the first of January of the same year",
    "number": "a share more or less (option: percent)",
    "coordinates": "rounded (option: decimals)",
    "text": "people found in it become their fakes; the rest stays",
    "text_strict": "people, places, companies, days, ages, nations and titles become others",
    "json": "people in every text of a document become their fakes",
    "json_strict": "so do all of those in every text of a document",
    "binary": "NULL, or nothing where NULL is not allowed",
}
"""Every method, in words for the file's head, the command line and the console."""
TEXT_METHODS = frozenset({"text", "text_strict"})
DOCUMENT_METHODS = frozenset({"json", "json_strict"})
READING_METHODS = TEXT_METHODS | DOCUMENT_METHODS
"""Methods that read values for people."""
STRICT_METHODS = frozenset({"text_strict", "json_strict"})
ROWS = ("all", "none", "schema only")
_PLAIN = re.compile(r"[a-z][a-z0-9_]*")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Bare words that YAML 1.1 takes for something else."""
_COLUMN_KEYS = ("method", "why", "by", "confidence", "options")
_TABLE_KEYS = ("rows", "where", "sample", "columns")
_HOOK_KEYS = ("truncate", "sql")
_TOP_KEYS = ("version", "tables", "hooks")


@dataclass(frozen=True)
class Decision:
    """What becomes of one column, and why.

    Errors: InvalidInput for options that the method does not take.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    by: str = ""
    """Who decided: a person, or ``discovered``."""
    confidence: float | None = None

    def __post_init__(self) -> None:
        check_options(self.method, self.options)


@dataclass(frozen=True)
class TablePolicy:
    """What of a table comes along."""

    rows: str = "all"
    """``all``, ``none`` (the table stays empty), ``schema only`` (the same, said on purpose)."""
    where: str = ""
    """An SQL condition on its rows."""
    columns: Mapping[str, Decision] = field(default_factory=dict)
    sample: float | None = None
    """Percent of its rows that come along, with what refers to them; None for all."""


@dataclass(frozen=True)
class Policy:
    """All decisions of a project."""

    tables: Mapping[str, TablePolicy] = field(default_factory=dict)
    """By ``schema.table``; a partitioned table decides for its partitions."""
    truncate: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    version: int = 1

    def decision(self, table: Table, column: Column) -> Decision | None:
        """Give what was decided about a column."""
        found = self.tables.get(table.key) or self.tables.get(table.policy_key)
        return found.columns.get(column.name) if found else None

    def fingerprint(self) -> str:
        """Give a digest of what it means: comments and reasons do not count."""
        meaning = {
            "tables": {
                key: {
                    "rows": table.rows, "where": table.where, "sample": table.sample,
                    "columns": {n: [d.method, dict(d.options)] for n, d in table.columns.items()},
                }
                for key, table in self.tables.items()
            },
            "truncate": self.truncate, "statements": self.statements,
        }  # fmt: skip
        text = json.dumps(meaning, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def undecided(policy: Policy, schema: Schema) -> list[tuple[Table, Column]]:
    """List the columns that nobody decided about; a table whose rows stay away needs nothing."""
    missing = []
    for table in schema.tables:
        known = policy.tables.get(table.key) or policy.tables.get(table.policy_key)
        if known is not None and known.rows != "all":
            continue
        missing += [
            (table, column)
            for column in table.columns
            if not column.is_generated and (known is None or column.name not in known.columns)
        ]
    return missing


def check_decided(policy: Policy, schema: Schema) -> None:
    """Refuse a policy that leaves a column of production open, or names one that is not there.

    Errors: Undecided, InvalidPolicy.
    """
    missing = undecided(policy, schema)
    if missing:
        names = [f"{table.policy_key}.{column.name}" for table, column in missing]
        names = list(dict.fromkeys(names))
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        raise Undecided(
            f"nobody has decided about {', '.join(names[:10])}{more}",
            hint="`greenroom data discover` proposes what to do with them.",
        )
    known = {key: table for table in schema.tables for key in (table.key, table.policy_key)}
    for key, decided in policy.tables.items():
        table = known.get(key)
        if table is None:
            if decided.columns:
                raise InvalidPolicy(f"production has no table {key}", hint="Delete its entry.")
            continue
        columns = {column.name for column in table.columns}
        for name in decided.columns:
            if name not in columns:
                raise InvalidPolicy(
                    f"{key} has no column {name!r}", hint="Renamed? Decide about the new name."
                )


def with_decision(policy: Policy, place: str, decision: Decision) -> Policy:
    """Give a policy that decides otherwise about one ``schema.table.column``.

    Errors: InvalidInput when the policy has no such table.
    """
    for key in sorted(policy.tables, key=len, reverse=True):
        short = key.removeprefix("public.")
        for name in (key, short):
            if place.startswith(f"{name}.") and len(place) > len(name) + 1:
                table, column = policy.tables[key], place[len(name) + 1 :]
                columns = {**table.columns, column: decision}
                return replace(
                    policy, tables={**policy.tables, key: replace(table, columns=columns)}
                )
    raise InvalidInput(
        f"the policy has no table for {place!r}", hint="Write it as schema.table.column."
    )


# --- the file -----------------------------------------------------------------------------------


def load_policy(text: str | bytes) -> Policy:
    """Read a policy's file.

    Errors: InvalidPolicy, with the line and what is allowed.
    """
    root = compose(text, MAX_BYTES, InvalidPolicy)
    if root is None:
        raise InvalidPolicy("the file is empty", hint="`greenroom data discover` writes one.")
    top = _mapping(root, "the file", _TOP_KEYS)
    version = _scalar(top["version"], "version") if "version" in top else None
    if version != 1:
        raise _refuse("version must be 1", root, "Write `version: 1`.")
    tables = {}
    if "tables" in top:
        for key, node in _entries(top["tables"], "tables"):
            tables[key] = _table(node, key)
    hooks = _mapping(top["hooks"], "hooks", _HOOK_KEYS) if "hooks" in top else {}
    return Policy(
        tables,
        _texts(hooks["truncate"], "hooks.truncate") if "truncate" in hooks else (),
        _texts(hooks["sql"], "hooks.sql") if "sql" in hooks else (),
    )


def _table(node: yaml.Node, key: str) -> TablePolicy:
    parts = _mapping(node, key, _TABLE_KEYS)
    rows = str(_scalar(parts["rows"], f"{key}.rows")) if "rows" in parts else "all"
    if rows not in ROWS:
        raise _refuse(f"{key}.rows is {rows!r}", parts["rows"], f"Allowed: {', '.join(ROWS)}.")
    where = str(_scalar(parts["where"], f"{key}.where")) if "where" in parts else ""
    sample = _scalar(parts["sample"], f"{key}.sample") if "sample" in parts else None
    is_number = isinstance(sample, int | float) and not isinstance(sample, bool)
    if sample is not None and not (is_number and 0 < sample <= 100):
        raise _refuse(f"{key}.sample must be a percentage", parts["sample"], "Write `sample: 5`.")
    columns = {}
    if "columns" in parts:
        for name, column in _entries(parts["columns"], f"{key}.columns"):
            columns[name] = _decision(column, f"{key}.{name}")
    return TablePolicy(rows, where, columns, sample)


def _decision(node: yaml.Node, where: str) -> Decision:
    if isinstance(node, yaml.ScalarNode):
        return Decision(_method(node, where))
    parts = _mapping(node, where, _COLUMN_KEYS)
    if "method" not in parts:
        raise _refuse(f"{where} has no method", node, _allowed())
    options: dict[str, Any] = {}
    if "options" in parts:
        for name, value in _entries(parts["options"], f"{where}.options"):
            options[name] = _scalar(value, f"{where}.options.{name}")
    confidence = (
        _scalar(parts["confidence"], f"{where}.confidence") if "confidence" in parts else None
    )
    if confidence is not None and not isinstance(confidence, int | float):
        raise _refuse(f"{where}.confidence is no number", parts["confidence"])
    method = _method(parts["method"], where)
    why, by = (str(_scalar(parts[key], where)) if key in parts else "" for key in ("why", "by"))
    try:
        return Decision(method, options, why, by, confidence)
    except InvalidInput as error:
        raise _refuse(f"{where}: {error.message}", parts["options"], error.hint) from error


def _method(node: yaml.Node, where: str) -> str:
    # YAML reads a bare `null` as nothing: here it is the method's name.
    text = node.value if isinstance(node, yaml.ScalarNode) else ""
    if text not in METHODS:
        raise _refuse(f"{where}: there is no method {text[:40]!r}", node, _allowed())
    return str(text)


def _allowed() -> str:
    return f"Allowed: {', '.join(METHODS)}."


def _refuse(message: str, node: yaml.Node, hint: str = "") -> InvalidPolicy:
    return InvalidPolicy(message, line=node.start_mark.line + 1, hint=hint)


def _entries(node: yaml.Node, where: str) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _refuse(f"{where} must be a mapping (name: value)", node)
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in found:
            raise _refuse(f"{where} names {name!r} twice", key)
        found[name] = value
    return list(found.items())


def _mapping(node: yaml.Node, where: str, allowed: tuple[str, ...]) -> dict[str, yaml.Node]:
    found = dict(_entries(node, where))
    for name, value in found.items():
        if name not in allowed:
            raise _refuse(f"{where} has no {name!r}", value, f"Allowed: {', '.join(allowed)}.")
    return found


def _scalar(node: yaml.Node, where: str) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise _refuse(f"{where} must be one value", node)
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (ValueError, yaml.YAMLError) as error:  # a day that is in no calendar
        raise _refuse(f"{where} cannot be read", node, "Put it in quotes.") from error


def _texts(node: yaml.Node, where: str) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _refuse(f"{where} must be a list", node)
    return tuple(str(_scalar(item, where)) for item in node.value)


def dump_policy(policy: Policy) -> str:
    """Write a policy as a file to be reviewed: sorted, each decision with its reason."""
    lines = [
        "# What becomes of every column of production in staging. Read it as a list of promises;",
        "# change any method; a column that is not named stops the sync.",
        "# Methods:",
        *(f"#   {name:<20} {text}" for name, text in METHODS.items()),
        f"version: {policy.version}",
        "tables:" if policy.tables else "tables: {}",
    ]
    for key in sorted(policy.tables):
        table = policy.tables[key]
        if table == TablePolicy():
            lines.append(f"  {_quoted(key)}: {{}}")
            continue
        lines.append(f"  {_quoted(key)}:")
        if table.rows != "all":
            lines.append(f"    rows: {table.rows}")
        if table.where:
            lines.append(f"    where: {_quoted(table.where)}")
        if table.sample is not None:
            lines.append(f"    sample: {table.sample:g}")
        if table.columns:
            lines.append("    columns:")
            lines += [_line(name, table.columns[name]) for name in table.columns]
    if policy.truncate or policy.statements:
        lines.append("hooks:")
        for name, texts in (("truncate", policy.truncate), ("sql", policy.statements)):
            if texts:
                lines += [f"  {name}:", *(f"    - {_quoted(text)}" for text in texts)]
    return "\n".join(lines) + "\n"


def _line(name: str, decision: Decision) -> str:
    parts: dict[str, Any] = {"method": decision.method}
    if decision.options:
        parts["options"] = dict(decision.options)
    if decision.by:
        parts["by"] = decision.by
    if decision.confidence is not None:
        parts["confidence"] = round(decision.confidence, 2)
    if decision.why:
        parts["why"] = decision.why
    if len(parts) == 1:
        return f"      {_quoted(name)}: {_quoted(decision.method)}"
    return f"      {_quoted(name)}: {_flow(parts)}"


def _flow(parts: Mapping[str, Any]) -> str:
    return "{" + ", ".join(
        f"{_quoted(key)}: {_flow(value) if isinstance(value, dict) else _quoted(value)}"
        for key, value in parts.items()
    ) + "}"  # fmt: skip


def _quoted(value: Any) -> str:
    """Write a scalar on one line, as YAML reads it again."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value not in _NOT_TEXT:
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
