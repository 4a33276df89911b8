"""Some tables alone come with those that they refer to."""

from __future__ import annotations

import pytest

from greenroom.data.policy import Decision, Policy, TablePolicy
from greenroom.data.prepare import narrow, reads_text
from greenroom.data.schema import Column, ForeignKey, Schema, Table
from greenroom.errors import InvalidInput

pytestmark = pytest.mark.unit


def table(name: str, *targets: str, parent: str = "") -> Table:
    keys = tuple(ForeignKey(t, ("x",), f"public.{t}", ("id",)) for t in targets)
    return Table("public", name, (Column("x", "int", "int4"),), foreign_keys=keys, parent=parent)


SCHEMA = Schema(
    (
        table("users"),
        table("orders_2025", "users", parent="public.orders"),
        table("items", "orders_2025", "products"),
        table("products", "shelves"),
        table("shelves", "products"),
        table("logs"),
        table("new"),
    )
)
POLICY = Policy(
    {
        f"public.{name}": TablePolicy(columns={"x": Decision("keep")})
        for name in ("users", "orders", "items", "products", "shelves", "logs")
    }
)


def with_rows(policy: Policy) -> set[str]:
    return {key.removeprefix("public.") for key, t in policy.tables.items() if t.rows == "all"}


def test_what_a_table_refers_to_comes_along() -> None:
    assert with_rows(narrow(POLICY, SCHEMA, ["logs"])) == {"logs"}
    assert with_rows(narrow(POLICY, SCHEMA, ["shelves"])) == {"shelves", "products"}
    whole = narrow(POLICY, SCHEMA, ["items"])
    assert with_rows(whole) == {"items", "orders_2025", "users", "products", "shelves"}
    assert with_rows(narrow(POLICY, SCHEMA, ["public.orders"])) == {"orders_2025", "users"}


def test_a_table_that_nobody_decided_stays_empty_when_it_was_not_asked_for() -> None:
    assert narrow(POLICY, SCHEMA, ["logs"]).tables["public.new"].rows == "none"
    assert "public.new" not in narrow(POLICY, SCHEMA, ["new"]).tables  # it must be decided then


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(InvalidInput) as refused:
        narrow(POLICY, SCHEMA, ["user"])
    assert "users" in refused.value.hint


def test_whether_texts_are_read() -> None:
    assert not reads_text(POLICY, SCHEMA)
    text = Policy({"public.logs": TablePolicy(columns={"x": Decision("text")})})
    assert reads_text(text, SCHEMA)
