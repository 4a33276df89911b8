"""A deployment's log: redacted at the sink, in the store while it grows, copied to Prefect."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from greenroom.errors import DatabaseUnavailable, Overtaken, ProjectFailed
from greenroom.redaction import redactor_for
from greenroom.secrets import Redactor
from greenroom.store import deployments
from greenroom.store.models import Deployment, Environment
from greenroom.store.work import unit_of_work

FLUSH_SECONDS = 0.3
CHECK_SECONDS = 0.3
TAIL_LINES = 50
"""Lines that an error of the project's own code shows."""
RunLogger = logging.Logger | logging.LoggerAdapter[logging.Logger]


def run_logger() -> RunLogger:
    """Give the run's logger; where nothing of Prefect's runs, one of our own."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("greenroom.tasks")


class Narrator:
    """Writes one section of a deployment's log, and tells whether it is still wanted."""

    def __init__(self, deployment_id: UUID, section: str, redact: Redactor) -> None:
        self.deployment_id, self.section, self.redact = deployment_id, section, redact
        self._lines: list[str] = []
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        """What was said last."""
        self._mutex = threading.Lock()
        self._flushed_at = self._checked_at = time.monotonic()
        self._prefect = run_logger()

    def __call__(self, line: str) -> None:
        """Add a line."""
        clean = self.redact(line)
        with self._mutex:
            self._lines.append(clean)
            self.tail.append(clean)
        self._prefect.info("%s", clean)
        if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Bring what was said to the store; kept for later while the store is away."""
        with self._mutex:
            lines, self._lines = self._lines, []
        self._flushed_at = time.monotonic()
        if not lines:
            return
        try:
            with unit_of_work() as work:
                deployments.append_log(work, self.deployment_id, self.section, lines)
        except DatabaseUnavailable:
            with self._mutex:
                self._lines = (lines + self._lines)[-10_000:]

    def check(self) -> None:
        """Return if the deployment shall go on; cheap enough to be called often.

        Errors: Overtaken.
        """
        moment = time.monotonic()
        if moment - self._flushed_at > FLUSH_SECONDS:
            self.flush()
        if moment - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = moment
        self.check_now()

    def check_now(self) -> None:
        """Like :meth:`check`, at once.

        Errors: Overtaken.
        """
        try:
            with unit_of_work() as work:
                deployments.check_wanted(work, self.deployment_id)
        except DatabaseUnavailable:
            return  # not knowing is no reason to stop


@contextmanager
def narrate(deployment_id: UUID, section: str, phase: str = "") -> Iterator[Narrator]:
    """Open a section of the log; its end adds the seconds to ``phase`` of the deployment.

    An error of the project's own code takes the last lines with it.
    """
    begun = time.monotonic()
    with unit_of_work() as work:
        deployment = deployments.get_deployment(work, deployment_id)
        environment = work.get_one(Environment, deployment.environment_id)
        redact = redactor_for(work, environment)
    narrator = Narrator(deployment_id, section, redact)
    try:
        narrator.check_now()
        yield narrator
    except Overtaken as error:
        narrator(str(error))
        raise
    except ProjectFailed as error:
        error.log_tail = redact(error.log_tail) or "\n".join(narrator.tail)
        raise
    finally:
        narrator.flush()
        if phase:
            _add_phase(deployment_id, phase, time.monotonic() - begun)


def _add_phase(deployment_id: UUID, phase: str, seconds: float) -> None:
    try:
        with unit_of_work() as work:
            deployment = work.get_one(Deployment, deployment_id, with_for_update=True)
            sofar = dict(deployment.phases)
            sofar[phase] = round(sofar.get(phase, 0) + seconds, 3)
            deployment.phases = sofar
    except DatabaseUnavailable:
        pass  # a missing figure must not fail a deployment
