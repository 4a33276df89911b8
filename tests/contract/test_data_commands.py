"""`greenroom data`: propose, check, decide, approve, with a store and a production of their own."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from greenroom.cli.main import main
from greenroom.data.policy import load_policy
from greenroom.store import projects
from greenroom.store.work import unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
TABLES = """
create table users (id int primary key, email text, nick text, x text);
create table sessions (id int, data text);
insert into users select g, 'ada' || g || '@mail.com', 'ada' || g, null
  from generate_series(1, 30) g;
"""


@pytest.fixture
def file(
    store_url: str, postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.chdir(tmp_path)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(TABLES)
    with unit_of_work() as work:
        projects.add_project(
            work, "shop", "/srv/shop", production_database_url=postgres_dsn, actor="ada"
        )
        projects.add_project(work, "bare", "/srv/bare", actor="ada")
    return tmp_path / "anonymization.yaml"


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["data", *words])
    assert result.exit_code == code, result.output
    assert "ada1@mail.com" not in result.output
    return result


def alter(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_from_nothing_to_a_policy_in_force(file: Path, postgres_dsn: str) -> None:
    assert "there is no" in run("check", "shop", code=3).output
    said = run("discover", "shop").output
    assert "4 columns proposed" in said
    assert "public.sessions stays empty" in said
    assert "public.users.x" in said
    found = load_policy(file.read_bytes())
    assert found.tables["public.users"].columns["email"].method == "email"
    run("decide", "users.x", "null", "--why", "nobody reads it")
    assert load_policy(file.read_bytes()).tables["public.users"].columns["x"].why != ""
    assert "Every column is decided" in run("check", "shop").output
    assert "no approved policy" in run("policy", "shop", code=3).output
    assert "Policy 1" in run("approve", "shop", "--by", "Ada, privacy").output
    in_force = json.loads(run("policy", "shop", "--json").output)
    assert in_force["approved_by"] == "Ada, privacy"
    assert in_force["text"] == file.read_text()


def test_a_new_column_is_named_with_the_command_that_decides(file: Path, postgres_dsn: str) -> None:
    run("discover", "shop")
    run("decide", "users.nick", "constant", "--option", "value=nobody", "--by", "Ada")
    nick = load_policy(file.read_bytes()).tables["public.users"].columns["nick"]
    assert (nick.options, nick.by) == ({"value": "nobody"}, "Ada")
    for option, told in (("x", "no option"), ("valeu=x", "value"), ("keep=2", "no option 'keep'")):
        assert told in run("decide", "users.nick", "constant", "--option", option, code=2).output
    assert "0 to 5" in run("decide", "users.nick", "postcode", "--option", "keep=9", code=2).output
    run("decide", "users.nick", "keep", "--why", "a public name")
    alter(postgres_dsn, "alter table users add born date; alter table users drop x")
    said = run("check", "shop", code=1).output
    assert "public.users.born" in said
    assert "greenroom data discover shop" in said
    assert json.loads(run("check", "shop", "--json", code=1).output)["undecided"] == [
        "public.users.born"
    ]
    described = json.loads(run("discover", "shop", "--json").output)
    assert [entry["column"] for entry in described["new_columns"]] == ["born"]
    assert described["vanished"] == ["public.users.x"]
    columns = load_policy(file.read_bytes()).tables["public.users"].columns
    assert columns["nick"].why == "a public name"
    assert columns["born"].method == "birth_date"


def test_nothing_new_leaves_the_file_alone(file: Path) -> None:
    run("discover", "shop")
    file.write_text(file.read_text() + "# a remark of ours\n")
    before = file.read_text()
    assert "Nothing is new" in run("discover", "shop").output
    assert file.read_text() == before


def test_without_a_file_it_goes_on_from_the_policy_in_force(file: Path) -> None:
    run("discover", "shop")
    run("decide", "users.nick", "keep")
    run("approve", "shop")
    file.unlink()
    run("check", "shop")
    assert "approve" not in run("policy", "shop").output.splitlines()[0]
    run("discover", "shop")
    assert load_policy(file.read_bytes()).tables["public.users"].columns["nick"].method == "keep"


def test_printing_writes_nothing(file: Path) -> None:
    assert load_policy(run("discover", "shop", "--print").output).tables
    assert not file.exists()


def test_a_method_that_does_not_fit_is_told(file: Path) -> None:
    run("discover", "shop")
    run("decide", "users.id", "null")
    run("decide", "users.email", "json")
    run("decide", "users.gone", "keep")
    said = run("check", "shop", code=1).output
    assert "public.users.id: id must not be NULL" in said
    assert "public.users.email: " in said
    assert "public.users.gone: production does not have it any more" in said
    assert "greenroom data decide public.users.email METHOD" in said
    problems = json.loads(run("check", "shop", "--json", code=1).output)["problems"]
    assert {problem["place"].rpartition(".")[2] for problem in problems} == {"id", "email", "gone"}


def test_what_is_not_there(file: Path) -> None:
    assert "production database" in run("discover", "bare", code=2).output
    assert "nobody" in run("discover", "nobody", code=3).output
    assert "there is no" in run("approve", "shop", code=3).output
    assert "there is no" in run("decide", "users.id", "keep", code=3).output
    run("discover", "shop")
    assert "no table" in run("decide", "nothing.id", "keep", code=2).output
    file.write_text("version: 1\ntables: {public.users: {columns: {id: destroy}}}\n")
    assert "destroy" in run("check", "shop", code=2).output
