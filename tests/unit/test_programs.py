from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser

from greenroom.errors import PlatformError
from greenroom.programs import Program, render_configuration, render_program
from greenroom.settings import Settings

LOGS = Path("/logs")


def read(text: str, section: str) -> dict[str, str]:
    """Read as supervisord does: its parser, then its expansion of %."""
    parser = UnhosedConfigParser()
    parser.read_string(text)
    return {key: value % {} for key, value in parser.items(section, raw=True)}


ARGUMENTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


@given(st.lists(ARGUMENTS, min_size=1, max_size=4))
def test_supervisord_reads_the_command_that_was_meant(arguments: list[str]) -> None:
    text = render_program(Program("app", tuple(arguments)), LOGS)
    assert shlex.split(read(text, "program:app")["command"]) == arguments


@pytest.mark.parametrize(
    "argument",
    ["100%", "%(here)s", 'say "hi"', "it's", "a ;b", "a # b", "a\\", "$HOME `id`", " x ", ""],
)
def test_arguments_that_need_care(argument: str) -> None:
    text = render_program(Program("app", ("run", argument)), LOGS)
    assert shlex.split(read(text, "program:app")["command"]) == ["run", argument]


@pytest.mark.parametrize(
    "value", ["plain", "50%", 'a"b', "a'b", "a,b", "a=b", "\\", "ü", "a;b", ""]
)
def test_variables_that_need_care(value: str) -> None:
    text = render_program(Program("app", ("x",), environment={"A": value, "B": "b"}), LOGS)
    pairs = dict_of_key_value_pairs(read(text, "program:app")["environment"])
    assert pairs == {"A": value, "B": "b"}


@pytest.mark.parametrize("value", ["a\"b'c", "'a'", "a ;b", "a\nb"])
def test_variables_that_cannot_be_written_are_refused(value: str) -> None:
    with pytest.raises(PlatformError):
        render_program(Program("app", ("x",), environment={"A": value}), LOGS)


@pytest.mark.parametrize("folder", ["/a #b", "/a ;b", "/a\nb", "/a "])
def test_folders_that_cannot_be_written_are_refused(folder: str) -> None:
    with pytest.raises(PlatformError):
        render_program(Program("app", ("x",), directory=Path(folder)), LOGS)


def test_a_line_break_in_a_command_is_refused() -> None:
    with pytest.raises(PlatformError, match="line break"):
        render_program(Program("app", ("sh", "-c", "a\nb")), LOGS)


def test_a_whole_program() -> None:
    program = Program(
        "app", ("/bin/x",), directory=Path("/d"), user="nobody", stop_group=True, autostart=True,
        stop_seconds=3, priority=7,
    )  # fmt: skip
    found = read(render_program(program, LOGS), "program:app")
    assert found["user"] == "nobody"
    assert found["directory"] == "/d"
    assert found["stopasgroup"] == found["killasgroup"] == found["autostart"] == "true"
    assert found["stopwaitsecs"] == "3"
    assert found["priority"] == "7"
    assert found["stdout_logfile"] == "/logs/app.log"


def test_the_socket_is_ours_alone(home: Path) -> None:
    text = render_configuration(Settings(), [Program("one", ("x",))])
    assert read(text, "unix_http_server")["chmod"] == "0600"
    assert read(text, "unix_http_server")["file"] == f"{home}/run/supervisor.sock"
    assert read(text, "include")["files"] == f"{home}/run/programs/*.conf"
    assert "program:one" in text
