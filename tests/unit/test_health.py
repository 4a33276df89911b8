from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from greenroom.errors import HealthCheckFailed, Overtaken
from greenroom.hosting import health
from greenroom.hosting.base import Liveness
from greenroom.manifest import Health

REFUSED, GOOD = "nothing listens on its port yet", ""


class World:
    """A clock that moves only by sleeping, and a copy that answers as it is told."""

    def __init__(self, answers: list[str], dies_after: int | None = None) -> None:
        self.now, self.answers, self.dies_after = 0.0, answers, dies_after
        self.probes, self.slept, self.said = 0, list[float](), list[str]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def probe(self, *_: Any) -> str:
        self.probes += 1
        return self.answers[min(self.probes, len(self.answers)) - 1]

    def liveness(self, name: str) -> Liveness:
        dead = self.dies_after is not None and self.probes >= self.dies_after
        return Liveness(not dead, "it ended with exit code 3" if dead else "")

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        return ["first line", "last line"]

    def wait(self, settings: Health, check: Any = lambda: None) -> int:
        return health.wait_until_healthy(
            "copy", "http://127.0.0.1:1", "host", settings, self, self.said.append, check,
            sleep=self.sleep,
        )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(answers: list[str], dies_after: int | None = None) -> World:
        made = World(answers, dies_after)
        monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=made.monotonic))
        monkeypatch.setattr(health, "probe", made.probe)
        return made

    return make


def test_it_is_healthy_after_enough_good_answers_in_a_row(world: Any) -> None:
    made = world([REFUSED, REFUSED, GOOD, "broke off", GOOD, GOOD, GOOD])
    assert made.wait(Health(successes=3)) == 7
    assert made.said == [REFUSED, "broke off"]


def test_the_pause_is_short_once_it_answers(world: Any) -> None:
    made = world([REFUSED, GOOD, GOOD])
    made.wait(Health(interval_seconds=2))
    assert made.slept == [2, 0.05]


def test_one_that_dies_fails_at_once_with_its_last_lines(world: Any) -> None:
    made = world([REFUSED], dies_after=2)
    with pytest.raises(HealthCheckFailed) as failed:
        made.wait(Health())
    assert "exit code 3" in failed.value.message
    assert failed.value.log_tail == "first line\nlast line"
    assert made.now == 1.0


def test_one_that_never_answers_fails_when_its_time_is_over(world: Any) -> None:
    made = world([REFUSED])
    with pytest.raises(HealthCheckFailed) as failed:
        made.wait(Health(timeout_seconds=10))
    assert 10 < made.now <= 10.5
    assert "within 10 s: nothing listens" in failed.value.message
    assert "$PORT" in failed.value.hint
    assert "last line" in failed.value.log_tail


def test_one_that_listens_late_is_healthy(world: Any) -> None:
    assert world([REFUSED] * 50 + [GOOD]).wait(Health(timeout_seconds=60)) == 52


def test_a_deployment_that_is_not_wanted_any_more_stops_waiting(world: Any) -> None:
    made = world([REFUSED])

    def check() -> None:
        if made.probes == 3:
            raise Overtaken("a newer one")

    with pytest.raises(Overtaken):
        made.wait(Health(), check)
    assert made.probes == 3
