from __future__ import annotations

import json
import time
from dataclasses import fields, is_dataclass
from importlib import resources
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from greenroom.errors import InvalidManifest
from greenroom.manifest import MAX_BYTES, Manifest, Resources, parse_manifest

EXAMPLE = resources.files("greenroom").joinpath("manifest.yaml").read_text()


def test_the_example_says_exactly_the_defaults() -> None:
    assert parse_manifest(EXAMPLE) == Manifest()


def test_the_example_shows_every_key() -> None:
    def keys(kind: Any) -> dict[str, Any]:
        return {
            field.name: keys(value) if is_dataclass(value := getattr(kind, field.name)) else None
            for field in fields(kind)
        }

    def shown(data: dict[str, Any]) -> dict[str, Any]:
        return {
            key: shown(value) if isinstance(value, dict) and value else None
            for key, value in data.items()
        }

    assert shown(yaml.safe_load(EXAMPLE)) == keys(Manifest())


def test_the_least_manifest() -> None:
    assert parse_manifest("version: 1") == Manifest()
    assert parse_manifest("{}") == Manifest()
    assert parse_manifest(b"\xef\xbb\xbfversion: 1\r\n") == Manifest()


def test_a_whole_manifest() -> None:
    found = parse_manifest(
        """
version: 1
runtime: process
root: apps/shop
build: {command: make, output: dist, timeout_seconds: 60}
run:
  command: |
    set -e
    exec node server.js
  release: ./migrate
health: {path: "/up?deep=1", text: "ok", interval_seconds: .25}
resources: {memory: 1g, cpu: 0.5}
database: {engine: postgres}
variables: {LOG_LEVEL: debug, EMPTY: , NUMBER: 5, FLAG: yes}
"""
    )
    assert found.run.command == "set -e\nexec node server.js\n"
    assert found.resources.memory_bytes == 1024**3
    assert found.health.interval_seconds == 0.25
    assert found.variables == {"LOG_LEVEL": "debug", "EMPTY": "", "NUMBER": "5", "FLAG": "yes"}
    assert Manifest.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_the_digest_is_of_the_meaning() -> None:
    one = parse_manifest("version: 1\nruntime: static")
    two = parse_manifest("# a comment\nruntime: 'static'")
    assert one.digest == two.digest
    assert one.digest != Manifest().digest


@pytest.mark.parametrize(
    ("memory", "octets"),
    [("256m", 256 << 20), ("1G", 1 << 30), ("65536 KiB", 64 << 20), ("64mb", 64 << 20)],
)
def test_sizes(memory: str, octets: int) -> None:
    assert parse_manifest(f"resources: {{memory: {memory}}}").resources.memory_bytes == octets


def test_a_size_that_never_was_checked_is_refused() -> None:
    with pytest.raises(InvalidManifest):
        _ = Resources(memory="lots").memory_bytes


REFUSALS: list[tuple[str, int | None, str]] = [
    ("", None, "empty"),
    ("# nothing\n", None, "empty"),
    ("- a\n- b", 1, "must be a mapping"),
    ("version: 2", 1, "version 2"),
    ("version: one", 1, "whole number"),
    ("version: 1\nversion: 1", 2, "twice"),
    ("version: 1\nrun:\n  command: a\n  command: b", 4, "twice"),
    ("version: 1\nruntim: static", 2, "unknown key 'runtim'"),
    ("version: 1\nrun:\n  comand: x", 3, "unknown key 'comand' in run"),
    ("version: 1\n? [a]\n: b", 2, "unknown key"),
    ("version: 1\n<<: {runtime: static}", 2, "unknown key '<<'"),
    ("version: 1\nruntime: lambda", 2, "runtime 'lambda'"),
    ("version: 1\nruntime: process", 2, "needs run.command"),
    ("version: 1\nruntime: [a]", 2, "single value"),
    ("version: 1\nbuild: make", 2, "must be a mapping"),
    ("version: 1\nbuild:", 2, "must be a mapping"),
    ("version: 1\n\nbuild:\n  timeout_seconds: 0", 4, "timeout_seconds is 0"),
    ("version: 1\nrun:\n  port: 65536", 3, "port is 65536"),
    ("version: 1\nrun:\n  port: 80.5", 3, "whole number"),
    ("version: 1\nhealth:\n  interval_seconds: .nan", 3, "must be a number"),
    ("version: 1\nhealth:\n  interval_seconds: nan", 3, "interval_seconds is nan"),
    ("version: 1\nhealth:\n  timeout_seconds: inf", 3, "timeout_seconds is inf"),
    ("version: 1\nhealth:\n  timeout_seconds: 1e999", 3, "timeout_seconds is inf"),
    ("version: 1\nresources:\n  cpu: -1", 3, "cpu is -1"),
    ("version: 1\nresources:\n  memory: 4m", 3, "memory '4m'"),
    ("version: 1\nresources:\n  memory: big", 3, "memory 'big'"),
    ("version: 1\ndatabase:\n  engine: mysql", 3, "engine 'mysql'"),
    ("version: 1\nroot: ../other", 2, "leaves the repository"),
    ("version: 1\nroot: /etc", 2, "leaves the repository"),
    ("version: 1\nroot: 'C:\\x'", 2, "leaves the repository"),
    ("version: 1\nroot: ''", 2, "leaves the repository"),
    ("version: 1\nbuild:\n  output: a/../../b", 3, "leaves the repository"),
    ("version: 1\nbuild:\n  output: a\\..\\..\\b", 3, "leaves the repository"),
    ("version: 1\nbuild:\n  dockerfile: /etc/passwd", 3, "leaves the repository"),
    ("version: 1\nhealth:\n  path: up", 3, "health.path"),
    ("version: 1\nhealth:\n  path: '/a b'", 3, "health.path"),
    ("version: 1\nhealth:\n  path: /ü", 3, "health.path"),
    ('version: 1\nhealth:\n  path: "/a\\r\\nHost: b"', 3, "health.path"),
    ('version: 1\nrun:\n  command: "a\\0b"', 3, "NUL"),
    ('version: 1\nrun:\n  command: "a\\uD800b"', 3, "half a character"),
    ('version: 1\nrun:\n  command: "\\UFFFFFFFF"', None, "not valid YAML"),
    ("version: 1\nrun:\n  command: " + "x" * 8193, 3, "characters"),
    ("version: 1\nvariables: [a]", 2, "must be a mapping"),
    ("version: 1\nvariables:\n  1a: b", 3, "not a variable's name"),
    ("version: 1\nvariables:\n  A: [b]", 3, "single value"),
    ("version: 1\nvariables:\n  A: b\n  A: c", 4, "twice"),
    ("version: 1\nvariables:\n  PORT: '1'", 3, "set by Greenroom"),
    ("version: 1\nvariables:\n  GREENROOM_X: y", 3, "set by Greenroom"),
    ('version: 1\nvariables:\n  A: "\\0"', 3, "NUL"),
    ("version: 1\nrun: {command: [", 2, "not valid YAML"),
    ("version: 1\n\trun: x", 2, "not valid YAML"),
    ("version: 1\n---\nversion: 1", 2, "not valid YAML"),
    ("version: 1\nroot: &a x\nbuild: {output: *a}", 3, "aliases"),
    ("version: 1\nroot: \x01", None, "not valid YAML"),
]


@pytest.mark.parametrize(("text", "line", "words"), REFUSALS)
def test_every_refusal_names_the_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(InvalidManifest) as refused:
        parse_manifest(text)
    assert words in refused.value.message
    assert refused.value.details["line"] == line


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(InvalidManifest) as refused:
        parse_manifest("run: {comand: x}")
    assert "Did you mean 'command'?" in refused.value.hint


def test_billion_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    began = time.process_time()
    with pytest.raises(InvalidManifest, match="aliases"):
        parse_manifest("\n".join(lines))
    assert time.process_time() - began < 1


def test_ten_megabytes_are_refused_at_once() -> None:
    began = time.process_time()
    with pytest.raises(InvalidManifest, match="bytes"):
        parse_manifest(b"a: b\n" * 2_000_000)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(opening: str) -> None:
    with pytest.raises(InvalidManifest):
        parse_manifest(opening * (MAX_BYTES // len(opening)))


@pytest.mark.parametrize("octets", [b"\xff\xfe", "version: 1".encode("utf-16"), b"a: \xc3\x28"])
def test_what_is_not_utf8_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidManifest, match="not UTF-8"):
        parse_manifest(octets)


def only_refused(text: str | bytes) -> None:
    try:
        found = parse_manifest(text)
    except InvalidManifest:
        return
    json.dumps(found.as_json()).encode()
    assert found.resources.memory_bytes > 0


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=9),
)
KEYS = st.sampled_from(
    ["version", "runtime", "root", "build", "run", "health", "resources", "database", "variables",
     "command", "output", "port", "path", "memory", "cpu", "engine", "A", "PORT"]
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=8))
def test_whatever_the_tree_only_invalid_manifest_is_raised(tree: dict[str, Any]) -> None:
    only_refused(yaml.dump(tree, allow_unicode=True))


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("abv:-[]{}&*!|>'\"%@`?#, \n\t\\0x9.~<\x85\ufeff"))))
@example('"\\U00110000"')
@example("!!python/object/apply:os.system [ls]")
@example("%YAML 9.9\n---\na")
@example("\ud800")
def test_whatever_the_text_only_invalid_manifest_is_raised(text: str) -> None:
    only_refused(text)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_octets_only_invalid_manifest_is_raised(octets: bytes) -> None:
    only_refused(octets)


def test_what_is_said_of_comparisons_is_read_and_makes_no_other_artifact() -> None:
    found = parse_manifest(
        """
compare:
  pages: [/, /shop]
  viewports: [phone, {name: wide, width: 1920, height: 1080}]
  states:
    - {name: menu, page: /, steps: [{click: "#menu"}, {wait_for: nav}]}
  login: {page: /login, steps: [{fill: "#password", secret: STAFF_PASSWORD}, {press: Enter}]}
  require: [{page: "/shop/*", text: In stock}]
  ignore: [{selector: .clock}, {page: /, box: [0, 0, 100, 40]}]
"""
    )
    rules = found.comparison
    assert [one.width for one in rules.windows] == [390, 1920]
    assert rules.secrets == {"STAFF_PASSWORD"}
    assert rules.ignore[1].holds("/", "phone")
    assert not rules.ignore[1].holds("/shop", "phone")
    assert Manifest.from_json(json.loads(json.dumps(found.as_json()))).comparison == rules
    assert found.digest == Manifest().digest


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{page: [/]}", "compare.page"),
        ("{pages: [shop]}", "compare.pages"),
        ("{viewports: [watch]}", "viewport 'watch' is not known"),
        ("{states: [{name: a, steps: [{click: a, hover: b}]}]}", "a step is one of"),
        ("{ignore: [{page: /}]}", "either a selector or a box"),
        ("{max_height: 5}", "compare.max_height"),
        ("[1]", "compare"),
    ],
)
def test_what_is_wrong_in_compare_is_told_with_its_place(said: str, told: str) -> None:
    with pytest.raises(InvalidManifest, match=told) as caught:
        parse_manifest(f"version: 1\ncompare: {said}")
    assert "2" in str(caught.value)
