"""Repositories, manifests and applications that are wrong: each is refused with a reason."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.flows
MANIFEST = "version: 1\nruntime: process\n"


def failed(site: Any, kind: str, *words: str, branch: str = "main") -> dict[str, str]:
    """Deploy, and see it refused by an error of that class that says these words."""
    done = site.deploy(branch, "failed")
    error: dict[str, str] = done.error
    assert error["error"] == kind, error
    for word in words:
        assert word in error["detail"] + error["hint"], error
    site.check_truth(branch, status=site.environment(branch).status)
    assert f"{kind}: {error['detail']}" in site.stage.log(done)
    return error


def test_an_unknown_branch(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("home"))
    assert failed(site, "UnknownRef", "gone", branch="gone")["hint"]
    assert site.get(branch="gone").status == 503


def test_an_empty_repository(new_site: Callable[..., Any]) -> None:
    failed(new_site(), "UnknownRef", "empty", "Push a first commit")


def test_nothing_that_could_be_run(new_site: Callable[..., Any]) -> None:
    site = new_site({"README": "a library", "greenroom.yaml": MANIFEST})
    failed(site, "InvalidManifest", "run.command")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("version: 1\nroot: ../..\n", ("greenroom.yaml:2", "root")),
        ("version: 1\nbuild: {output: /etc}\n", ("greenroom.yaml:2", "output")),
        ("version: 1\nrun:\n  comand: x\n", ("greenroom.yaml:3", "comand", "command")),
        ("version: 1\n" + "# much\n" * 1_500_000, ("bytes", "allowed")),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nversion: 1\n", ("aliases",)),
        ("version: [", ("greenroom.yaml",)),
    ],
    ids=["climbs", "absolute", "unknown key", "10 MB", "laughs", "no YAML"],
)
def test_a_hostile_manifest(
    new_site: Callable[..., Any], static: Any, manifest: str, words: tuple[str, ...]
) -> None:
    failed(new_site({**static("home"), "greenroom.yaml": manifest}), "InvalidManifest", *words)


def test_a_build_that_fails_shows_its_last_lines(new_site: Callable[..., Any]) -> None:
    build = "build:\n  command: echo compiling; echo no such module >&2; exit 7\n"
    site = new_site({"index.html": "x", "greenroom.yaml": f"version: 1\n{build}"})
    error = failed(site, "BuildFailed", "7")
    assert "no such module" in error["log_tail"]


def test_a_build_that_hangs_is_ended(new_site: Callable[..., Any]) -> None:
    build = "build:\n  command: echo waiting; sleep 613\n  timeout_seconds: 1\n"
    site = new_site({"index.html": "x", "greenroom.yaml": f"version: 1\n{build}"})
    error = failed(site, "BuildFailed", "1 s")
    assert "waiting" in error["log_tail"]


RUN = MANIFEST + "health: {{timeout_seconds: 3, interval_seconds: 0.1}}\nrun:\n  command: {}\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo cannot find the key; exit 3", ("died",)),
        ("echo idle; exec sleep 600", ("not healthy within 3 s", "listens")),
    ],
    ids=["exits", "never listens"],
)
def test_an_app_that_does_not_come_up(
    new_site: Callable[..., Any], app: Any, command: str, words: tuple[str, ...]
) -> None:
    site = new_site(app("1"))
    site.deploy()
    site.commit({"greenroom.yaml": RUN.format(command)})
    with site.visitor() as visitor:
        error = failed(site, "HealthCheckFailed", *words)
    assert visitor.wrong == []
    assert visitor.count > 10
    assert command.split(";")[0].removeprefix("echo ") in error["log_tail"]
    assert '"version": "1"' in site.get().text


def test_an_app_that_listens_late_is_waited_for(new_site: Callable[..., Any], app: Any) -> None:
    files = app("late")
    files["greenroom.yaml"] = files["greenroom.yaml"].replace("exec", "sleep 3; exec", 1)
    site = new_site(files)
    assert "nothing listens on its port yet" in site.stage.log(site.deploy())
    site.check_truth()


def test_a_flood_of_words_is_bounded(new_site: Callable[..., Any], app: Any) -> None:
    files = app("loud")
    files["greenroom.yaml"] = files["greenroom.yaml"].replace(
        "exec", "(yes flood | head -c 12000000) ; exec", 1
    )
    files["greenroom.yaml"] += "build: {command: yes build | head -c 2000000}\n"
    site = new_site(files)
    done = site.deploy()
    assert len(site.stage.log(done)) < 5_000_000
    logs = site.stage.settings.path("logs").glob(f"*{site.name}*")
    assert sum(file.stat().st_size for file in logs) < 11_000_000
    site.check_truth()


def test_another_programs_port_is_not_taken(new_site: Callable[..., Any], app: Any) -> None:
    files = app("1")
    files["app.py"] = files["app.py"].replace('int(os.environ["PORT"])', "TAKEN")
    site = new_site(files)
    files["app.py"] = f"TAKEN = {site.stage.settings.gateway_port}\n{files['app.py']}"
    files["greenroom.yaml"] = files["greenroom.yaml"].replace(
        "timeout_seconds: 20", "timeout_seconds: 3"
    )
    site.commit(files)
    error = failed(site, "HealthCheckFailed")
    assert "Address already in use" in error["log_tail"]


def test_a_disk_that_is_nearly_full(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("home"))
    with least_free_bytes(site.stage, 10**16):
        failed(site, "LimitReached", "disk is nearly full")
    site.deploy()
    assert site.get().text == "<h1>home</h1>"


@contextlib.contextmanager
def least_free_bytes(stage: Any, value: int) -> Any:
    """Make the platform believe that its disk has too little room."""
    file = stage.settings.home / "greenroom.toml"
    before = file.read_text()
    file.write_text(f"{before}least_free_bytes = {value}\n")
    stage.restart("engine")
    try:
        yield
    finally:
        file.write_text(before)
        stage.restart("engine")


def test_a_live_payment_key_stays_out_of_staging(new_site: Callable[..., Any], static: Any) -> None:
    site = new_site(static("home"))
    key = "sk_" + "live_" + "51Habc" * 6
    site.set_variable("PAYMENT", key)
    site.deploy()  # production may charge
    site.commit(static("feature"), "feature")
    error = failed(site, "LiveKeyRefused", "PAYMENT (Stripe", "--kind staging", branch="feature")
    assert key not in str(error)
    assert "building" not in site.stage.log(site.deploy("feature", "failed"))
    site.set_variable("PAYMENT", "sk_test_" + "a" * 30, kind="staging")
    assert site.deploy("feature").status == "live"
    site.set_variable("PAYMENT", key, kind="staging")
    again = site.deploy("feature", "failed")  # what was built before is not started with it either
    assert again.error["error"] == "LiveKeyRefused"
    assert site.get(branch="feature").status == 200  # the last good version still serves
