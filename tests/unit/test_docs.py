"""The documentation says what the code does: commands, settings, manifest keys, links."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest
import yaml

from greenroom.cli.main import main
from greenroom.cli.output import EXIT_CODES
from greenroom.manifest import _RANGES, Manifest
from greenroom.settings import ROOT, Settings
from greenroom.store.models import Base

pytestmark = pytest.mark.unit

DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for folder in (ROOT, DOCS, DOCS / "decisions", DOCS / "data", DOCS / "forges")
    for page in folder.glob("*.md")
)  # fmt: skip
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OPTION = re.compile(r"`(--?[a-z][a-z-]*)(?:`|[ =])")
ROW = re.compile(r"^\| `([^`]+)` \| (.*) \|$", re.MULTILINE)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    """Leave out fenced blocks: what looks like a link or a heading there is none."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """Give a heading's anchor as GitHub does."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return plain.replace(" ", "-")


def sections(text: str, marks: str) -> dict[str, str]:
    """Give the text under each heading of one depth, up to the next heading of any."""
    parts = re.split(r"^(#{1,6}) (.+)$", without_code(text), flags=re.MULTILINE)
    return {
        title.strip(): body
        for depth, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        if depth == marks
    }


def rows(text: str) -> dict[str, list[str]]:
    """Give a page's table rows whose first cell is one code word, by that word."""
    return {name: [cell.strip() for cell in rest.split(" | ")] for name, rest in ROW.findall(text)}


def code(text: str) -> list[str]:
    """Give the code words of a text."""
    return re.findall(r"`([^`]+)`", text)


def leaves(command: click.Command, path: str = "greenroom") -> Iterator[tuple[str, click.Command]]:
    """Give every command that does something, by its whole name."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, name
        yield from leaves(found, f"{path} {name}")


COMMANDS = dict(leaves(main))
CLI = sections(read(DOCS / "cli.md"), "###")


def test_every_command_is_described_and_no_other() -> None:
    assert set(CLI) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_described_with_its_options_and_arguments(name: str) -> None:
    told = CLI[name]
    options, arguments = set(), []
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            options |= {*parameter.opts, *parameter.secondary_opts}
        else:
            arguments.append(parameter.make_metavar(click.Context(COMMANDS[name])))
    assert set(OPTION.findall(told)) == options
    if arguments:
        assert f"`{name} {' '.join(arguments)}`" in told


def test_the_exit_codes_are_those_that_help_prints() -> None:
    printed = dict(re.findall(r"^ {2}(\d) {2}(.+)$", EXIT_CODES, re.MULTILINE))
    told = dict(re.findall(r"^\| (\d) \| (.+) \|$", read(DOCS / "cli.md"), re.MULTILINE))
    assert told == printed
    assert len(told) == 9


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_shown_exist(page: Path) -> None:
    """Read the fenced blocks: a `greenroom …` there parses as far as its options go."""
    for block in re.findall(r"^```console\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = line.partition("  #")[0].split()
            if words[:1] != ["greenroom"]:
                continue
            name = max(
                (known for known in COMMANDS if f"{' '.join(words)} ".startswith(f"{known} ")),
                key=len,
                default=None,
            )
            assert name is not None, line
            known = {o for p in COMMANDS[name].params for o in p.opts}
            assert {w.partition("=")[0] for w in words if w.startswith("-")} <= known, line


def test_every_setting_is_described_with_its_default() -> None:
    told = rows(read(DOCS / "settings.md"))
    assert set(told) == {f"GREENROOM_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default
        if field.default_factory is not None or default in (None, ROOT):
            continue
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        assert told[f"GREENROOM_{name.upper()}"][0] == f"`{shown}`", name


def test_the_settings_file_that_is_shown_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = re.findall(
        r"^```toml\n(.*?)^```$", read(DOCS / "settings.md"), re.DOTALL | re.MULTILINE
    )
    (tmp_path / "greenroom.toml").write_text(shown)
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    wanted = tomllib.loads(shown)
    assert wanted
    settings = Settings()
    for name, value in wanted.items():
        assert getattr(settings, name) == value


def manifest_keys(kind: Any = Manifest, where: str = "") -> Iterator[tuple[str, Any]]:
    """Give every key of a manifest with its default."""
    for field in fields(kind):
        default = getattr(kind(), field.name)
        if is_dataclass(default):
            yield from manifest_keys(type(default), f"{where}{field.name}.")
        else:
            yield f"{where}{field.name}", default


def test_every_key_of_the_manifest_is_described_with_default_and_range() -> None:
    told, keys = rows(read(DOCS / "manifest.md")), dict(manifest_keys())
    assert set(told) == set(keys)
    for key, default in keys.items():
        shown = yaml.safe_load(told[key][0].strip("`") or '""')
        wanted = list(default) if isinstance(default, tuple) else default
        assert (shown if shown is not None else "") == wanted, key
    for key, (low, high) in _RANGES.items():
        assert f"{low:,} to {high:,}" in told[key][1], key


def test_every_table_is_described() -> None:
    lines = sections(read(DOCS / "architecture.md"), "##")["Tables"].splitlines()
    told = {name for line in lines if line.startswith("| `") for name in code(line.split("|")[1])}
    assert told == set(Base.metadata.tables)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_has_the_targets_that_are_named(page: Path) -> None:
    text = read(page)
    blocks = "\n".join(re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    inline = re.findall(r"`make ([^`]+)`", without_code(text))
    shown = [*inline, *re.findall(r"^make ([^#\n]+)", blocks, re.MULTILINE)]
    named = {word for words in shown for word in words.split() if not re.match(r"[A-Z-]", word)}
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(without_code(read(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        assert found.is_relative_to(ROOT), target
        if fragment:
            headings = re.findall(r"^#{1,6} (.+)$", without_code(read(found)), re.MULTILINE)
            assert fragment in map(anchor, headings), f"{page.name}: {target}"


def test_the_index_names_every_page() -> None:
    named = {
        (DOCS / target).resolve()
        for target in LINK.findall(read(DOCS / "README.md"))
        if not re.match(r"[a-z]+:", target)
    }
    assert set(DOCS.glob("*.md")) - {DOCS / "README.md"} <= named


def test_the_index_of_decisions_names_every_decision_by_its_title() -> None:
    folder = DOCS / "decisions"
    told = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", read(folder / "README.md"), re.MULTILINE)
    titles = {
        page.name: read(page).splitlines()[0].removeprefix("# ")
        for page in folder.glob("[0-9]*.md")
    }
    assert {file: f"{number}. {title}" for number, title, file in told} == titles


def test_hints_name_commands_that_exist() -> None:
    """Read every string of ours that says `greenroom …`: there is such a command."""
    groups = {name.split()[1] for name in COMMANDS}
    wrong = []
    for folder in ("greenroom", "tasks", "ui", "flows"):
        for file in (ROOT / folder).rglob("*.py"):
            if "sample" in file.parts or "branches" in file.parts:
                continue
            for words in re.findall(r"greenroom ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", read(file)):
                first, _, second = words.partition(" ")
                known = f"greenroom {first}" in COMMANDS or f"greenroom {words}" in COMMANDS
                if first in groups and second and not known:
                    wrong.append(f"{file.relative_to(ROOT)}: greenroom {words}")
    assert wrong == []
