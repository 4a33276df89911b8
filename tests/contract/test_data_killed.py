"""A sync whose process is killed in each of its phases, at a statement, goes on and ends well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.source import hold_snapshot, joined
from greenroom.data.swap import exists
from greenroom.data.sync import (
    Job,
    copy_part,
    finish_tables,
    make_tables,
    plan_parts,
    prove_job,
    publish,
    run_hooks,
    settle,
)
from greenroom.settings import Settings
from tests.contract.test_data_sync import decide, place, source, value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
__all__ = ["place", "source"]
NEVER = 1_000_000


def serve() -> None:
    """In a process of its own: do what each line asks for in a child, and say how that ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(json.loads(line))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def work(told: dict[str, Any]) -> None:
    """Do all phases, and die at a statement of one of them."""
    left, execute = [NEVER], psycopg.Connection.execute

    def count_down(self: Any, *arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, *arguments, **options)

    psycopg.Connection.execute = count_down  # type: ignore[method-assign]
    at = Place(told["server"], told["live"])
    with joined(told["source"], told["snapshot"]) as connection:
        plan = decide(_Seen(connection))  # type: ignore[arg-type]
        version = connection.info.server_version
    job = Job(
        Settings(home=told["home"]), told["source"], told["snapshot"], at, plan, told["about"]
    )

    def copy() -> None:
        for part in plan_parts(job, version, least_octets=1):
            copy_part(job, part)

    phases: dict[str, Callable[[], object]] = {
        "tables": lambda: make_tables(job), "data": copy, "indexes": lambda: finish_tables(job),
        "hooks": lambda: run_hooks(job), "proof": lambda: prove_job(job, lambda line: None),
        "settle": lambda: settle(job), "swap": lambda: publish(at),
    }  # fmt: skip
    for name, do in phases.items():
        left[0] = told["statements"] if name == told["phase"] else NEVER
        if told["phase"] != "swap" or name == "swap":
            do()
        if name == "settle" and told["phase"] == "settled":
            os.kill(os.getpid(), signal.SIGKILL)


class _Seen:
    def __init__(self, connection: object) -> None:
        self.connection = connection


class Worker:
    """Runs syncs in processes that die when they are told."""

    def __init__(self, at: Place) -> None:
        self._about = {"server": at.server_url, "live": at.live}
        command = [
            sys.executable,
            "-c",
            "from tests.contract.test_data_killed import serve; serve()",
        ]
        self.process = subprocess.Popen(
            command, env={**os.environ, "PYTHONHASHSEED": "1"}, cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, **told: Any) -> bool:
        """Do the phases; False when it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(told | self._about) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code == 0


@pytest.fixture
def worker(place: Place) -> Iterator[Worker]:
    made = Worker(place)
    yield made
    made.process.communicate(timeout=30)


def state_of(live: str) -> str:
    """Give the orders that staging shows, or that it lets nobody in for the moment."""
    try:
        return str(value(live, "select count(*) from orders"))
    except psycopg.OperationalError as error:
        assert "not currently accepting connections" in str(error)  # noqa: PT017
        return "closed"


def test_it_is_killed_at_a_statement_of_each_phase(
    source: str, place: Place, worker: Worker, tmp_path: Path
) -> None:
    live = on_database(place.server_url, place.live)
    told: dict[str, Any] = {"source": source, "home": str(tmp_path), "phase": "", "statements": 0}
    with hold_snapshot(source) as snapshot:
        assert worker.run(**told, snapshot=snapshot.id, about="first")
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("delete from orders where id > 300")
    with hold_snapshot(source) as snapshot:
        told |= {"snapshot": snapshot.id, "about": "second"}
        steps = [
            ("tables", 2), ("data", 3), ("data", 20), ("indexes", 2), ("hooks", 1), ("proof", 4),
            ("settle", 1),
        ]  # fmt: skip
        for phase, statements in steps:
            told |= {"phase": phase, "statements": statements}
            assert not worker.run(**told), phase
            assert value(live, "select count(*) from orders") == 400
        assert not worker.run(**told | {"phase": "settled"})
        seen = set[str]()
        for statements in range(1, 40):
            if worker.run(**told | {"phase": "swap", "statements": statements}):
                break
            seen.add(state_of(live))
        else:
            pytest.fail("the swap has no end")
    assert seen <= {"400", "300", "closed"}
    assert "closed" in seen
    assert value(live, "select count(*) from orders") == 300
    assert value(live, "select count(*) from users where email::text like '%mail.test%'") == 0
    previous = on_database(place.server_url, place.previous)
    assert value(previous, "select count(*) from orders") == 400
    with psycopg.connect(place.server_url) as server:
        assert not exists(server, place.next)
