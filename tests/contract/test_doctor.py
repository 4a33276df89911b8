"""The doctor looks and changes nothing; what does not answer is a finding, not a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from greenroom.platform import doctor
from greenroom.programs import Programs
from greenroom.settings import Settings
from greenroom.store.migrate import migrate, present_revision, wanted_revision

pytestmark = pytest.mark.contract


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process manager be there, without programs."""
    monkeypatch.setattr(Programs, "is_alive", lambda self: True)
    monkeypatch.setattr(Programs, "states", lambda self: {})


def findings(settings: Settings) -> dict[str, doctor.Finding]:
    return {found.subject: found for found in doctor.examine(settings)}


def test_it_tells_of_an_old_schema_and_leaves_it(
    postgres_dsn: str, home: Path, running: Any
) -> None:
    settings = Settings(home=home, database_url=postgres_dsn, prefect_port=9)
    found = findings(settings)["store"]
    assert (found.grade, "missing" in found.text) == ("bad", True)
    assert "greenroom up" in found.hint
    with psycopg.connect(postgres_dsn) as connection:
        tables = connection.execute("select from pg_tables where schemaname = 'public'").fetchall()
    assert tables == []
    assert present_revision(postgres_dsn) == ""
    assert migrate(postgres_dsn) == wanted_revision() == present_revision(postgres_dsn)
    assert findings(settings)["store"].grade == "ok"


def test_parts_that_do_not_answer_are_found(home: Path, running: Any) -> None:
    away = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
    found = findings(Settings(home=home, database_url=away, prefect_port=9))
    assert found["platform"].grade == "bad"
    assert "database" in found["platform"].text
    assert found["git"].grade == "ok"


def test_a_platform_that_is_not_started_is_no_fault(home: Path) -> None:
    assert findings(Settings(home=home))["platform"].grade == "note"
