"""Environments' own databases, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from greenroom.data.databases import CONNECTION_LIMIT, DatabaseServer, socket_address
from greenroom.errors import DatabaseUnavailable, PlatformError
from greenroom.names import database_name, role_name

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


class Own:
    """An environment's own database."""

    def __init__(self, server: DatabaseServer, project: str = "shop") -> None:
        key = str(uuid.uuid4())
        self.database = database_name(project, "feature/x", key)
        self.role = role_name(project, "feature/x", key)
        self.url = server.ensure_database(self.database, self.role)

    def connect(self, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url, autocommit=True, dbname=database or self.database)


@pytest.fixture
def server(postgres_dsn: str) -> DatabaseServer:
    """The server, reached through a database that is closed as the store's is."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'revoke all on database "{name}" from public')
    return DatabaseServer(postgres_dsn)


@pytest.fixture
def two(server: DatabaseServer) -> Iterator[tuple[Own, Own]]:
    made = (Own(server), Own(server, "other"))
    yield made
    for own in made:
        server.drop_database(own.database, own.role)


def test_a_role_owns_its_database(two: tuple[Own, Own]) -> None:
    with two[0].connect() as connection:
        connection.execute("create schema s; create table s.t (a int); create table u (a int)")
        connection.execute("insert into s.t values (1)")
        connection.execute("create extension if not exists pg_trgm")
        assert connection.execute("show statement_timeout").fetchone() == ("2min",)


def test_a_role_reaches_no_other_database(two: tuple[Own, Own], server: DatabaseServer) -> None:
    with psycopg.connect(server.url) as connection:
        store = connection.info.dbname
    for database in (two[1].database, store):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            two[0].connect(database)


@pytest.mark.parametrize(
    "statement",
    [
        "create database stolen",
        "create role friend",
        "alter role current_user superuser",
        "set session authorization postgres",
        "select pg_read_file('/etc/passwd')",
        "copy (select 1) to '/tmp/x'",
        "copy (select 1) to program 'id'",
        "select * from pg_authid",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user",
        "alter system set log_statement = 'all'",
    ],
)
def test_a_role_may_do_nothing_to_the_server(two: tuple[Own, Own], statement: str) -> None:
    with two[0].connect() as connection, pytest.raises(psycopg.Error):
        connection.execute(statement.replace("current_user", two[0].role, 1)
                           if statement.startswith("alter role") else statement)  # fmt: skip


def test_one_that_leaks_connections_starves_only_itself(two: tuple[Own, Own]) -> None:
    leaked = []
    try:
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            for _ in range(CONNECTION_LIMIT + 1):
                leaked.append(two[0].connect())  # noqa: PERF401 - it ends with an error
        assert len(leaked) == CONNECTION_LIMIT
        two[1].connect().close()
    finally:
        for connection in leaked:
            connection.close()


def test_it_is_dropped_with_connections_open(server: DatabaseServer) -> None:
    own = Own(server)
    assert own.database in server.list_databases()
    connection = own.connect()
    for _ in range(2):
        server.drop_database(own.database, own.role)
        assert own.database not in server.list_databases()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")
    connection.close()
    with pytest.raises(psycopg.OperationalError):
        own.connect()


def test_making_it_again_keeps_what_is_in_it(two: tuple[Own, Own], server: DatabaseServer) -> None:
    own, old = two[0], two[0].url
    with own.connect() as connection:
        connection.execute("create table t as select 1")
    own.url = server.ensure_database(own.database, own.role)
    assert own.url != old
    with own.connect() as connection:
        assert connection.execute("select * from t").fetchall() == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(old)


@pytest.mark.parametrize(
    ("server_url", "address"),
    [
        ("postgresql://a:b@db.example:5433/x", "postgresql://role:p%40ss@db.example:5433/own"),
        ("postgresql://a@[::1]/x", "postgresql://role:p%40ss@[::1]:5432/own"),
        ("host=db dbname=x", "postgresql://role:p%40ss@db:5432/own"),
        (
            "postgresql://a@/x?host=/run/pg",
            "postgresql://role:p%40ss@/own?host=%2Frun%2Fpg&port=5432",
        ),
        (
            "postgresql://a@db/x?sslmode=require",
            "postgresql://role:p%40ss@db:5432/own?sslmode=require",
        ),
    ],
)
def test_the_address_a_project_gets(server_url: str, address: str) -> None:
    assert DatabaseServer(server_url).address("own", "role", "p@ss") == address


def test_a_containers_address_goes_through_the_socket() -> None:
    found = socket_address("postgresql://role:p%40ss@127.0.0.1:8603/own", "/run/x")
    assert found == "postgresql://role:p%40ss@/own?host=%2Frun%2Fx&port=8603"


def test_what_the_server_says_is_wrapped(server: DatabaseServer) -> None:
    own = Own(server)
    with own.connect() as connection:
        connection.execute("select 1")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'create table held (a int); alter table held owner to "{own.role}"')
    with pytest.raises(PlatformError, match="cannot be dropped"):
        server.drop_database(own.database, own.role)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("drop table held")
    server.drop_database(own.database, own.role)
    with pytest.raises(DatabaseUnavailable):
        DatabaseServer("postgresql://a@127.0.0.1:1/x").list_databases()
