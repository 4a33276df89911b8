"""What a database that is being filled knows of its own making; gone before anybody uses it."""

from __future__ import annotations

from greenroom.data.copy import LEDGER, drop_ledger, ensure_ledger
from greenroom.data.source import Connection

_ABOUT, _STAGES = "greenroom_sync.about", "greenroom_sync.stages"


def begin(target: Connection, meaning: str) -> None:
    """Write what the filling means: its snapshot, policy and key. Idempotent."""
    ensure_ledger(target)
    target.execute(f"create table if not exists {_ABOUT} (meaning text primary key)")
    target.execute(f"create table if not exists {_STAGES} (name text primary key)")
    target.execute(f"insert into {_ABOUT} values (%s) on conflict do nothing", (meaning,))


def meaning(target: Connection) -> str | None:
    """Give what the filling means; None where there is none."""
    known = target.execute("select to_regclass(%s)", (_ABOUT,)).fetchone()
    if known is None or known[0] is None:
        return None
    row = target.execute(f"select meaning from {_ABOUT}").fetchone()
    return str(row[0]) if row else None


def is_done(target: Connection, stage: str) -> bool:
    """Whether a stage has ended here."""
    known = target.execute("select to_regclass(%s)", (_STAGES,)).fetchone()
    if known is None or known[0] is None:
        return stage == "settle"  # the last stage takes the ledger away
    return target.execute(f"select from {_STAGES} where name = %s", (stage,)).fetchone() is not None


def mark(target: Connection, stage: str) -> None:
    """Write that a stage has ended. Idempotent."""
    target.execute(f"insert into {_STAGES} values (%s) on conflict do nothing", (stage,))


def progress(target: Connection) -> dict[str, tuple[int, int, int]]:
    """Give rows, octets and chunks that have arrived, by table."""
    rows = target.execute(
        f"select table_key, sum(rows)::bigint, sum(octets)::bigint, count(*) from {LEDGER}"
        " group by 1"
    ).fetchall()
    return {str(key): (int(str(a)), int(str(b)), int(str(c))) for key, a, b, c in rows}


def end(target: Connection) -> None:
    """Take the ledger away: staging holds nothing of ours. Idempotent."""
    drop_ledger(target)
