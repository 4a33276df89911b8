"""A secret that the project itself prints appears nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from greenroom.cli.main import main
from greenroom.platform.postgres import ORCHESTRATOR
from greenroom.store.work import database_url

pytestmark = pytest.mark.flows
SENTINEL = "tR4p-sentinel-9d1f/ü=&"
ENCODED = json.dumps(SENTINEL)[1:-1]


def rows(url: str) -> Iterator[tuple[str, str]]:
    """Give every row of every table of a database as text, with its table's name."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            for (row,) in connection.execute(
                sql.SQL("SELECT t::text FROM {} t").format(sql.SQL(table))
            ):
                yield table, row


def files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Give the platform's own files: logs and everything it writes beside its data.

    What an app itself wrote is kept as it wrote it, for this account alone; it is redacted when
    it is shown.
    """
    for folder in ("logs", "prefect", "cache", "sources", "releases", "repos"):
        for path in home.joinpath(folder).rglob("*"):
            if path.is_file() and not path.name.startswith("app-"):
                yield str(path), path.read_bytes()


def test_a_secret_is_nowhere(new_site: Callable[..., Any], app: Any) -> None:
    stage_files = app("1", "build: {command: 'echo building with $API_KEY; env'}")
    stage_files["app.py"] = (
        "import os; print('key', os.environ['API_KEY'], flush=True)\n" + (stage_files["app.py"])
    )
    site = new_site(stage_files)
    site.set_variable("API_KEY", SENTINEL, is_secret=True)
    done = site.deploy()
    log = site.stage.log(done)
    assert "building with" in log
    assert "API_KEY=" in log
    stage_files["app.py"] = "import os, sys; sys.exit('bad ' + os.environ['API_KEY'])\n"
    site.commit(stage_files)
    broken = site.deploy("main", "failed")
    assert "bad" in broken.error["log_tail"]
    assert json.loads(site.get().text)["env"]["API_KEY"] == SENTINEL  # its app has it

    shown = CliRunner().invoke(main, ["logs", f"{site.name}/production", "--app"])
    assert (shown.exit_code, shown.output) == (0, "key [redacted]\n")

    store = database_url()
    places = {
        f"{database}: {table}"
        for database in (store, store.rpartition("/")[0] + f"/{ORCHESTRATOR}")
        for table, row in rows(database)
        if SENTINEL in row or ENCODED in row or SENTINEL.replace('"', '""') in row
    }
    assert places == set()
    home = site.stage.settings.home
    found = {
        path
        for path, content in files(home)
        if SENTINEL.encode() in content or ENCODED.encode() in content
    }
    assert found == set()
