"""Mails acknowledged per CPU-second of mail server and database together; none lost over a kill.

The rival is the same server asked by one client that waits for each answer: nothing is committed
together then.
"""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from sqlalchemy import func, select

from benchmarks.cpu import server_seconds
from benchmarks.edge import cpu_seconds, running_store, wait_until_listening
from benchmarks.line import Line
from greenroom.mailing import login_of
from greenroom.settings import load_settings, process_environment
from greenroom.store import environments, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Mail
from greenroom.store.work import unit_of_work

CLIENTS, SECONDS, GOAL = 12, 10.0, 100.0
LETTER = "Subject: {}\r\nFrom: shop@x.test\r\nTo: nora@y.test\r\n\r\n" + "Thank you.\r\n" * 200
PORTS = ("mail_port", "mail_starttls_port", "mail_tls_port", "egress_port", "egress_dns_port")


@dataclass
class Senders:
    """Clients that send as fast as they are answered."""

    port: int
    login: tuple[str, str]
    count: int
    acknowledged: list[str] = field(default_factory=list)
    is_over: bool = False

    def _send(self, which: int) -> None:
        number = 0
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
                client.login(*self.login)
                while not self.is_over:
                    subject = f"{id(self)}-{which}-{number}"
                    client.sendmail("shop@x.test", ["nora@y.test"], LETTER.format(subject))
                    self.acknowledged.append(subject)
                    number += 1
        except (OSError, smtplib.SMTPException):
            return  # it was killed

    def start(self) -> list[threading.Thread]:
        """Begin."""
        threads = [threading.Thread(target=self._send, args=(n,)) for n in range(self.count)]
        for thread in threads:
            thread.start()
        return threads

    def run(self, seconds: float) -> None:
        """Send for that long."""
        threads = self.start()
        time.sleep(seconds)
        self.is_over = True
        for thread in threads:
            thread.join()


def _serve() -> subprocess.Popen[bytes]:
    settings = load_settings()
    made = subprocess.Popen(
        [sys.executable, "-m", "greenroom.isolation", "mail"],
        env=process_environment(GREENROOM_HOME=settings.home, GREENROOM_EGRESS_GUARD="off"),
        stderr=subprocess.DEVNULL,
    )
    wait_until_listening(settings.mail_port)
    os.sched_setaffinity(made.pid, {max(os.sched_getaffinity(0))})
    return made


def _measure(senders: Senders, server: int, postmaster: int) -> tuple[float, float, float]:
    """Give mails per CPU-second of both, per CPU-second of the mail server, and per second."""
    before, began = (cpu_seconds(server), server_seconds(postmaster)), time.monotonic()
    senders.run(SECONDS)
    wall = time.monotonic() - began
    mail, database = cpu_seconds(server) - before[0], server_seconds(postmaster) - before[1]
    count = len(senders.acknowledged)
    return count / (mail + database), count / mail, count / wall


def run() -> Line:
    """Send by many, by one, and by many until the server is killed."""
    with running_store(*PORTS) as (_, postmaster):
        with unit_of_work() as work:
            project = projects.add_project(work, "shop", "/srv/shop", actor="benchmark")
            found = environments.ensure_environment(work, project, "cart", actor="benchmark")
            key = found.id
        port, login = load_settings().mail_port, login_of(key, ensure_secret_key())
        server = _serve()
        try:
            Senders(port, login, CLIENTS).run(1)
            ours, alone, wall = _measure(Senders(port, login, CLIENTS), server.pid, postmaster)
            single, _, _ = _measure(Senders(port, login, 1), server.pid, postmaster)
            last = Senders(port, login, CLIENTS)
            threads = last.start()
            while len(last.acknowledged) < 200:
                time.sleep(0.01)
            server.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
        finally:
            server.kill()
            server.wait()
        with unit_of_work() as work:
            newest = last.acknowledged[-400:]  # older ones make room: 500 are kept
            kept = work.scalar(select(func.count()).where(Mail.subject.in_(newest))) or 0
        lost = len(newest) - kept
    return Line(
        "mail", ours, "mails per CPU-second of mail server and database",
        "one client that waits for each answer", single, f">= {GOAL:.0f}, 0 lost over a kill",
        ours >= GOAL and lost == 0,
        {
            "per_cpu_second_of_the_mail_server": round(alone, 1), "per_second": round(wall, 1),
            "lost_over_kill_9": lost, "acknowledged_before_the_kill": len(last.acknowledged),
            "clients": CLIENTS,
        },
    )  # fmt: skip
