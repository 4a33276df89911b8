"""What is wrong with a policy for a schema: all of it at once, for whoever mends it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from greenroom.data.plan import Untried, make_plan, try_plan
from greenroom.data.policy import Policy
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Schema
from greenroom.errors import GreenroomError


@dataclass(frozen=True)
class Problem:
    """Something that a sync would refuse."""

    place: str
    message: str
    hint: str


def find_problems(policy: Policy, schema: Schema) -> list[Problem]:
    """List what the policy names that is not there, methods that do not fit, and parted keys."""
    found = [
        Problem(place, "production does not have it any more", "Delete its entry.")
        for place in list_vanished(policy, schema)
    ]
    found += _misfits(policy, schema)
    if not found:
        try:
            try_plan(policy, schema)
        except GreenroomError as error:
            found.append(Problem("", error.message, error.hint))
    return found


def list_vanished(policy: Policy, schema: Schema) -> tuple[str, ...]:
    """List the tables and columns that the policy names and the schema does not have."""
    known: dict[str, set[str]] = {}
    for table in schema.tables:
        for key in (table.key, table.policy_key):
            known.setdefault(key, set()).update(column.name for column in table.columns)
    gone = [key for key in policy.tables if key not in known]
    for key, decided in policy.tables.items():
        if key in known:
            gone += [f"{key}.{name}" for name in decided.columns if name not in known[key]]
    return tuple(gone)


def _misfits(policy: Policy, schema: Schema) -> list[Problem]:
    pseudonyms, masker = Pseudonyms(bytes(32)), Untried()
    found: dict[str, Problem] = {}
    for table in schema.tables:
        key = table.key if table.key in policy.tables else table.policy_key
        decided = policy.tables.get(key)
        if decided is None or decided.rows != "all":
            continue
        for column in table.columns:
            decision = decided.columns.get(column.name)
            if decision is None or decision.method == "keep" or column.is_generated:
                continue
            alone = replace(table, columns=(column,), foreign_keys=())
            one = Policy({key: replace(decided, columns={column.name: decision})})
            try:
                make_plan(one, Schema((alone,)), pseudonyms, masker)
            except GreenroomError as error:
                place = f"{key}.{column.name}"
                message = error.message.removeprefix(f"{place}: ")
                found.setdefault(place, Problem(place, message, error.hint))
    return list(found.values())
