"""The form that says where a project's files are, and what of them comes."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from greenroom import asset_setting
from greenroom.asset_orders import VARIABLE
from ui import acts, who
from ui.asset_reads import FilesRow

_ACLS = {
    "bucket": "As the bucket's own rule says", "keep": "As at production",
    "private": "Closed", "public-read": "Open to everybody",
}  # fmt: skip
_CDNS = {
    "none": "None", "cloudfront": "CloudFront", "cloudflare": "Cloudflare", "fastly": "Fastly",
}  # fmt: skip
_SAVES = "files-saved"


def show(row: FilesRow) -> None:
    """Show the form to whoever may set it; open where no files are named."""
    if not who.may_in("project.set_assets", row.project):
        return
    title = "Change where the files are" if row.source else "Name the files"
    with st.expander(title, icon=":material/edit:", expanded=not row.source):
        _form(row)
        if row.source:
            _forget(row.project)


def _form(row: FilesRow) -> None:
    saves = st.session_state.setdefault(_SAVES, 0)  # saved credentials leave their fields
    with st.form(f"files-{row.project}-{saves}", border=False):
        places, rules, addresses, keys = st.tabs(["Places", "Rules", "Addresses", "Credentials"])
        with places:
            given = _places(row)
        with rules:
            given |= _rules(row)
        with addresses:
            given |= _addresses(row)
        with keys:
            credentials = _credentials(row)
        sent = st.form_submit_button("Save", type="primary")
    if sent and acts.act(partial(_save, row.project, given, credentials)):
        st.session_state[_SAVES] = saves + 1
        st.rerun()


def _places(row: FilesRow) -> dict[str, Any]:
    example = "s3://bucket/prefix?endpoint=https://s3.example.org"
    source = st.text_input(
        "Production's files, only read", row.source, placeholder="s3://shop-uploads",
        help=f"{example}. Folders are named at the machine itself.", autocomplete="off",
    )  # fmt: skip
    target = st.text_input(
        "Staging's own place", row.target, placeholder="s3://shop-staging/files",
        help="Another bucket than production's.", autocomplete="off",
    )  # fmt: skip
    return {"source": (source or "").strip(), "target": (target or "").strip()}


def _rules(row: FilesRow) -> dict[str, Any]:
    known = row.rules
    help_of = "A line each. `*` stays in a folder, `**` does not."
    only, but = st.columns(2)
    include = only.text_area(
        "Only keys like", "\n".join(known.get("include", ())), height=80, help=help_of,
        placeholder="uploads/**",
    )  # fmt: skip
    exclude = but.text_area(
        "But none like", "\n".join(known.get("exclude", ())), height=80, help=help_of,
        placeholder="**/*.tmp",
    )  # fmt: skip
    deletes = st.checkbox("Delete what production has no more", bool(known.get("deletes")))
    not_after = st.checkbox("Leave out what is newer than the data", bool(known.get("not_after")))
    is_exact = st.checkbox("Compare octets where times would do", bool(known.get("is_exact")))
    left, right = st.columns(2)
    acl = left.selectbox(
        "Who may read the copies", list(_ACLS), format_func=_ACLS.__getitem__,
        index=list(_ACLS).index(known.get("acl") or "bucket"),
    )  # fmt: skip
    rate = right.number_input(
        "Most MB a second", 0.0, 100_000.0, known.get("most_bytes_per_second", 0) / 1e6, 1.0,
        help="0 is no limit. What a server copies by itself is not slowed.",
    )  # fmt: skip
    return {
        "include": (include or "").split("\n"), "exclude": (exclude or "").split("\n"),
        "deletes": deletes, "not_after": not_after, "is_exact": is_exact, "acl": acl,
        "rate": round(rate * 1e6),
    }  # fmt: skip


def _addresses(row: FilesRow) -> dict[str, Any]:
    urls, cdn = row.base_urls, row.cdn
    production = st.text_input(
        "Production's pages load them from", urls.get("production", ""),
        placeholder="https://cdn.shop.example",
        help="The next sync of data writes staging's address in its place.",
    )  # fmt: skip
    staging = st.text_input(
        "Staging's pages shall load them from", urls.get("staging", ""),
        placeholder="https://cdn-staging.shop.example",
    )  # fmt: skip
    left, right = st.columns(2)
    variable = left.text_input(
        "Variable that tells it", urls.get("variable", ""), placeholder=VARIABLE
    )
    vendor = right.selectbox(
        "CDN", list(_CDNS), format_func=_CDNS.__getitem__,
        index=list(_CDNS).index(cdn.get("vendor", "none")),
    )  # fmt: skip
    options = st.text_input(
        "What the CDN needs",
        ", ".join(f"{key}={_said(value)}" for key, value in cdn.items() if key != "vendor"),
        placeholder="distribution=E2ABC, path=/staging/*",
    )
    lines = [one.strip() for one in (options or "").split(",") if one.strip()]
    return {
        "production_url": production or "", "staging_url": staging or "",
        "variable": variable or "", "cdn": vendor, "cdn_options": lines,
    }  # fmt: skip


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _credentials(row: FilesRow) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    names = {"source": "Production's", "target": "Staging's", "cdn": "CloudFront's"}
    for side, whose in names.items():
        kept = "kept; empty leaves it" if side in row.credentials else "none is kept"
        left, right = st.columns(2)
        key = left.text_input(f"{whose} key", placeholder=kept, autocomplete="off")
        secret = right.text_input(f"{whose} secret", type="password", autocomplete="off")
        if key or secret:
            found[side] = {"key_id": (key or "").strip(), "secret": (secret or "").strip()}
    token = st.text_input(
        "Cloudflare's or Fastly's token", type="password", placeholder=kept, autocomplete="off"
    )
    if token:
        found["cdn"] = {"token": token.strip()}
    st.caption("Kept encrypted, never shown again. Production's need only be able to read.")
    return found


def _save(
    project: str, given: dict[str, Any], credentials: dict[str, dict[str, str]], actor: str
) -> str:
    asset_setting.change_assets(project, given, credentials, actor=actor)
    return "It is saved. A plan shows what would come."


def _forget(project: str) -> None:
    with st.popover("Forget", icon=":material/delete:"):
        st.caption("Nothing comes any more. A place that holds only our copies is cleared later.")
        if st.button("Forget the files") and acts.act(partial(_forget_it, project)):
            st.rerun()


def _forget_it(project: str, actor: str) -> str:
    asset_setting.forget_assets(project, actor=actor)
    return "The files are forgotten."
