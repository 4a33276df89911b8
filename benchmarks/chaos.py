"""Kills at random over deploy, promote, rollback and teardown; rival: the same without a kill.

``python -m benchmarks chaos`` kills 20 times and says so; ``chaos 1`` behind it is 100 times.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.line import Line
from benchmarks.village import Site, app, running_village, until, visit
from greenroom import orders, promotions
from greenroom.errors import GreenroomError
from greenroom.platform.up import Platform
from greenroom.store import deployments, environments
from greenroom.store.models import Environment, EnvironmentStatus
from greenroom.store.states import ProductionBy
from greenroom.store.work import unit_of_work

KILLS, FEWER = 100, 0.2
LONGEST_WAIT_SECONDS = 2.5
HEAL_SECONDS = 240
VICTIMS = ("run", "run", "run", "candidate", "worker", "engine", "prefect")
"""The flow run most of all: it is what does the work. The gateway is not among them: while it is
away it drops requests, and says so in the documentation."""
VERBS = ("deploy", "promote", "rollback", "teardown")


@dataclass
class Visits:
    """Somebody who asks production for its page without a pause."""

    host: str
    count: int = 0
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Visits:
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            self.count += 1
            try:
                status, body = visit(self.host, timeout=20)
            except OSError as error:
                self.wrong.append(type(error).__name__)
            else:
                if status != 200:
                    self.wrong.append(f"{status} {body[:60]!r}")


class Chaos:
    """Orders at random on one site, each with one kill at a random moment."""

    def __init__(
        self, platform: Platform, site: Any, change: Callable[[dict[str, str], str], str], seed: int
    ) -> None:
        self.platform, self.site, self.change = platform, site, change
        self.chance = random.Random(seed)
        self.version, self.done, self.is_harmless = 1, Counter[str](), False

    def prepare(self) -> None:
        """Have a production that changes by promotion, and two previews."""
        self.site.deploy()
        promotions.set_rule(self.site.name, by=ProductionBy.PROMOTION, needed=0, actor="benchmark")
        for branch in ("feature", "gone"):
            self._change(branch)
            self.site.deploy(branch)
        promotions.place_promotion(f"{self.site.name}/feature", actor="benchmark")

    def _change(self, branch: str) -> None:
        self.version += 1
        self.change(app(str(self.version)), branch)

    def strike(self) -> str:
        """Order something, and kill something while it is done; say what."""
        verb, victim = self.chance.choice(VERBS), self.chance.choice(VICTIMS)
        try:
            key = self._order(verb)
        except GreenroomError as error:  # the one before is not over: that is an answer, too
            self.done[f"refused: {type(error).__name__}"] += 1
            return ""
        time.sleep(self.chance.uniform(0, LONGEST_WAIT_SECONDS))
        if self._kill(victim, key):
            self.done[f"{verb}, {victim}"] += 1
            return f"{verb}, {victim}"
        return ""

    def _order(self, verb: str) -> uuid.UUID:
        reference = f"{self.site.name}/feature"
        if verb == "deploy":
            self._change("feature")
            return orders.place_deploy(self.site.name, "feature", actor="benchmark").environment_id
        if verb == "promote":
            return promotions.place_promotion(reference, actor="benchmark").environment_id
        if verb == "rollback":
            name = f"{self.site.name}/production"
            return orders.place_rollback(name, actor="benchmark").environment_id
        with contextlib.suppress(GreenroomError):
            return orders.place_destroy(f"{self.site.name}/gone", actor="benchmark")
        return orders.place_deploy(self.site.name, "gone", actor="benchmark").environment_id

    def _kill(self, victim: str, environment_id: uuid.UUID) -> bool:
        """Kill one part; False when it was not there any more."""
        if self.is_harmless:
            return True
        if victim in ("worker", "engine", "prefect"):
            return self._kill_program(victim)
        with unit_of_work() as work:
            lock = deployments.find_lock(work, environment_id)
            copies = environments.list_instances(work, environment_id)
        with contextlib.suppress(psutil.Error):
            if victim == "run" and lock is not None:
                psutil.Process(int(lock.process.split(":")[0])).kill()
                return True
        for copy in copies:
            if victim == "candidate" and copy.state == "starting":
                return self._kill_program(f"app-{copy.name}")
        return False

    def _kill_program(self, name: str) -> bool:
        with contextlib.suppress(GreenroomError, psutil.Error):
            state = self.platform.programs.state(name)
            if state is not None and state.pid:
                psutil.Process(state.pid).kill()
                return True
        return False

    def wrongs(self) -> list[str]:
        """Say what is stuck or left over; nothing when all is as the store says."""
        wrong: list[str] = []
        with unit_of_work() as work:
            mine = work.query(Environment).filter(Environment.project.has(name=self.site.name))
            keys = {e.id: e for e in mine}
            names = set[str]()
            wrong += [
                f"held: {k.purpose}" for k in deployments.list_locks(work)
                if k.environment_id in keys
            ]  # fmt: skip
            for key, environment in keys.items():
                left = deployments.list_unfinished(work, key)
                wrong += [f"unfinished: {environment.name}#{d.number}" for d in left]
                copies = environments.list_instances(work, key)
                names |= {copy.name for copy in copies}
                wrong += _status_wrong(environment, [copy.state for copy in copies])
        with contextlib.suppress(GreenroomError):
            known = {
                n.removeprefix("app-") for n in self.platform.programs.states()
                if n.startswith(f"app-{self.site.name}-")
            }  # fmt: skip
            wrong += [f"orphan: {name}" for name in known - names]
        return wrong


def _status_wrong(environment: Environment, states: list[str]) -> list[str]:
    serving = [state for state in states if state != "kept"]
    if environment.status == EnvironmentStatus.DESTROYED:
        return [f"left of {environment.name}: {states}"] if states else []
    if environment.destroy_requested_at is not None:
        return [f"stuck: {environment.name} shall go and is {environment.status}"]
    wanted = ["serving"] if environment.status in ("active", "sleeping") else []
    is_good = environment.status in ("active", "sleeping", "error") and serving == wanted
    return [] if is_good else [f"stuck: {environment.name} {environment.status} {states}"]


def _play(chaos: Chaos, strikes: int) -> tuple[Visits, list[str]]:
    """Order, and strike, so often; then wait until nothing is wrong, and say what still is."""
    struck = 0
    with Visits(chaos.site.environment("production").host) as visits:
        while struck < strikes:
            struck += bool(chaos.strike())
            time.sleep(chaos.chance.uniform(0.5, 3))
        with contextlib.suppress(TimeoutError):
            until(lambda: not chaos.wrongs(), "a true state", HEAL_SECONDS)
        return visits, chaos.wrongs()


def run(scale: float = FEWER) -> Line:
    """Strike ``scale`` of a hundred times; then wait until nothing is stuck."""
    kills, begun = max(4, round(KILLS * scale)), time.monotonic()
    with running_village(keep_previous_seconds=20) as village:
        site: Site = village.build(app("1"))
        chaos = Chaos(village.platform, site, site.change, 20261128)
        chaos.prepare()
        chaos.is_harmless = True
        calm, calm_wrong = _play(chaos, 4)
        chaos.is_harmless = False
        chaos.done.clear()
        visits, wrong = _play(chaos, kills)
    bad = len(wrong) + len(visits.wrong)
    return Line(
        "chaos", bad, f"things stuck, left over or dropped after {kills} kills", "without a kill",
        len(calm_wrong) + len(calm.wrong), "0", bad == 0,
        {
            "kills": kills, "of": KILLS, "requests": visits.count, "dropped": len(visits.wrong),
            "dropped_how": dict(Counter(visits.wrong)), "stuck": wrong,
            "struck": dict(chaos.done), "seconds": round(time.monotonic() - begun),
        },
    )  # fmt: skip
