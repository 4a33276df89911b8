"""``greenroom.yaml``: parsed strictly, refused with file, line and what is allowed.

``manifest.yaml`` beside this module is documentation, defaults and ``greenroom init`` output at
once; a test parses it and compares it with the defaults here.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import PurePosixPath
from typing import Any, get_type_hints

import yaml

from greenroom.compare_rules import Rules, parse_rules
from greenroom.errors import InvalidManifest
from greenroom.sizes import SIZE, SIZES, bytes_of
from greenroom.sizes import Resources as Resources
from greenroom.surroundings import Egress, Mail, Service, read_entry, what_is_wrong
from greenroom.yamlfile import compose

FILE_NAME = "greenroom.yaml"
MAX_BYTES = 64 * 1024
"""A manifest is written by hand; anything longer is a mistake or an attack."""
VENDORS = ("netlify", "vercel")
"""Runtimes that are somebody else's: nothing of them runs on this machine."""
RUNTIMES = ("auto", "static", "process", "docker", *VENDORS)
MAX_TEXT = 8192
_PATH = re.compile(r"/[!-~]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


@dataclass(frozen=True)
class Build:
    """How the artifact is made."""

    command: str = ""
    output: str = "."
    dockerfile: str = "Dockerfile"
    timeout_seconds: int = 600


@dataclass(frozen=True)
class Run:
    """How the artifact is run."""

    command: str = ""
    port: int = 8080
    release: str = ""
    release_timeout_seconds: int = 300
    seed: str = ""
    seed_timeout_seconds: int = 300
    after_deploy: str = ""
    after_deploy_timeout_seconds: int = 300
    stop_seconds: int = 10


@dataclass(frozen=True)
class Health:
    """How a healthy version is told."""

    path: str = "/"
    status: int = 200
    text: str = ""
    start_seconds: float = 0
    timeout_seconds: float = 60
    interval_seconds: float = 0.5
    successes: int = 2
    watch_seconds: float = 60


@dataclass(frozen=True)
class Idle:
    """When a staging environment that nobody visits is put to sleep; 0 is never."""

    pause_seconds: float = 600
    stop_seconds: float = 7200


@dataclass(frozen=True)
class Lifetime:
    """When a staging environment goes by itself; 0 is never."""

    days: float = 0
    warn_hours: float = 24


@dataclass(frozen=True)
class Database:
    """Whether the environment has a database of its own."""

    engine: str = "none"


@dataclass(frozen=True)
class Manifest:
    """A whole ``greenroom.yaml``."""

    version: int = 1
    runtime: str = "auto"
    root: str = "."
    build: Build = field(default_factory=Build)
    run: Run = field(default_factory=Run)
    health: Health = field(default_factory=Health)
    resources: Resources = field(default_factory=Resources)
    database: Database = field(default_factory=Database)
    compare: dict[str, Any] = field(default_factory=dict)
    idle: Idle = field(default_factory=Idle)
    lifetime: Lifetime = field(default_factory=Lifetime)
    services: dict[str, Service] = field(default_factory=dict)
    egress: Egress = field(default_factory=Egress)
    mail: Mail = field(default_factory=Mail)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def comparison(self) -> Rules:
        """What it says of comparisons."""
        return parse_rules(self.compare)

    def as_json(self) -> dict[str, Any]:
        """Give the manifest as plain data."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """Fingerprint of what it says, whatever its spelling."""
        said = self.as_json()
        del said["compare"]  # it makes no other artifact
        for later in ("services", "egress", "mail"):  # not said: the digest of before any
            if said[later] in ({}, {"allow": ()}, {"variables": {}}):
                del said[later]
        plain = json.dumps(said, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Manifest:
        """Rebuild a manifest that :meth:`as_json` gave."""
        parts: dict[str, Any] = {
            "build": Build,
            "run": Run,
            "health": Health,
            "resources": Resources,
        }
        parts |= {"database": Database, "idle": Idle, "lifetime": Lifetime, "mail": Mail}
        known = {key: parts[key](**value) if key in parts else value for key, value in data.items()}
        if "egress" in data:
            known["egress"] = Egress(tuple(data["egress"]["allow"]))
        if "services" in data:
            known["services"] = {name: Service(**one) for name, one in data["services"].items()}
        return cls(**known)


def _refuse(message: str, node: yaml.Node | None, hint: str = "") -> InvalidManifest:
    line = node.start_mark.line + 1 if node is not None else None
    return InvalidManifest(message, file=FILE_NAME, line=line, hint=hint)


def parse_manifest(text: str | bytes) -> Manifest:
    """Parse a manifest's text.

    Errors: InvalidManifest, with the line.
    """
    root = compose(text, MAX_BYTES, InvalidManifest)
    if root is None:
        raise InvalidManifest("the file is empty", hint="Write at least: version: 1")
    manifest: Manifest = _read(Manifest, root, "")
    _check(manifest, root)
    return manifest


def _read(kind: Any, node: yaml.Node, where: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        raise _refuse(f"{where or 'the file'} must be a mapping of keys to values", node)
    types, known = get_type_hints(kind), {f.name for f in fields(kind)}
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise _refuse(
                f"unknown key {str(key)[:60]!r}" + (f" in {where}" if where else ""),
                key_node,
                (f"Did you mean {near[0]!r}? " if near else "")
                + f"Allowed: {', '.join(sorted(known))}.",
            )
        if key in values:
            raise _refuse(f"{key!r} is given twice", key_node)
        path = f"{where}.{key}" if where else key
        values[key] = _value(types[key], value_node, path)
    return kind(**values)


def _value(wanted: Any, node: yaml.Node, where: str) -> Any:
    if is_dataclass(wanted):
        return _read(wanted, node, where)
    if wanted == dict[str, str]:
        return _read_variables(node, where)
    if wanted == dict[str, Any]:
        return _read_compare(node)
    if wanted == dict[str, Service]:
        return _read_services(node, where)
    if wanted == tuple[str, ...]:
        return _read_entries(node, where)
    if not isinstance(node, yaml.ScalarNode):
        raise _refuse(f"{where} must be a single value", node)
    raw = node.value
    if wanted is str:
        if node.tag == "tag:yaml.org,2002:null":
            return ""
        return _text(node, where)
    try:
        number = wanted(raw)
    except ValueError as error:
        kind = "a whole number" if wanted is int else "a number"
        raise _refuse(f"{where} must be {kind}, not {raw[:40]!r}", node) from error
    return number


def _text(node: yaml.ScalarNode, where: str) -> str:
    """Give a text that a process's environment and Postgres can hold."""
    raw: str = node.value
    if len(raw) > MAX_TEXT:
        raise _refuse(f"{where} has more than {MAX_TEXT} characters", node)
    if "\0" in raw or any("\ud800" <= character <= "\udfff" for character in raw):
        raise _refuse(f"{where} holds a NUL or half a character", node)
    return raw


def _read_variables(node: yaml.Node, where: str) -> dict[str, str]:
    if not isinstance(node, yaml.MappingNode):
        raise _refuse(f"{where} must be a mapping of names to values", node)
    found: dict[str, str] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or not _VARIABLE.fullmatch(key.value):
            raise _refuse(f"{where}: not a variable's name", key)
        if key.value.startswith("GREENROOM_") or key.value in ("PORT", "HOST", "DATABASE_URL"):
            raise _refuse(f"{key.value} is set by Greenroom", key)
        if not isinstance(value, yaml.ScalarNode):
            raise _refuse(f"{where}.{key.value} must be a single value", value)
        if key.value in found:
            raise _refuse(f"{key.value!r} is given twice", key)
        found[key.value] = _text(value, f"{where}.{key.value}")
    return found


def _read_compare(node: yaml.Node) -> dict[str, Any]:
    try:
        said = yaml.SafeLoader.construct_document(yaml.SafeLoader(""), node)
        return parse_rules(said).model_dump(mode="json", exclude_defaults=True)
    except yaml.YAMLError as error:
        raise _refuse("compare is not valid YAML", node) from error
    except InvalidManifest as error:
        raise _refuse(error.message, node, error.hint) from error


def _read_entries(node: yaml.Node, where: str) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _refuse(f"{where} must be a list", node, "For example: [api.partner.example:443]")
    found = []
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode):
            raise _refuse(f"{where}: each entry is a host and a port", item)
        try:
            found.append(read_entry(_text(item, where)))
        except ValueError as error:
            raise _refuse(f"{where}: {item.value[:80]!r} {error}", item) from error
    return tuple(dict.fromkeys(found))


def _read_services(node: yaml.Node, where: str) -> dict[str, Service]:
    if not isinstance(node, yaml.MappingNode):
        raise _refuse(f"{where} must be a mapping of names to services", node)
    found: dict[str, Service] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        made: Service = _read(Service, value, f"{where}.{name[:40]}")
        wrong = what_is_wrong(name, made, found)
        if wrong:
            raise _refuse(f"{where}: {wrong[0]}", key, wrong[1])
        found[name] = made
    return found


def _node(root: yaml.Node, path: str) -> yaml.Node | None:
    node: yaml.Node | None = root
    for part in path.split("."):
        if not isinstance(node, yaml.MappingNode):
            return node
        node = next((v for k, v in node.value if k.value == part), node)
    return node


_RANGES: dict[str, tuple[float, float]] = {
    "build.timeout_seconds": (1, 7200),
    "run.port": (1, 65535),
    "run.release_timeout_seconds": (1, 7200),
    "run.seed_timeout_seconds": (1, 7200),
    "run.after_deploy_timeout_seconds": (1, 7200),
    "run.stop_seconds": (0, 300),
    "health.status": (100, 599),
    "health.start_seconds": (0, 600),
    "health.watch_seconds": (0, 3600),
    "health.timeout_seconds": (1, 1800),
    "health.interval_seconds": (0.05, 60),
    "health.successes": (1, 20),
    "idle.pause_seconds": (0, 31_536_000),
    "idle.stop_seconds": (0, 31_536_000),
    "lifetime.days": (0, 3650),
    "lifetime.warn_hours": (0, 720),
}


def _check(manifest: Manifest, root: yaml.Node) -> None:
    data = manifest.as_json()

    def at(path: str) -> Any:
        value: Any = data
        for part in path.split("."):
            value = value[part]
        return value

    if manifest.version != 1:
        raise _refuse(
            f"version {manifest.version} is not known", _node(root, "version"), "Allowed: 1."
        )
    if manifest.runtime not in RUNTIMES:
        raise _refuse(
            f"runtime {manifest.runtime!r} is not known",
            _node(root, "runtime"),
            f"Allowed: {', '.join(RUNTIMES)}.",
        )
    if manifest.database.engine not in ("none", "postgres"):
        raise _refuse(
            f"database.engine {manifest.database.engine!r} is not known",
            _node(root, "database.engine"),
            "Allowed: none, postgres.",
        )
    for path, (low, high) in _RANGES.items():
        value = at(path)
        if not low <= value <= high:
            raise _refuse(f"{path} is {value}", _node(root, path), f"Allowed: {low} to {high}.")
    for path in ("root", "build.output", "build.dockerfile"):
        if not _is_inside(at(path)):
            raise _refuse(
                f"{path} {at(path)!r} leaves the repository",
                _node(root, path),
                "Use a relative path without '..'.",
            )
    if not _PATH.fullmatch(manifest.health.path):
        raise _refuse(
            f"health.path {manifest.health.path!r} is no path of an address",
            _node(root, "health.path"),
            "Start it with '/'; write spaces and letters beyond ASCII as %20 and the like.",
        )
    _check_resources(manifest.resources, root)
    if manifest.runtime == "process" and not manifest.run.command.strip():
        raise _refuse(
            "runtime 'process' needs run.command",
            _node(root, "runtime"),
            "For example: run: {command: exec node server.js}",
        )


def _check_resources(wanted: Resources, root: yaml.Node) -> None:
    if wanted.size not in SIZES:
        raise _refuse(
            f"resources.size {wanted.size!r} is not known",
            _node(root, "resources.size"),
            f"Allowed: {', '.join(SIZES)}.",
        )
    for path, text in (("memory", wanted.memory), ("disk", wanted.disk)):
        size = SIZE.fullmatch(text) if text or path == "disk" else True
        if size is None or (text and bytes_of(text) < 8 * 1024**2):
            raise _refuse(
                f"resources.{path} {text!r} is no size",
                _node(root, f"resources.{path}"),
                "Write it like 256m or 2g; 8m at least.",
            )
    for path, value, low, high in (
        ("cpu", wanted.cpu, 0.05, 256), ("processes", wanted.processes, 4, 100_000),
    ):  # fmt: skip
        if value and not low <= value <= high:
            raise _refuse(
                f"resources.{path} is {value}",
                _node(root, f"resources.{path}"),
                f"Allowed: {low} to {high}; 0 is what the size says.",
            )


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    windows_drive = len(path) > 1 and path[1] == ":"
    return bool(path) and not parts.is_absolute() and not windows_drive and ".." not in parts.parts
