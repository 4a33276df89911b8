"""Builders: a folder's, and an engine's."""

from __future__ import annotations

import hashlib
import io
import os
import pwd
import shutil
import tarfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from greenroom.errors import BuildFailed, HostingError, LimitReached, Overtaken
from greenroom.hosting.base import Artifact, Builder, BuildOrder
from greenroom.hosting.engine import connect
from greenroom.hosting.folder import FolderBuilder, digest_folder
from greenroom.hosting.images import DockerBuilder
from greenroom.manifest import Build, Manifest
from greenroom.secrets import Redactor
from greenroom.settings import Settings

pytestmark = pytest.mark.contract
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave its rights")
LEAKED = "hunter2-of-the-platform"
FROM = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY app /app\n"


def quiet() -> None:
    """Check nothing."""


class Workshop:
    """One builder, and sources for it in which ``command`` is what is built."""

    def __init__(self, kind: str, settings: Settings, busybox: Path | None) -> None:
        self.kind, self.settings, self.busybox = kind, settings, busybox
        self.builder: Builder = (
            DockerBuilder(settings) if kind == "docker" else FolderBuilder(settings)
        )
        self.made: list[Artifact] = []
        self.log: list[str] = []

    def order(self, command: str, commit: str = "", **build: Any) -> BuildOrder:
        commit = commit or uuid.uuid4().hex
        source = self.settings.path("sources", uuid.uuid4().hex)
        (source / "app").mkdir(parents=True)
        (source / "app" / "index.html").write_text("<h1>the shop</h1>\n")
        (source / "app" / "run").write_text("#!/bin/sh\n")
        (source / "app" / "run").chmod(0o755)
        (source / "app" / "link").symlink_to("index.html")
        if self.busybox is not None:
            shutil.copy(self.busybox, source / "busybox")
            step = f'RUN ["/bin/busybox", "sh", "-c", "{command}"]\n' if command else ""
            (source / "Dockerfile").write_text(FROM + step)
            command = ""
        manifest = Manifest(build=Build(command=command, **build))
        return BuildOrder("sample", commit, source, manifest, {"TOKEN": "given"})

    def build(self, order: BuildOrder, check: Callable[[], None] = quiet) -> Artifact:
        artifact = self.builder.build(order, self.log.append, check)
        self.made.append(artifact)
        return artifact

    def clean(self) -> None:
        for artifact in self.made:
            self.builder.remove(artifact.identity, artifact.location)


@pytest.fixture(params=["folder", pytest.param("docker", marks=pytest.mark.needs_docker)])
def workshop(request: pytest.FixtureRequest, home: Path) -> Any:
    busybox = None
    if request.param == "docker":
        request.getfixturevalue("engine")
        busybox = request.getfixturevalue("busybox")
    made = Workshop(request.param, Settings(), busybox)
    yield made
    made.clean()


@pytest.fixture
def folders(home: Path) -> Workshop:
    return Workshop("folder", Settings(), None)


def test_the_same_source_is_the_same_artifact(workshop: Workshop) -> None:
    one = workshop.build(workshop.order("", "a" * 40))
    other = workshop.order("", "a" * 40)
    os.utime(other.source / "app" / "index.html", (1, 1))
    two = workshop.build(other)
    assert one == two
    assert one.identity.startswith("sha256:")
    assert len(one.identity) == 71
    assert one.size_bytes > 0
    changed = workshop.order("", "a" * 40)
    (changed.source / "app" / "index.html").write_text("<h1>another</h1>\n")
    assert workshop.build(changed).identity != one.identity


def test_an_artifact_is_there_until_it_is_removed(workshop: Workshop) -> None:
    made = workshop.build(workshop.order(f"echo {uuid.uuid4()}"))
    assert workshop.builder.is_present(made.identity, made.location)
    for _ in range(2):
        workshop.builder.remove(made.identity, made.location)
        assert not workshop.builder.is_present(made.identity, made.location)
    assert not workshop.builder.is_present("sha256:" + "0" * 64, "/nonexistent")


def test_what_a_build_says_is_in_the_log(workshop: Workshop) -> None:
    mark = uuid.uuid4().hex
    workshop.build(workshop.order(f"echo first-{mark}; echo second-{mark} >&2"))
    assert f"first-{mark}" in workshop.log
    assert f"second-{mark}" in workshop.log


def test_a_failing_build_says_how(workshop: Workshop) -> None:
    mark = uuid.uuid4().hex
    with pytest.raises(BuildFailed) as failed:
        workshop.build(workshop.order(f"echo because-{mark}; exit 3"))
    assert "exit code" in failed.value.message.replace("exit code: 3", "exit code 3")
    assert "3" in failed.value.message
    assert failed.value.hint
    assert any(f"because-{mark}" in line for line in workshop.log)


def _sleepers(mark: str) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]


def test_a_hanging_build_that_is_not_wanted_any_more_ends_soon(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    mark, told = f"6{time.time_ns() % 100_000:05}", list[float]()

    def check() -> None:
        if _sleepers(mark):
            told.append(time.monotonic())
            raise Overtaken

    with pytest.raises(Overtaken):
        workshop.build(workshop.order(f"busybox sleep {mark}" if workshop.kind == "docker" else
                                      f"sleep {mark}"), check)  # fmt: skip
    assert time.monotonic() - told[0] < 2
    eventually(lambda: not _sleepers(mark))


def test_a_build_that_takes_too_long_is_ended(
    workshop: Workshop, eventually: Callable[..., Any]
) -> None:
    mark = f"7{time.time_ns() % 100_000:05}"
    shell = "busybox sleep" if workshop.kind == "docker" else "sleep"
    with pytest.raises(BuildFailed, match="longer than 2 s"):
        workshop.build(workshop.order(f"{shell} {mark}", timeout_seconds=2))
    eventually(lambda: not _sleepers(mark))


def test_a_full_disk_is_refused_before_the_build(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000_000))
    with pytest.raises(LimitReached) as refused:
        workshop.build(workshop.order("echo never"))
    assert refused.value.hint
    assert "never" not in workshop.log


def test_what_is_not_there_is_named(workshop: Workshop) -> None:
    if workshop.kind == "docker":
        with pytest.raises(BuildFailed, match="no Nope in the repository"):
            workshop.build(workshop.order("", dockerfile="Nope"))
        broken = workshop.order("")
        (broken.source / "Dockerfile").write_text("FRUM scratch\n")
        with pytest.raises(BuildFailed, match="FRUM"):
            workshop.build(broken)
    else:
        with pytest.raises(BuildFailed, match="no folder 'dist'"):
            workshop.build(workshop.order("", output="dist"))


MOUNTS = """\
FROM scratch
ARG COLOUR
ARG API_TOKEN
COPY busybox /bin/busybox
RUN --mount=type=secret,id=API_TOKEN,required=true ["/bin/busybox", "sh", "-c", \\
    "echo said $(/bin/busybox cat /run/secrets/API_TOKEN) in $COLOUR with [$API_TOKEN]; \\
     /bin/busybox sha256sum /run/secrets/API_TOKEN | /bin/busybox cut -c1-64 >/digest; \\
     /bin/busybox env >/env; /bin/busybox sleep ${SLEEP:-0}"]
COPY app /app
"""


@pytest.mark.needs_docker
def test_a_secret_is_mounted_and_stays_nowhere(
    engine: None, busybox: Path, home: Path, monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[..., Any],
) -> None:  # fmt: skip
    """Neither layer, history, configuration nor log have it; nor is it a build argument."""
    secret = uuid.uuid4().hex
    workshop = Workshop("docker", Settings(), busybox)
    plain = workshop.order("")
    mounts = MOUNTS.replace("echo said", f": {uuid.uuid4()}; echo said")  # past the cache
    (plain.source / "Dockerfile").write_text(mounts)
    given = {"API_TOKEN": secret, "OTHER": "unasked" + secret, "COLOUR": "teal"}

    def order(**build: Any) -> BuildOrder:
        manifest = Manifest(build=Build(**build))
        return BuildOrder("sample", plain.commit, plain.source, manifest, given, {"COLOUR": "teal"})

    client = connect(workshop.settings)
    try:
        made = workshop.build(order())
        said = "\n".join(workshop.log)
        assert "in teal with []" in said
        assert "API_TOKEN is a secret, and no build argument" in said
        assert secret in said  # a step that tells it: the log of a deployment is redacted
        assert secret not in Redactor([secret])(said)
        image = client.images.get(made.identity)
        assert image.labels["greenroom.copy"] == "image"
        with tarfile.open(fileobj=io.BytesIO(b"".join(image.save()))) as saved:
            whole = {m.name: saved.extractfile(m).read() for m in saved if m.isfile()}  # type: ignore[union-attr]
        layers = b"".join(whole.values())
        assert hashlib.sha256(secret.encode()).hexdigest().encode() in layers  # it was read
        assert secret.encode() not in layers  # archive of layers, configuration and history
        assert secret not in str(image.history())
        assert secret not in str(image.attrs)
        assert b"COLOUR=teal" in layers

        told = list[float]()

        def check() -> None:
            if _sleepers("7654"):
                told.append(time.monotonic())
                raise Overtaken

        text = mounts.replace("${SLEEP:-0}", "7654")
        (plain.source / "Dockerfile").write_text(text)
        with pytest.raises(Overtaken):
            workshop.build(order(), check)
        assert time.monotonic() - told[0] < 3
        eventually(lambda: not _sleepers("7654"))

        given.pop("API_TOKEN")  # a stranger's code gets none
        with pytest.raises(BuildFailed):
            workshop.build(order())
        given["API_TOKEN"] = secret
        monkeypatch.setenv("PATH", str(home))
        with pytest.raises(HostingError, match="no docker command here can hand one over"):
            workshop.build(order())
    finally:
        workshop.clean()


@pytest.mark.needs_docker
def test_what_dockerignore_names_stays_out(
    engine: None, busybox: Path, home: Path, eventually: Callable[..., Any]
) -> None:
    workshop = Workshop("docker", Settings(), busybox)
    order = workshop.order(
        "cd /app; /bin/busybox find . -type f | /bin/busybox sort; /bin/busybox test ! -e .git"
    )
    for name in ("app/.git/config", "app/node_modules/x/y", "app/keep.log", "app/drop.log", ".env"):
        file = order.source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(uuid.uuid4().hex)
    (order.source / ".git").mkdir()
    (order.source / ".git" / "config").write_text("x")
    (order.source / ".dockerignore").write_text(
        "# a comment\n\n**/node_modules\n*/*.log\n!app/keep.log\n.env\n**/.git\nDockerfile\n"
    )
    try:
        workshop.build(order)
    finally:
        workshop.clean()
    assert {line for line in workshop.log if line.startswith("./")} == {
        "./index.html", "./run", "./keep.log",
    }  # fmt: skip


def test_the_kept_folder_is_the_output(folders: Workshop) -> None:
    artifact = folders.build(
        folders.order(
            "mkdir -p dist/.git; echo $TOKEN >dist/page; touch dist/.git/x", output="dist"
        )
    )
    kept = Path(artifact.location)
    assert (kept / "page").read_text() == "given\n"
    assert not (kept / ".git").exists()
    assert kept.is_relative_to(folders.settings.path("releases", "sample"))
    assert [p.name for p in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ln -s /etc/passwd app/evil", "app/evil is a link that leaves"),
        ("ln -s ../../../../etc app/evil", "app/evil is a link that leaves"),
        ("ln -s $PWD/app/index.html app/evil", "app/evil is a link that leaves"),
        ("ln -s evil app/evil", "app/evil is a link that leaves"),
        ("mkfifo app/pipe", "pipe is neither file"),
    ],
)
def test_what_must_not_be_in_a_release(folders: Workshop, command: str, words: str) -> None:
    with pytest.raises(BuildFailed, match=words):
        folders.build(folders.order(command))


def test_the_output_itself_cannot_be_elsewhere(folders: Workshop) -> None:
    with pytest.raises(BuildFailed, match="leaves the repository"):
        folders.build(folders.order("ln -s /etc dist", output="dist"))


def test_a_folder_of_another_name_has_the_same_digest(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_bytes(b"\xff\x00")
        (tmp_path / name / os.fsdecode(b"\xff-not-utf8")).touch()
    digest = digest_folder(tmp_path / "one")
    assert digest == digest_folder(tmp_path / "two")
    (tmp_path / "two" / "sub" / "file").chmod(0o755)
    assert digest != digest_folder(tmp_path / "two")


@AS_ROOT
def test_a_build_has_no_rights_of_the_platform(
    folders: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folders.settings.home
    (home / "secret.key").write_text(LEAKED)
    (home / "secret.key").chmod(0o600)
    monkeypatch.setenv("GREENROOM_SECRET_KEY", LEAKED)
    folders.build(
        folders.order(
            f"id -u; cat {home}/secret.key /proc/self/environ; touch {home}/x /etc/x; env;"
            " grep NoNewPrivs /proc/self/status; touch $HOME/kept $TMPDIR/tmp && echo written"
        )
    )
    assert folders.log[1] != "0"
    assert LEAKED not in "\n".join(folders.log)
    assert "NoNewPrivs:\t1" in folders.log
    assert folders.log[-1] == "written"
    again = folders.order("ls $HOME")  # its cache is kept from build to build
    folders.build(again)
    assert "kept" in folders.log


@AS_ROOT
def test_a_projects_variables_reach_no_process_of_root(folders: Workshop, home: Path) -> None:
    """Some variables make the dynamic loader run code, or write files, in whoever has them."""
    traces = home / "traces"
    traces.mkdir()
    traces.chmod(0o777)
    order = folders.order("id -u; sleep 0")
    variables = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": f"{traces}/t", "CI": "x", "HOME": "/root"}
    folders.build(BuildOrder("sample", order.commit, order.source, order.manifest, variables))
    owners = {file.stat().st_uid for file in traces.iterdir()}
    assert owners == {pwd.getpwnam("nobody").pw_uid}


@AS_ROOT
def test_a_release_gives_nobody_rights_and_can_be_read(folders: Workshop) -> None:
    artifact = folders.build(
        folders.order(
            "cp /bin/sh app/sh; chmod 4755 app/sh; chmod 600 app/index.html; chmod 700 app"
        )
    )
    kept = Path(artifact.location)
    assert (kept / "app" / "sh").stat().st_mode & 0o7777 == 0o755
    assert (kept / "app" / "index.html").stat().st_mode & 0o7777 == 0o644
    assert (kept / "app").stat().st_mode & 0o7777 == 0o755


@AS_ROOT
def test_a_file_of_another_account_is_not_taken_along(folders: Workshop) -> None:
    order = folders.order("true")
    os.link("/etc/hostname", order.source / "app" / "stolen") if _same_disk(order) else None
    if not (order.source / "app" / "stolen").exists():
        pytest.skip("hard links to it are not possible here")
    with pytest.raises(BuildFailed, match="belongs to another account"):
        folders.build(order)
    assert Path("/etc/hostname").stat().st_uid == 0


def _same_disk(order: BuildOrder) -> bool:
    return Path("/etc/hostname").stat().st_dev == order.source.stat().st_dev


def test_what_a_build_leaves_running_is_ended(
    folders: Workshop, eventually: Callable[..., Any]
) -> None:
    mark = f"8{time.time_ns() % 100_000:05}"
    folders.build(folders.order(f"sleep {mark} & echo started"))
    eventually(lambda: not _sleepers(mark))
