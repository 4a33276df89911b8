"""A warm engine: a process that has imported Prefect and forks one child per flow run.

Importing Prefect costs 2.5 CPU-seconds, forking a process that has done so some 20 ms. Prefect
supports any ``command`` for its process worker; ours is ``forkrun.py``, which passes environment,
working folder and descriptors over a private socket and waits for the child's exit code. When
that client vanishes (killed by a cancellation), its child is killed too.

The forking process stays single-threaded, and imports no code of flows or tasks: a change of
those needs no restart. Of ours it imports what nearly every run needs, the store's tables first.
"""

from __future__ import annotations

import array
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from greenroom.errors import PlatformError
from greenroom.settings import load_settings

WARM_MODULES = (
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.main",
    "prefect.runtime",
    "prefect.logging.handlers",
    "prefect.deployments.steps",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
    "psycopg",
    "httpx",
    "psutil",
    "cryptography.hazmat.primitives.ciphers.aead",
    "pydantic_settings",
    "supervisor.xmlrpc",
    "docker",
    "greenroom.store.models",
    "greenroom.store.work",
    "greenroom.orders",
    "greenroom.promotions",
    "greenroom.hosting.registry",
    "greenroom.deltas",
    "yaml",
)


def _run_child(connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
    """In the child: become what the client asked for. Never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = ["prefect.engine"]
        from prefect.context import SettingsContext
        from prefect.settings import Profile, Settings

        profile = Profile(name="greenroom", settings={})
        with SettingsContext(profile=profile, settings=Settings()):
            runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except BaseException:  # noqa: BLE001 - the child tells and ends, whatever it was
        import traceback

        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class ForkServer:
    """Accepts clients, forks, reaps, and reports exit codes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.children: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Serve until SIGTERM."""
        if threading.active_count() != 1:
            raise PlatformError("an import started a thread; forking would not be safe")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        old = os.umask(0o177)
        listener.bind(str(self.path))
        os.umask(old)
        listener.listen(64)
        waker, wakes = socket.socketpair()
        for end in (waker, wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        self.selector.register(listener, selectors.EVENT_READ, "listener")
        self.selector.register(waker, selectors.EVENT_READ, "waker")
        while True:
            for key, _ in self.selector.select():
                if key.data == "listener":
                    self._accept(listener)
                elif key.data == "waker":
                    with suppress(BlockingIOError):
                        waker.recv(4096)
                else:
                    self._client_gone(key.data)
            self._reap()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(10)
        try:
            head, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(12))
            descriptors = array.array("i")
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
            size, body = int.from_bytes(head, "big"), b""
            while len(body) < size:
                part = connection.recv(size - len(body))
                if not part:
                    raise ConnectionError("the client vanished")
                body += part
            request = json.loads(body)
        except (OSError, ValueError) as error:
            print(f"refused a client: {error}", flush=True)
            connection.close()
            return
        child = os.fork()
        if child == 0:
            self.selector.close()
            listener.close()
            _run_child(connection, request, list(descriptors))
        for descriptor in descriptors:
            os.close(descriptor)
        connection.settimeout(None)
        with suppress(OSError):
            connection.sendall(child.to_bytes(8, "big"))
        self.children[child] = connection
        self.selector.register(connection, selectors.EVENT_READ, child)

    def _client_gone(self, child: int) -> None:
        """Kill the run whose client was killed: a cancellation must really stop it."""
        connection = self.children[child]
        with suppress(OSError):
            if connection.recv(1):
                return
        self.selector.unregister(connection)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            connection = self.children.pop(child, None)
            if connection is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            with suppress(KeyError, ValueError):
                self.selector.unregister(connection)
            with suppress(OSError):
                connection.sendall(code.to_bytes(4, "big", signed=True))
            connection.close()

    def _stop(self, *_: object) -> None:
        for child in self.children:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGTERM)
        self.path.unlink(missing_ok=True)
        raise SystemExit(0)


def main() -> None:
    """Import what flow runs need, then serve."""
    for name in WARM_MODULES:
        importlib.import_module(name)
    import gc

    from sqlalchemy.orm import configure_mappers

    configure_mappers()
    gc.collect()
    gc.freeze()  # the shared pages stay shared
    ForkServer(load_settings().path("run", "engine.sock")).serve()


if __name__ == "__main__":
    main()
