"""The mail server, asked by a real client: what is acknowledged is kept, and goes nowhere."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.mailing import login_of, mail_variables, read_mail
from greenroom.releasing import release_mail
from greenroom.settings import load_settings
from greenroom.store import environments, mail_release, mails, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Mail
from greenroom.store.work import unit_of_work
from tests.conftest import database_on, forget_settings, free_port, on_server

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
REFERENCE = "shop/cart"


class Server:
    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home = url, home
        self.port, self.starttls_port, self.tls_port = free_port(), free_port(), free_port()
        self._environment = {
            **os.environ, "GREENROOM_DATABASE_URL": url, "GREENROOM_HOME": str(home),
            "GREENROOM_MAIL_PORT": str(self.port), "GREENROOM_EGRESS_GUARD": "off",
            "GREENROOM_MAIL_STARTTLS_PORT": str(self.starttls_port),
            "GREENROOM_MAIL_TLS_PORT": str(self.tls_port),
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "greenroom.isolation"], env=self._environment
        )
        deadline = time.monotonic() + 30
        while not self.answers():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def client(self, login: tuple[str, str] | None = None) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=20)
        if login:
            client.login(*login)
        return client


@pytest.fixture(scope="module")
def _server(postgres_server: str, _template: str) -> Iterator[Server]:
    """One server and one store for all tests: it takes seconds to start."""
    name, home = f"mail_{secrets.token_hex(6)}", Path(tempfile.mkdtemp(prefix="gr-"))
    on_server(
        postgres_server, "create database {name} template {model}", name=name, model=_template
    )
    url = database_on(postgres_server, name)
    with pytest.MonkeyPatch.context() as patch:
        open_store(patch, url, home)
        ensure_secret_key()
        with unit_of_work() as work:
            project = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
            environments.ensure_environment(work, project, "cart", actor="ada")
        made = Server(url, home)
    yield made
    made.stop()
    forget_settings()
    on_server(postgres_server, "drop database if exists {name} with (force)", name=name)
    shutil.rmtree(home, ignore_errors=True)


def open_store(patch: pytest.MonkeyPatch, url: str, home: Path) -> None:
    patch.setenv("GREENROOM_HOME", str(home))
    patch.setenv("GREENROOM_DATABASE_URL", url)
    forget_settings()


@pytest.fixture
def server(_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, its store open and without any mail."""
    open_store(monkeypatch, _server.url, _server.home)
    with unit_of_work() as work:
        work.query(Mail).delete()
    yield _server
    forget_settings()


def login() -> tuple[str, str]:
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE).id
    return login_of(found, ensure_secret_key())


def letter(subject: str = "Your order", **more: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "shop@x.test", "nora@y.test", subject
    made.set_content("Thank you. https://x.test/o/1")
    made.add_alternative("<p>Thank you. <a href='https://x.test/a?b=1&amp;c=2'>Look</a>", "html")
    made.add_attachment(b"\x00\xff pdf", maintype="application", subtype="pdf", filename="a/b.pdf")
    return made


def kept(reference: str | None = REFERENCE) -> list[Any]:
    with unit_of_work() as work:
        found = environments.get_environment(work, reference) if reference else None
        return [(m.number, m.subject, m.recipients) for m in mails.list_mails(work, found)]


def test_what_an_environment_sends_is_its_own_and_whole(server: Server) -> None:
    with server.client(login()) as client:
        client.send_message(letter("Grüße an Ødegård"), to_addrs=["nora@y.test", "bcc@y.test"])
    assert kept() == [(1, "Grüße an Ødegård", ["nora@y.test", "bcc@y.test"])]
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        read = read_mail(bytes(mails.get_mail(work, found, 1).source))
    assert read.text.startswith("Thank you.")
    assert set(read.links) == {"https://x.test/o/1", "https://x.test/a?b=1&c=2"}
    assert [(part.name, part.octets) for part in read.attachments] == [("a_b.pdf", b"\x00\xff pdf")]
    assert kept(None) == []


def test_a_stranger_and_a_wrong_login_are_kept_apart(server: Server) -> None:
    user, _ = login()
    for given in (None, ("somebody", "else"), (user, "wrong"), ("", "")):
        with server.client(given) as client:
            client.send_message(letter())
    assert kept() == []
    assert len(kept(None)) == 4


def test_nothing_that_was_acknowledged_is_lost_over_a_kill(server: Server) -> None:
    client = server.client(login())
    for number in range(30):
        client.send_message(letter(f"no. {number}"))
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    client.close()
    assert len(kept()) == 30
    server.start()
    with server.client(login()) as again:
        again.send_message(letter("after"))
    assert kept()[0][:2] == (31, "after")


def test_old_mail_makes_room(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "MOST_KEPT", 3)
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        for number in range(5):
            mails.add_mails(
                work, [mails.NewMail(found.id, "a@x.test", ("b@y.test",), f"{number}", b"x")]
            )
    assert [subject for _, subject, _ in kept()] == ["4", "3", "2"]
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        assert [m.subject for m in mails.list_mails(work, found, "B@Y")] == ["4", "3", "2"]
        assert mails.list_mails(work, found, "nobody") == []
        assert mails.delete_mails(work, found, 4) == 1
        assert mails.delete_mails(work, found) == 2


MALFORMED = [
    b"",
    b"\0\xff" * 500,
    b"Subject: =?utf-8?q?=ff=fe?=\r\n\r\nx",
    b"Subject:" + b"x" * 100_000,
    b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    b"Content-Type: text/plain; charset=no-such\r\n\r\n\xe9",
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * 300,
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
    b"From: <>\r\nTo: @@@, ,;\r\n\r\n",
    b'Content-Disposition: attachment; filename="../../x"\r\n\r\nx',
]


def test_a_malformed_mail_is_kept_and_read(server: Server) -> None:
    with server.client(login()) as client:
        for source in MALFORMED:
            client.sendmail("a@x.test", ["b@y.test"], source)
    for number in range(1, len(MALFORMED) + 1):
        with unit_of_work() as work:
            found = environments.get_environment(work, REFERENCE)
            read = read_mail(bytes(mails.get_mail(work, found, number).source))
        assert len(read.attachments) <= 50
        assert all("/" not in part.name for part in read.attachments)


def test_what_is_too_large_is_refused(server: Server) -> None:
    with server.client(login()) as client, pytest.raises(smtplib.SMTPResponseException) as told:
        client.sendmail("a@x.test", ["b@y.test"], b"x\r\n" * 9_000_000)
    assert told.value.smtp_code == 552
    assert kept() == []


@pytest.mark.usefixtures("server")
def test_applications_find_it_by_the_usual_names() -> None:
    more = {"POST_OFFICE": "{host}:{port}", "SMTP_HOST": "{url}", "ODD": "{user} {other} {}"}
    who, key = uuid.uuid4(), ensure_secret_key()
    told = mail_variables(load_settings(), who, key, "", more)
    assert told["POST_OFFICE"] == f"127.0.0.1:{told['SMTP_PORT']}"
    assert (told["SMTP_HOST"], told["ODD"]) == (told["SMTP_URL"], f"{who.hex} {{other}} {{}}")
    told = mail_variables(load_settings(), who, key)
    assert told["SMTP_HOST"] == told["MAIL_HOST"] == told["EMAIL_HOST"] == "127.0.0.1"
    assert told["MAILER_DSN"] == told["SMTP_URL"]
    assert told["SMTP_PASSWORD"] in told["MAILER_DSN"]


def unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_it_speaks_tls_from_the_start_or_when_asked(server: Server) -> None:
    user, password = login()
    with smtplib.SMTP("127.0.0.1", server.starttls_port, timeout=20) as client:
        client.starttls(context=unchecked())
        client.login(user, password)
        client.send_message(letter("by STARTTLS"))
    with smtplib.SMTP_SSL("127.0.0.1", server.tls_port, timeout=20, context=unchecked()) as client:
        client.login(user, password)
        client.send_message(letter("by TLS"))
    assert [subject for _, subject, _ in kept()] == ["by TLS", "by STARTTLS"]
    with server.client() as client:
        client.ehlo()
        assert not client.has_extn("starttls")  # who is given this port would check the certificate
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL("127.0.0.1", server.tls_port, context=ssl.create_default_context())


def test_a_bomb_is_kept_or_refused_and_the_server_lives(server: Server) -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(3000)
    )
    many = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * 100_000
    with server.client(login()) as client:
        for source in (deep, many, b"A: b\r\n" * 200_000 + b"\r\nx"):
            client.sendmail("a@x.test", ["b@y.test"], source)
    with server.client(login()) as client, pytest.raises(smtplib.SMTPResponseException):
        client.sendmail("a@x.test", ["b@y.test"], (b"x" * 998 + b"\r\n") * 50_000)  # 50 MB
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as endless:
        endless.sendall(b"HELO x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n")
        with pytest.raises(OSError, match=r"."):
            for _ in range(100):
                endless.sendall(b"x" * 1_000_000)  # a line without an end
    with server.client(login()) as client:
        client.send_message(letter("it lives"))
    assert kept()[0][1] == "it lives"
    for number in range(1, len(kept()) + 1):
        with unit_of_work() as work:
            found = environments.get_environment(work, REFERENCE)
            read_mail(bytes(mails.get_mail(work, found, number).source))


def test_much_mail_makes_room_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "MOST_OCTETS", 2500)
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        for number in range(6):
            new = mails.NewMail(found.id, "a@x.test", ("b@y.test",), f"{number}", b"x" * 1000)
            mails.add_mails(work, [new, replace(new, subject=f"{number}b")])
    assert [subject for _, subject, _ in kept()] == ["5b", "5"]


def test_one_mail_is_released_to_whom_the_project_names(server: Server) -> None:
    with server.client(login()) as client:
        client.send_message(letter("Look at this"))
    with pytest.raises(NotAllowed, match="not released to ada@"):
        release_mail(REFERENCE, 1, "ada@agency.example", actor="ada")
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        mail_release.set_release_addresses(work, project, ["@Agency.example"], actor="ada")
        with pytest.raises(InvalidInput):
            mail_release.set_release_addresses(work, project, ["nonsense"], actor="ada")
        with pytest.raises(InvalidInput):
            mail_release.set_release_server(work, project, "http://x.test", actor="ada")
    with pytest.raises(InvalidInput, match="no server"):
        release_mail(REFERENCE, 1, "ada@agency.example", actor="ada")
    with unit_of_work() as work:  # the server of this very test plays the world's
        project = projects.get_project(work, "shop")
        url = f"smtp://127.0.0.1:{server.port}"
        mail_release.set_release_server(work, project, url, actor="ada")
        assert url.encode() not in (project.mail_release_url or b"")
    with pytest.raises(NotAllowed):
        release_mail(REFERENCE, 1, "ada@agency.example.evil", actor="ada")
    release_mail(REFERENCE, 1, "Ada@agency.example", actor="ada")
    assert kept(None) == [(1, "Look at this", ["ada@agency.example"])]
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        login_in_the_clear = f"smtp://a:secret@127.0.0.1:{server.port}"
        mail_release.set_release_server(work, project, login_in_the_clear, actor="ada")
    with pytest.raises(InvalidInput, match="no encryption"):
        release_mail(REFERENCE, 1, "ada@agency.example", actor="ada")
