"""The human page of the API: made from its own description; no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse

_STYLE = files("greenroom.api").joinpath("page.css").read_text()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def render(description: dict[str, Any]) -> HTMLResponse:
    """Write a description as a page."""
    tags = [tag["name"] for tag in description["tags"]]
    about = {tag["name"]: tag["description"] for tag in description["tags"]}
    found: dict[str, list[str]] = {tag: [] for tag in tags}
    for path, item in description["paths"].items():
        for method, operation in item.items():
            told = _operation(method, path, operation, description)
            found[operation["tags"][0]].append(told)
    menu = "".join(f'<a href="#{tag}">{escape(tag)} <i>{len(found[tag])}</i></a>' for tag in tags)
    body = "".join(
        f'<section id="{tag}"><h2>{escape(tag.capitalize())}</h2><p>{_prose(about[tag])}</p>'
        f"{''.join(found[tag])}</section>"
        for tag in tags
    )
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>API · Greenroom</title><style>{_STYLE}</style></head>
<body><header><h1>The API of Greenroom</h1><p>{_prose(description["info"]["description"])}</p>
<p><a href="/api/openapi.json">openapi.json</a> · version {escape(description["info"]["version"])}
</p></header><div class="columns"><nav aria-label="Nouns">{menu}</nav><main>{body}</main></div>
</body></html>
"""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(text, headers=headers)


def _operation(
    method: str, path: str, operation: dict[str, Any], description: dict[str, Any]
) -> str:  # fmt: skip
    rows = [
        (one["name"], one["in"], _type(one["schema"]), one.get("description", ""),
         one.get("required", False))
        for one in operation.get("parameters", ())
    ]  # fmt: skip
    content = operation.get("requestBody", {}).get("content", {})
    for one in content.values():
        rows += _fields(one["schema"], description)
    table = "".join(
        f"<tr><td><code>{escape(name)}</code>{'<b>*</b>' if must else ''}</td>"
        f"<td>{escape(where)}</td><td>{escape(kind)}</td><td>{_prose(why)}</td></tr>"
        for name, where, kind, why, must in rows
    )
    if table:
        head = "<tr><th>name</th><th>in</th><th>type</th><th></th></tr>"
        table = f'<div class="wide"><table>{head}{table}</table></div>'
    status, answer = next(iter(operation["responses"].items()))
    kind = next(iter(answer.get("content", {"": {}}).items()))
    shown = kind[0] if kind[0] != "application/json" else _type(kind[1].get("schema", {}))
    scope, role = operation["x-greenroom-scope"], operation["x-greenroom-role"]
    return (
        f'<details id="{escape(operation["operationId"])}"><summary><b class="{method}">'
        f"{method.upper()}</b> <code>{_path(path)}</code>"
        f"<span>{escape(operation['description'].splitlines()[0])}</span></summary>"
        f"<p>{_prose(operation['description'])}</p>"
        f"<p>Scope <code>{scope}</code>, role {role} or more.</p>{table}"
        f"<p>Answers {status}: <code>{escape(shown)}</code></p></details>"
    )


def _fields(schema: dict[str, Any], description: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Give the fields of a body."""
    known = description["components"]["schemas"]
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            shape = known[one["$ref"].rpartition("/")[2]]
            must = shape.get("required", ())
            return [
                (name, "body", _type(part), part.get("description", ""), name in must)
                for name, part in shape.get("properties", {}).items()
            ]
    return []


def _type(schema: dict[str, Any]) -> str:
    """Say a schema in a word or two. Pure."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    default = (
        f" = {json.dumps(schema['default'])}" if schema.get("default") not in (None, "") else ""
    )
    return f"{schema.get('format') or schema.get('type', 'anything')}{default}"


def _path(path: str) -> str:
    return re.sub(r"(\{[^}]+\})", r"<i>\1</i>", escape(path)).replace("/", "/<wbr>")


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
