"""Where an environment's own database is found, wherever its server is."""

from types import SimpleNamespace
from typing import Any

import pytest

from greenroom.data.databases import DatabaseServer
from greenroom.store import environments, projects
from tasks import copies

pytestmark = pytest.mark.unit

SOCKET = "postgresql://gr_a:p%40ss%2Fword@/gr_a?host=%2Frun%2Fgreenroom-postgres&port=8603"
NAMED = "postgresql://gr_a:p%40ss%2Fword@postgres.greenroom:8603/gr_a"
KNOWN = "postgresql://gr_a:p%40ss%2Fword@127.0.0.1:8603/gr_a"


@pytest.mark.parametrize(
    ("server", "wanted"),
    [
        ("postgresql://x:y@127.0.0.1:9999/greenroom", "postgresql://gr_a:p%40ss%2Fword@127.0.0.1:9999/gr_a"),
        ("postgresql://x:y@db.example:5432/g?sslmode=require", "postgresql://gr_a:p%40ss%2Fword@db.example:5432/gr_a?sslmode=require"),
        ("postgresql://x:y@[::1]:5432/g", "postgresql://gr_a:p%40ss%2Fword@[::1]:5432/gr_a"),
        ("postgresql://x:y@/g?host=/run/pg&port=5432", "postgresql://gr_a:p%40ss%2Fword@/gr_a?host=%2Frun%2Fpg&port=5432"),
    ],
)  # fmt: skip
def test_a_known_database_moves_with_its_server(server: str, wanted: str) -> None:
    moved = DatabaseServer(server).readdress(KNOWN)
    assert moved == wanted
    assert DatabaseServer(server).readdress(moved) == wanted


@pytest.mark.parametrize(
    ("outside", "runtime", "wanted", "guard"),
    [
        (None, "process", KNOWN, None),
        (None, "docker", SOCKET, object()),
        ("postgresql://x:y@127.0.0.1:8603/g", "docker", KNOWN, None),
        ("postgresql://x:y@127.0.0.1:8603/g", "docker", NAMED, object()),
        ("postgresql://x:y@127.0.0.1:8603/g", "process", KNOWN, object()),
    ],
)  # fmt: skip
def test_only_our_own_server_is_reached_by_its_socket(
    monkeypatch: pytest.MonkeyPatch, outside: str | None, runtime: str, wanted: str, guard: Any
) -> None:
    url = "postgresql://x:y@127.0.0.1:8603/greenroom"
    environment: Any = SimpleNamespace(kind="staging", project=None)
    monkeypatch.setattr(environments, "environment_database_url", lambda found: KNOWN)
    monkeypatch.setattr(projects, "production_database_url", lambda found: None)
    monkeypatch.setattr(copies, "database_url", lambda: url)
    monkeypatch.setattr(copies, "load_settings", lambda: SimpleNamespace(database_url=outside))
    monkeypatch.setattr(copies, "installed_guard", lambda settings: guard)
    assert copies.database_url_of(environment, runtime) == wanted
