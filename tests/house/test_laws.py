"""The laws of the house, read from the source by ``ast``: nothing is imported here."""

from __future__ import annotations

import ast
import importlib.machinery
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("greenroom", "tasks", "flows", "ui", "benchmarks")
MAX_LINES = 400
MAX_FLOW_LINES = 80

GROUND = {
    f"greenroom.{name}"
    for name in (
        "clients",
        "compare_rules",
        "egress",
        "surroundings",
        "sizes",
        "compare_verdicts",
        "errors",
        "settings",
        "names",
        "manifest",
        "rights",
        "sealed",
        "secrets",
        "yamlfile",
    )
}
FLOORS: dict[str, float] = {
    "greenroom": 0,  # the package itself: its version
    "the ground": 0,
    "greenroom.store": 1,
    "greenroom.runs": 1,
    "greenroom.programs": 1,
    "greenroom.binaries": 1,
    "greenroom.services": 1,
    "greenroom.data_orders": 1.5,
    "greenroom.asset_orders": 1.5,
    "greenroom.cleaning": 1.5,
    "greenroom.notices": 1.5,
    "greenroom.comparing": 1.5,
    "greenroom.measuring": 1.5,
    "greenroom.previews": 1.5,
    "greenroom.watching": 1.6,  # on orders
    "greenroom.waking": 1,
    "greenroom.guarding": 1,
    "greenroom.mailing": 1.1,  # on guarding
    "greenroom.isolating": 1.5,
    "greenroom.releasing": 1.5,
    "greenroom.approving": 1.1,  # on the store's words
    "greenroom.orders": 1.5,  # a landing: what store and runs do together
    "greenroom.redaction": 1.5,
    "greenroom.talking": 1.6,  # on notices
    "greenroom.deltas": 2.2,  # a landing: what is recorded, in a room's words
    "greenroom.tracking": 2.2,  # a landing: a room's work and what is recorded of it
    "greenroom.promotions": 1.6,  # on orders
    "greenroom.variables": 1.6,  # on asset_orders
    **{
        f"greenroom.{room}": 2
        for room in (
            "sources", "hosting", "edge", "data", "assets", "compare", "review", "isolation",
            "notify", "platform", "trackers",
        )
    },
    "greenroom.living": 2.5,
    "greenroom.asset_setting": 2.5,  # a landing: the store's rows, the rooms' places and networks
    "greenroom.domains": 2.5,  # a landing: the store's rows and the edge's look-ups
    "greenroom.intake": 2.5,  # a landing: what sources decide and the store records
    "greenroom.demo": 2.5,  # a landing: plays the main job with every room
    "tasks": 3,
    "greenroom.api": 3,
    "greenroom.gateway": 3,
    "greenroom.cli": 3,
    "ui": 3,
    "flows": 4,
    "benchmarks": 5,
}  # fmt: skip

STANDALONE = {
    "greenroom/platform/forkrun.py",
    "greenroom/platform/forkserver.py",
    "greenroom/hosting/appshell.py",
}
"""Programs of their own, started without the package's settings."""
FACES = ("greenroom.api", "greenroom.gateway", "greenroom.cli", "ui")
KEPT_OUT_OF_FACES = {"flows", "tasks", "docker", "spacy", "playwright", "prefect"}


def is_foreign(path: Path) -> bool:
    """The sample project is somebody else's code; migrations are records."""
    text = path.relative_to(ROOT).as_posix()
    return text.startswith("greenroom/demo/sample/") or "/migrations/" in text


@cache
def sources() -> dict[str, Path]:
    """Give every module of ours by its dotted name."""
    found = {}
    for top in TOPS:
        for path in (ROOT / top).rglob("*.py"):
            if not is_foreign(path):
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def room_of(module: str) -> str:
    parts = module.split(".")
    if module in GROUND:
        return "the ground"
    return ".".join(parts[:2]) if parts[0] == "greenroom" and len(parts) > 1 else parts[0]


def names_in(node: ast.stmt, module: str) -> Iterator[str]:
    """Give the modules that an import statement names, submodules by ``from x import y`` too."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}: imports are absolute"
        base = node.module or ""
        for alias in node.names:
            yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in sources() else base


@cache
def imports(module: str) -> tuple[tuple[str, str, bool], ...]:
    """Give ``(imported, place, at the top level)`` for each import of a module."""
    path = sources()[module]
    outer = set()
    waiting: list[ast.stmt] = list(tree(path).body)
    while waiting:
        node = waiting.pop()
        outer.add(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            waiting += [*node.body, *node.orelse]
        elif isinstance(node, ast.Try):
            waiting += [*node.body, *node.orelse, *node.finalbody]
    return tuple(
        (name, place(path, node), node in outer)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in names_in(node, module)
    )


def report(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_room_has_its_floor() -> None:
    report([f"{module}: which floor?" for module in sources() if room_of(module) not in FLOORS])


def test_a_file_imports_only_its_room_and_floors_below() -> None:
    wrong = []
    for module in sources():
        room = room_of(module)
        for name, where, _ in imports(module):
            other = room_of(name)
            if other != room and other in FLOORS and FLOORS[other] >= FLOORS[room]:
                wrong.append(f"{where}: {room} must not import {other}")
    report(wrong)


def test_only_runs_tasks_and_flows_know_prefect() -> None:
    allowed = {"tasks", "flows"}
    report(
        [
            f"{where}: greenroom.runs is the only client of Prefect"
            for module, path in sources().items()
            for name, where, _ in imports(module)
            if name.split(".")[0] == "prefect"
            and room_of(module) not in allowed
            and path.relative_to(ROOT).as_posix() not in STANDALONE
        ]
    )


def test_faces_start_work_by_name_and_stay_light() -> None:
    """What gateway, command line and console load at import, however far away."""
    wrong = []
    for module in sources():
        if not module.startswith(FACES):
            continue
        wrong += [
            f"{where}: a face must not import {name}"
            for name, where, _ in imports(module)
            if name.split(".")[0] in {"flows", "tasks"}
        ]
        seen, waiting = {module}, [(module, module)]
        while waiting:
            current, way = waiting.pop()
            for name, where, at_top in imports(current):
                if not at_top:
                    continue
                if name.split(".")[0] in KEPT_OUT_OF_FACES:
                    wrong.append(f"{where}: {way} loads {name}")
                ancestors = [name.rsplit(".", n)[0] for n in range(name.count(".") + 1)]
                for known in ancestors:
                    if known in sources() and known not in seen:
                        seen.add(known)
                        waiting.append((known, f"{way} > {known}"))
    report(wrong)


def test_only_settings_reads_the_environment() -> None:
    wrong = []
    for path in sources().values():
        name = path.relative_to(ROOT).as_posix()
        if name == "greenroom/settings.py" or name in STANDALONE:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
                if isinstance(node.value, ast.Name) and node.value.id == "os":
                    wrong.append(f"{place(path, node)}: only settings.py reads os.{node.attr}")
            elif isinstance(node, ast.ImportFrom) and node.module == "os":
                wrong += [
                    f"{place(path, node)}: only settings.py reads os.{alias.name}"
                    for alias in node.names
                    if alias.name in {"environ", "environb", "getenv"}
                ]
    report(wrong)


def test_only_the_unit_of_work_commits() -> None:
    wrong = []
    for path in sources().values():
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = called or (node.func.id if isinstance(node.func, ast.Name) else "")
            if called in {"commit", "rollback"} and isinstance(node.func, ast.Attribute):
                wrong.append(f"{place(path, node)}: only unit_of_work() ends a transaction")
            if called in {"create_engine", "sessionmaker"} and name != "greenroom/store/work.py":
                wrong.append(f"{place(path, node)}: only greenroom.store.work makes engines")
    report(wrong)


def test_every_audited_act_has_its_right() -> None:
    """What is written into the audit trail asks first; the table says whom that allows."""
    tree_of_rights = tree(ROOT / "greenroom" / "rights.py")
    known = {n.value for n in ast.walk(tree_of_rights) if isinstance(n, ast.Constant)}
    wrong = []
    for path in sources().values():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            at = {"record_audit": 2, "ask_right": 1}.get(node.func.id)
            if at is None or len(node.args) <= at:
                continue
            wrong += [
                f"{place(path, node)}: which role may {act}? greenroom/rights.py says it"
                for act in _literals(node.args[at])
                if act not in known and not any(str(k).startswith(act + ".") for k in known)
            ]
    report(wrong)


def _literals(node: ast.expr) -> Iterator[str]:
    """Give the acts that an argument may name; of ``f"deployment.{kind}"`` the noun."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value).rstrip(".")


FLOWS = sorted((ROOT / "flows").glob("*.py"))
FLOW_STATEMENTS = (ast.If, ast.For, ast.With, ast.Expr, ast.Assign, ast.Return, ast.Pass)
PLAIN = {"len", "range", "sorted", "enumerate", "zip"}


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_is_a_table_of_contents(path: Path) -> None:
    wrong = []
    lines = len(path.read_text().splitlines())
    if lines > MAX_FLOW_LINES:
        wrong.append(f"{path.name} has {lines} lines, {MAX_FLOW_LINES} are allowed")
    body = tree(path).body
    known = PLAIN | {
        alias.asname or alias.name
        for node in body
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] in {"tasks", "flows"}
        for alias in node.names
    }
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    known |= {function.name for function in functions}
    for node in body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring and not isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
            wrong.append(f"{place(path, node)}: a flow's file has imports and flows only")
    for function in functions:
        for node in ast.walk(function):
            is_inner = isinstance(node, ast.stmt) and node is not function
            if is_inner and not isinstance(node, FLOW_STATEMENTS):
                wrong.append(f"{place(path, node)}: no {type(node).__name__} in a flow")
            decorators = {call for d in function.decorator_list for call in ast.walk(d)}
            if isinstance(node, ast.Call) and node not in decorators:
                called = node.func.id if isinstance(node.func, ast.Name) else None
                if called not in known:
                    wrong.append(
                        f"{place(path, node)}: {ast.unparse(node.func)} is no task or flow"
                    )
    report(wrong)


def test_no_flow_is_named_like_a_package() -> None:
    """Prefect puts this folder first on the import path."""
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "flows"]
    report(
        [
            f"flows/{path.name} would hide the package {path.stem}"
            for path in FLOWS
            if path.stem != "__init__"
            and (
                path.stem in sys.stdlib_module_names
                or importlib.machinery.PathFinder.find_spec(path.stem, elsewhere) is not None
            )
        ]
    )


def test_public_functions_have_docstrings() -> None:
    wrong = []
    for path in sources().values():
        if path.relative_to(ROOT).parts[0] in {"ui", "benchmarks"}:
            continue
        waiting: list[ast.stmt] = list(tree(path).body)
        while waiting:
            node = waiting.pop()
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(node, ast.ClassDef):
                if not node.name.startswith("_"):
                    waiting += node.body
            elif not is_function:
                continue
            overrides = is_function and any(
                ast.unparse(d).endswith(("override", ".setter")) for d in node.decorator_list
            )
            if not node.name.startswith("_") and not overrides and not ast.get_docstring(node):
                wrong.append(f"{place(path, node)}: {node.name} says nothing")
    report(wrong)


def test_no_file_is_too_long_to_read_in_a_sitting() -> None:
    paths = [*sources().values(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").glob("*")]
    counted = [(path, len(path.read_text().splitlines())) for path in paths if path.is_file()]
    report(
        [
            f"{path.relative_to(ROOT)} has {lines} lines, {MAX_LINES} are allowed"
            for path, lines in counted
            if lines > MAX_LINES
        ]
    )
