"""Ask the warm engine to run a flow, and live as long as that run.

Started by the worker for every flow run with ``python -I -S``, so it imports only small parts of
the standard library. If the warm engine does not answer, it becomes a cold one: nothing is lost
but two seconds.
"""

import array
import json
import os
import signal
import socket
import sys


def main() -> int:
    """Hand environment, folder and descriptors to the warm engine; return the run's exit code."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(sys.argv[1])
        request = json.dumps({"environment": dict(os.environ), "folder": os.getcwd()}).encode()
        descriptors = array.array("i", [0, 1, 2])
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
        connection.sendmsg([len(request).to_bytes(4, "big")], ancillary)
        connection.sendall(request)
        first = connection.recv(8)
    except OSError:
        first = b""
    if len(first) < 8:
        os.execv(sys.executable, [sys.executable, "-m", "prefect.engine"])
    child = int.from_bytes(first, "big")

    def forward(number: int, _frame: object) -> None:
        try:
            os.kill(child, number)
        except ProcessLookupError:
            pass

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    answer = connection.recv(4)  # the exit code, or nothing when the engine died
    return int.from_bytes(answer, "big", signed=True) & 0xFF if len(answer) == 4 else 1


if __name__ == "__main__":
    sys.exit(main())
