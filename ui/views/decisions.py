"""What becomes of each column: the policy in force, and proposals to look at and approve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from greenroom.data.discover import Discovery
from greenroom.data.policy import METHODS, Decision, Policy, dump_policy
from greenroom.data.schema import Schema
from ui import acts, data_acts, data_reads, look, parts, who

_DRAFT = "data-draft"


@dataclass(frozen=True)
class _Draft:
    """What is proposed for a project, and the policy that was in force when it was."""

    project: str
    known: Policy | None
    schema: Schema
    found: Discovery


def show(name: str) -> None:
    """Show the decisions of a project, and what is still to be decided."""
    policy = data_reads.policy_of(name)
    draft: _Draft | None = st.session_state.get(_DRAFT)
    if draft is not None and draft.project == name:
        _review(draft)
        return
    if policy is None:
        look.empty_state(
            "fact_check", "Nobody has decided yet",
            "Greenroom looks at production's columns and proposes what becomes of each. It reads"
            " at most 200 rows of a table and keeps no value.",
        )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        may_look = who.may_in("data.look", name)
        if may_look and st.button("Look at production's columns", icon=":material/search:",
                     type="primary" if policy is None else "secondary"):  # fmt: skip
            with look.shown_errors(), st.spinner("Looking …"):
                schema, found = data_acts.look_at_production(name, policy)
                st.session_state[_DRAFT] = _Draft(name, policy, schema, found)
                st.rerun()
        if policy is not None:
            st.download_button(
                "anonymization.yaml", dump_policy(policy), "anonymization.yaml", "text/yaml",
                icon=":material/download:",
            )  # fmt: skip
    if policy is not None:
        _in_force(policy)


def _in_force(policy: Policy) -> None:
    rows = []
    for key, table in sorted(policy.tables.items()):
        if table.rows != "all":
            rows.append((look.code(key), look.tag("no rows"), "the table comes along empty", ""))
        rows += [
            (look.code(f"{key}.{name}"), _method(d), look.text(_meaning(d)), _why(d))
            for name, d in table.columns.items()
        ]
    parts.table(("Column", "Method", "Which means", "Why"), rows)


def _method(decision: Decision) -> str:
    tone = "calm" if decision.method == "keep" else "good"
    return f'<span class="gr-badge gr-{tone}"><i></i>{look.text(decision.method)}</span>'


def _meaning(decision: Decision) -> str:
    given = (f"{name}: {value}" for name, value in decision.options.items())
    return " · ".join([METHODS[decision.method], *given])


def _why(decision: Decision) -> str:
    by = f" ({decision.by})" if decision.by else ""
    return look.text(f"{decision.why}{by}".strip())


def _review(draft: _Draft) -> None:
    found = draft.found
    look.section("To decide", look.tag(f"{len(found.new_columns)} columns"))
    if found.new_tables:
        st.caption(
            "Proposed to come along empty, because their rows act, let somebody in or copy other"
            f" rows: {', '.join(look.plain(key) for key in found.new_tables)}"
        )
    if found.vanished:
        st.caption(
            "Decided, and not in production any more:"
            f" {', '.join(look.plain(gone) for gone in found.vanished)}"
        )
    chosen: dict[tuple[str, str], str] = {}
    if found.new_columns:
        st.caption("What discovery is least sure of stands first. Change a method by its cell.")
        edited = st.data_editor(
            [_editable(found.policy, key, column) for key, column in _unsure_first(found)],
            hide_index=True, width="stretch", key=f"edit-{draft.project}",
            disabled=["Column", "Sure", "Why"], height=min(640, 40 + 36 * len(found.new_columns)),
            column_config={
                "Column": st.column_config.TextColumn(width="medium"),
                "Becomes": st.column_config.SelectboxColumn(
                    options=sorted(METHODS), required=True, width="small"
                ),
                "Sure": st.column_config.NumberColumn(format="percent", width="small"),
                "Why": st.column_config.TextColumn(width="large"),
            },
        )  # fmt: skip
        places = _unsure_first(found)
        chosen = {place: row["Becomes"] for place, row in zip(places, edited, strict=True)}
    else:
        st.success("Every column of production is decided.", icon=":material/check:")
    _end(draft, chosen)


def _unsure_first(found: Discovery) -> list[tuple[str, str]]:
    def sure(place: tuple[str, str]) -> float:
        return found.policy.tables[place[0]].columns[place[1]].confidence or 0.0

    return sorted(found.new_columns, key=sure)


def _editable(policy: Policy, key: str, column: str) -> dict[str, Any]:
    decision = policy.tables[key].columns[column]
    return {
        "Column": f"{key}.{column}", "Becomes": decision.method,
        "Sure": decision.confidence, "Why": decision.why,
    }  # fmt: skip


def _end(draft: _Draft, chosen: dict[tuple[str, str], str]) -> None:
    name, found = draft.project, draft.found

    def approve(actor: str) -> str:
        policy = data_acts.changed(found.policy, chosen, actor)
        return data_acts.approve(name, draft.schema, draft.known, policy, actor)

    is_new = bool(found.new_columns or found.new_tables)
    with st.container(horizontal=True, gap="small"):
        why = who.why_not_in("policy.approve", name)
        asked = is_new and st.button(
            "Approve", type="primary", icon=":material/verified_user:", disabled=bool(why),
            help=why or None,
        )  # fmt: skip
        if asked and acts.act(approve):
            st.session_state.pop(_DRAFT, None)
            st.rerun()
        if st.button("Leave it" if is_new else "Back"):
            st.session_state.pop(_DRAFT, None)
            st.rerun()
