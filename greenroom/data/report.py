"""The report of a sync: what was masked how, what was kept and why, and the proof. Signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from greenroom import __version__
from greenroom.data.policy import METHODS, READING_METHODS, Policy
from greenroom.data.proof import Proof
from greenroom.data.quasi import SMALL_GROUP, Groups
from greenroom.data.schema import Schema, Table

ENCODINGS = ("plain", "JSON escapes", "URL escapes", "HTML entities", "base64", "hexadecimal",
             "digits without layout")  # fmt: skip
"""How an original is looked for in every text, document and binary column."""

PSEUDONYMIZED = (
    "The data is pseudonymized in the sense of the GDPR, Article 4(5), not anonymous: whoever has"
    " the key can make the same fakes again. The key lies encrypted in Greenroom's store, never"
    " beside the data; a new one (`greenroom data rotate-key`) parts the copies of before from"
    " those to come."
)
LINKABLE = "Linking: the same person has the same fakes in every table and sync with this key."


@dataclass(frozen=True)
class Facts:
    """What a report is made of."""

    project: str
    sync: int
    environment: str | None
    requested_by: str
    policy: Policy
    policy_number: int
    approved_by: str
    approved_at: str
    schema: Schema
    snapshot_at: str
    completed_at: str
    key_id: str
    proof: Proof
    rows: Mapping[str, int]
    distinct: Mapping[str, int]
    groups: Sequence[Groups] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    tables: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tiers: Sequence[str] = ()
    leave_out: Mapping[str, Any] | None = None
    sample: Mapping[str, Any] | None = None


def make_report(facts: Facts) -> dict[str, Any]:
    """Make the report as plain data. Pure; it holds no value of production."""
    report = {
        "version": 1,
        "made_by": f"Greenroom {__version__}",
        "project": facts.project, "sync": facts.sync, "environment": facts.environment,
        "requested_by": facts.requested_by, "only_tables": list(facts.tables),
        "production_as_of": facts.snapshot_at, "completed_at": facts.completed_at,
        "seconds": dict(facts.seconds),
        "policy": {
            "number": facts.policy_number, "fingerprint": facts.policy.fingerprint(),
            "approved_by": facts.approved_by, "approved_at": facts.approved_at,
        },
        "key_id": facts.key_id,
        "schema_fingerprint": schema_fingerprint(facts.schema),
        "tables": [_table(facts, table) for table in facts.schema.tables],
        "hooks": {"truncate": list(facts.policy.truncate), "sql": len(facts.policy.statements)},
        "proof": {
            "patterns": facts.proof.needles, "scanned_octets": facts.proof.scanned_octets,
            "encodings": list(ENCODINGS), "originals_found": len(facts.proof.leaks),
            "canaries_found": facts.proof.canaries,
            "too_short_to_prove": dict(facts.proof.weak),
            "numbers_by_chance": dict(facts.proof.coincidences),
            "sample": dict(facts.sample) if facts.sample else None,
        },
        "free_text": {
            "tiers": list(facts.tiers),
            "leave_out": dict(facts.leave_out) if facts.leave_out else None,
        },
        "groups": [asdict(group) for group in facts.groups],
        "warnings": list(facts.warnings),
    }  # fmt: skip
    report["risks"] = risks(report)
    return report


def schema_fingerprint(schema: Schema) -> str:
    """Give a digest of a schema's tables, columns and types."""
    parts = [[t.key, [[c.name, c.type] for c in t.columns]] for t in schema.tables]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _table(facts: Facts, table: Table) -> dict[str, Any]:
    known = facts.policy.tables.get(table.key) or facts.policy.tables.get(table.policy_key)
    columns = []
    for column in table.columns:
        decision = facts.policy.decision(table, column)
        name = f"{table.key}.{column.name}"
        row: dict[str, Any] = {"column": column.name, "type": column.type}
        if column.is_generated:
            row |= {"method": "generated", "why": "computed by the database from the others"}
        elif decision is not None:
            row |= {
                "method": decision.method, "meaning": METHODS[decision.method],
                "options": dict(decision.options), "why": decision.why, "by": decision.by,
                "confidence": decision.confidence,
            }  # fmt: skip
        if name in facts.proof.originals:
            row["distinct_in_production"] = facts.proof.originals[name]
            row["distinct_in_staging"] = facts.distinct.get(name)
        columns.append(row)
    return {
        "table": table.key, "rows": facts.rows.get(table.key, 0), "size_bytes": table.size_bytes,
        "rows_wanted": known.rows if known else "none", "where": known.where if known else "",
        "columns": columns,
    }  # fmt: skip


def risks(report: Mapping[str, Any]) -> list[str]:
    """Say in words what remains. Pure.

    Source of the three tests: Article 29 Working Party, Opinion 05/2014 on anonymisation (WP216).
    """
    said = [PSEUDONYMIZED, LINKABLE]
    small = [g for g in report["groups"] if g["in_small_groups"]]
    said += [
        f"Singling out: {group['in_small_groups']:,} of {group['rows']:,} rows of"
        f" {group['table']} share {', '.join(group['columns'])} with fewer than {SMALL_GROUP};"
        f" the smallest group has {group['k']}."
        for group in small
    ]
    if report["groups"] and not small:
        said.append(f"Singling out: every group of kept values has {SMALL_GROUP} rows or more.")
    scanned = [
        f"{t['table']}.{c['column']}"
        for t in report["tables"] for c in t["columns"]
        if c.get("method") in READING_METHODS and t["rows_wanted"] == "all"
    ]  # fmt: skip
    if scanned:
        more = f" and {len(scanned) - 6} more" if len(scanned) > 6 else ""
        said.append(
            f"Free text ({', '.join(scanned[:6])}{more}): everybody whom the database knows is"
            " replaced and proved to be gone; a stranger who is only named in a text is found by"
            " pattern and by model, which miss some."
        )
    sample = report["proof"]["sample"]
    if sample and sample["places"]:
        said.append(f"Kept columns: {sample['words']}. Look at these columns again.")
    kept = sum(
        c.get("method") == "keep" and t["rows_wanted"] == "all"
        for t in report["tables"] for c in t["columns"]
    )  # fmt: skip
    said.append(
        f"Inference: {kept} columns are kept as they are (amounts, times, statuses, keys): somebody"
        " who knows one of production's rows by these may find it here."
    )
    weak = sum(report["proof"]["too_short_to_prove"].values())
    if weak:
        said.append(
            f"{weak:,} originals are too short to be searched for: they stand in other texts by"
            " chance. They are masked in their own columns all the same."
        )
    chance = report["proof"]["numbers_by_chance"]
    if chance:
        said.append(
            f"Short numbers: in {', '.join(sorted(chance)[:6])} {sum(chance.values()):,} values are"
            " the same as somebody's number of eight or nine digits, no more than chance gives."
        )
    return said


# --- the signature --------------------------------------------------------------------------------


def canonical(report: Mapping[str, Any]) -> bytes:
    """Give the octets that are signed: JSON, keys sorted, no space between, UTF-8."""
    return json.dumps(
        report, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    ).encode()


def sign(report: Mapping[str, Any], secret_key: str) -> dict[str, str]:
    """Sign a report with a key that belongs to this platform's secret key.

    Source: RFC 8032 (Ed25519).
    """
    seed = hmac.digest(base64.urlsafe_b64decode(secret_key), b"greenroom report", "sha256")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return {
        "algorithm": "Ed25519",
        "public_key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(private.sign(canonical(report))).decode(),
    }


def is_signed(report: Mapping[str, Any], signature: Mapping[str, str]) -> bool:
    """Whether a signature is a report's own. Whose key it is must be compared besides."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["public_key"]))
        public.verify(base64.b64decode(signature["signature"]), canonical(report))
    except (InvalidSignature, KeyError, ValueError):
        return False
    return True
