"""Health of a new version, asked from outside, before it gets traffic."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

from greenroom.errors import HealthCheckFailed
from greenroom.hosting.base import Check, Log, Runtime
from greenroom.manifest import Health

PROBE_TIMEOUT_SECONDS = 5.0
ROUTED_SECONDS = 10.0
CHECK_SECONDS = 0.2
"""How often it is asked, while a copy takes its time, whether the deployment is still wanted."""
SERVING_PATH = "/_greenroom/serving"
"""Where the gateway tells, on an environment's own host, which copy it sends requests to."""
MAX_BODY = 256 * 1024
AGENT = "Greenroom-Health/1"


def probe(address: str, host: str, health: Health) -> str:
    """Ask once, at each of its addresses; give an empty text when healthy, else what was wrong."""
    return next((wrong for one in address.split() if (wrong := _probe(one, host, health))), "")


def _probe(address: str, host: str, health: Health) -> str:
    parts = urlsplit(address)
    if parts.scheme == "file":
        return ""
    if is_elsewhere := parts.scheme == "https":
        host = parts.netloc  # a server elsewhere knows itself by its own name only
    kind = http.client.HTTPSConnection if is_elsewhere else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PROBE_TIMEOUT_SECONDS)
    late = threading.Event()

    def give_up() -> None:  # each octet in time is not an answer in time
        late.set()
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(PROBE_TIMEOUT_SECONDS, give_up)
    timer.daemon = True
    try:
        connection.connect()
        stream = connection.sock
        timer.start()
        headers = {"Host": host, "User-Agent": AGENT, "Connection": "close"}
        connection.request("GET", health.path, headers=headers)
        answer = connection.getresponse()
        with answer:
            body = answer.read(MAX_BODY)
            is_cut = bool(answer.length) and len(body) < MAX_BODY
    except ConnectionRefusedError:
        return "nothing listens on its port yet"
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            return _too_late(health)
        return f"{health.path} broke off: {type(error).__name__}"
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():
        return _too_late(health)
    if is_cut:
        return f"{health.path} broke off in the middle"
    if answer.status != health.status:
        return f"{health.path} answered {answer.status}, expected {health.status}"
    if health.text and health.text not in body.decode(errors="replace"):
        return f"{health.path} answered without the expected text {health.text[:60]!r}"
    return ""


def listens(address: str) -> bool:
    """Whether somebody takes connections at an address, or at one of several."""
    if " " in address:
        return any(map(listens, address.split()))
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2):
            return True
    except OSError:
        return False


def _probe_checking(address: str, host: str, health: Health, check: Check) -> str:
    """Ask once, and go on checking meanwhile: a copy that does not answer holds up no cancellation.

    Errors: Overtaken.
    """
    found: list[str] = []
    asking = threading.Thread(
        target=lambda: found.append(probe(address, host, health)), daemon=True
    )
    asking.start()
    while asking.is_alive():
        asking.join(CHECK_SECONDS)
        check()
    return found[0] if found else "it could not be asked"


def _too_late(health: Health) -> str:
    return f"{health.path} did not answer within {PROBE_TIMEOUT_SECONDS:.0f} s"


def wait_until_routed(
    gateway_port: int, host: str, instance_id: UUID, timeout_seconds: float = ROUTED_SECONDS
) -> bool:
    """Wait until the gateway sends a host's requests to a copy; give False when it does not.

    A gateway that is away is not waited for: it loads its routes anew when it comes back.
    """
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", gateway_port, timeout=2)
        try:
            connection.request("GET", SERVING_PATH, headers={"Host": host, "User-Agent": AGENT})
            with connection.getresponse() as answer:
                if answer.status == 200 and json.loads(answer.read(MAX_BODY)) == {
                    "serving": str(instance_id)
                }:
                    return True
        except ConnectionRefusedError:
            return False
        except (OSError, http.client.HTTPException, ValueError):
            pass  # it is busy: asked again
        finally:
            connection.close()
        time.sleep(0.02)
    return False


def wait_until_healthy(
    name: str,
    address: str,
    host: str,
    health: Health,
    runtime: Runtime,
    log: Log,
    check: Check,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Probe until ``health.successes`` answers in a row are good; give the number of probes.

    Errors: HealthCheckFailed with the copy's last log lines: at once when it died, else when
    the time is over. Overtaken.
    """
    begin = time.monotonic() + health.start_seconds
    deadline, good, probes, said = begin + health.timeout_seconds, 0, 0, ""
    while True:
        check()
        life = runtime.liveness(name)
        if not life.is_alive:
            raise HealthCheckFailed(
                f"the new version died: {life.reason}",
                hint="Its last lines are below and in the deployment's log.",
                log_tail="\n".join(runtime.log_tail(name)),
            )
        if time.monotonic() < begin:
            sleep(min(0.2, health.start_seconds))
            continue
        wrong, probes = _probe_checking(address, host, health, check), probes + 1
        good = 0 if wrong else good + 1
        if good >= health.successes:
            return probes
        if wrong and wrong != said:
            log(wrong)
            said = wrong
        if time.monotonic() > deadline:
            raise HealthCheckFailed(
                f"not healthy within {health.timeout_seconds:.0f} s: {wrong or said}",
                hint="Does it listen on $PORT, and is health.path right? Or raise"
                " health.timeout_seconds.",
                log_tail="\n".join(runtime.log_tail(name)),
            )
        sleep(health.interval_seconds if wrong else min(0.05, health.interval_seconds))
