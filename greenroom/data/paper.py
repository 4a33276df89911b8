"""The report as a page to read, print and sign: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any


def render(report: Mapping[str, Any], signature: Mapping[str, str] | None) -> str:
    """Give the page. Everything from outside is escaped; it loads and runs nothing."""
    title = f"{report['project']}: data report {report['sync']}"
    style = files("greenroom.data").joinpath("paper.css").read_text()
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        + body(report, signature)
        + "</main></body></html>\n"
    )


def body(report: Mapping[str, Any], signature: Mapping[str, str] | None) -> str:
    """Give what stands on the page, as HTML that needs a style."""
    return "".join(
        [
            _head(report),
            "<h2>What remains</h2><ul>", *(f"<li>{escape(text)}</li>" for text in report["risks"]),
            "</ul>",
            _notes(report["warnings"]),
            _groups(report["groups"]),
            "<h2>Every column</h2>",
            *(_table(table) for table in report["tables"]),
            _signature(signature),
        ]
    )  # fmt: skip


def _head(report: Mapping[str, Any]) -> str:
    proof, policy = report["proof"], report["policy"]
    masked = sum(
        c.get("method") not in ("keep", "generated", None)
        for t in report["tables"] for c in t["columns"] if t["rows_wanted"] == "all"
    )  # fmt: skip
    found = proof["originals_found"]
    verdict = "No original was found" if not found else f"{found} originals were found"
    sample = proof["sample"]
    facts = [
        ("Production as of", _moment(report["production_as_of"])),
        ("Finished", _moment(report["completed_at"])),
        ("Policy", (f"version {policy['number']}, approved by {policy['approved_by']}"
                   f" at {_moment(policy['approved_at'])}")),
        ("Policy's digest", policy["fingerprint"]),
        ("Key", f"{report['key_id']} (its name; the key itself is in no report)"),
        ("Schema's digest", report["schema_fingerprint"]),
        ("Looked for", ", ".join(proof["encodings"])),
        ("Free text", "; ".join(report["free_text"]["tiers"]) or "no column is free text"),
        ("Tables asked for", ", ".join(report["only_tables"]) or "all"),
        ("Hooks", (f"emptied: {', '.join(report['hooks']['truncate']) or 'nothing'};"
                  f" SQL statements: {report['hooks']['sql']}")),
    ]  # fmt: skip
    if proof.get("canaries_found"):  # reports of before had none
        said = "made-up originals were planted in staging, one in each form, and all were found"
        facts.append(("Canaries", f"{proof['canaries_found']} {said}"))
    if sample:
        facts.append(("Sample", sample["words"]))
    leave_out = report["free_text"]["leave_out"]
    if leave_out:
        facts.append(("Recall, estimated", leave_out["words"]))
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts
    )
    where = f" for {escape(report['environment'])}" if report["environment"] else ""
    total = sum(table["rows"] for table in report["tables"])
    return (
        f"<p class=mark>Greenroom data report</p><h1>{escape(report['project'])}, sync"
        f" {report['sync']}{where}</h1>"
        f'<p class="verdict {"good" if not found else "bad"}">{verdict}: '
        f"{proof['patterns']:,} patterns of production's originals were looked for in"
        f" {octets(proof['scanned_octets'])} of staging.</p>"
        f"<p>{total:,} rows in {len(report['tables'])} tables; {masked} columns masked.</p>"
        f"<table class=facts>{rows}</table>"
    )


def _notes(warnings: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in warnings)
    return f"<h2>Notes</h2><ul>{items}</ul>" if items else ""


def _groups(groups: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(g['table'])}</td><td>{escape(', '.join(g['columns']))}</td>"
        f"<td class=n>{g['k']:,}</td>"
        f"<td class=n>{g['in_small_groups']:,} of {g['rows']:,}</td></tr>"
        for g in groups
    )
    if not rows:
        return ""
    return (
        "<h2>Kept values that people share</h2><div class=wide><table><thead><tr><th>table</th>"
        "<th>kept together</th><th>smallest group</th><th>rows in groups under 5</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _table(table: Mapping[str, Any]) -> str:
    rows = "".join(_column(column) for column in table["columns"])
    wanted = "" if table["rows_wanted"] == "all" else f", rows: {table['rows_wanted']}"
    where = f", only where {table['where']}" if table["where"] else ""
    about = f"{table['rows']:,} rows{wanted}{where}"
    return (
        f"<h3>{escape(table['table'])} <small>{escape(about)}</small></h3>"
        "<div class=wide><table><thead><tr><th>column</th><th>type</th><th>becomes</th>"
        "<th>distinct in / out</th><th>why</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _column(column: Mapping[str, Any]) -> str:
    method = column.get("method", "undecided")
    why = "; ".join(filter(None, (column.get("why", ""), _by(column))))
    count = ""
    if "distinct_in_production" in column:
        count = f"{column['distinct_in_production']:,} / {column['distinct_in_staging'] or 0:,}"
    kind = "kept" if method in ("keep", "generated") else "masked"
    return (
        f"<tr><td>{escape(column['column'])}</td><td>{escape(column['type'])}</td>"
        f"<td><b class={kind}>{escape(method)}</b><br><small>"
        f"{escape(column.get('meaning', ''))}</small></td><td class=n>{count}</td>"
        f"<td>{escape(why)}</td></tr>"
    )


def _by(column: Mapping[str, Any]) -> str:
    by = column.get("by") or ""
    return f"decided by {by}" if by else ""


def _signature(signature: Mapping[str, str] | None) -> str:
    if not signature:
        return ""
    return (
        "<h2>Signature</h2><p>The same report as JSON is signed; <code>greenroom data verify"
        " report.json</code> checks it.</p><table class=facts>"
        + "".join(
            f"<tr><th>{escape(name.replace('_', ' '))}</th>"
            f"<td><code>{escape(value)}</code></td></tr>"
            for name, value in signature.items()
        )
        + "</table>"
    )


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"


def octets(count: int) -> str:
    """Give a size in words."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
