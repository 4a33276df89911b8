"""The mail server that forwards nothing: whatever environments send is kept for people to read.

A mail is acknowledged when it is committed: none that was is lost.
Source: RFC 5321; RFC 4954 (AUTH).
"""

from __future__ import annotations

import asyncio
import logging
import signal
import uuid
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from greenroom.errors import GreenroomError
from greenroom.mailing import environment_of
from greenroom.settings import Settings, load_settings
from greenroom.store import mails
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Environment
from greenroom.store.work import unit_of_work

log = logging.getLogger("greenroom.mail")
MAX_OCTETS = 25 * 1024 * 1024
"""Of one mail, as the large mail services take them."""
MOST_RECIPIENTS = 1000
MOST_CONNECTIONS = 50
IDLE_SECONDS = 60
LONGEST_SUBJECT = 300


class Mailbox:
    """Takes mail. aiosmtpd calls its methods by their names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = ensure_secret_key(settings)
        self._turns = asyncio.Semaphore(4)
        self.connections = 0

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        """Take any login; one of ours says whose mail it is."""
        whose = None
        if isinstance(given, LoginPassword):
            user, password = (part.decode("utf-8", "replace") for part in given)
            whose = environment_of(user, password, self._key)
        return AuthResult(success=True, auth_data=whose)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take every recipient, up to a bound."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail; say so when it is kept."""
        source = envelope.content or b""
        source = source.encode() if isinstance(source, str) else source
        whose = session.auth_data if isinstance(session.auth_data, uuid.UUID) else None
        try:
            async with self._turns:
                await asyncio.to_thread(
                    _keep, whose, envelope.mail_from or "", envelope.rcpt_tos, source
                )
        except GreenroomError as error:
            log.warning("a mail could not be kept: %s", error.message)
            return "451 4.3.0 It could not be kept; try again"
        return "250 2.0.0 Kept, and sent to nobody"

    def connection(self) -> SMTP:
        """Make the protocol of a new connection."""
        return _Connection(
            self, data_size_limit=MAX_OCTETS, enable_SMTPUTF8=True, hostname="greenroom",
            ident="Greenroom keeps mail and sends none", timeout=IDLE_SECONDS,
            auth_require_tls=False, authenticator=self.authenticate,
        )  # fmt: skip


class _Connection(SMTP):
    """One connection; one too many is closed at once."""

    line_length_limit = 1 << 20
    """Real servers take long lines, whatever RFC 5321 section 4.5.3.1.6 says."""

    def connection_made(self, transport: Any) -> None:
        box: Mailbox = self.event_handler
        box.connections += 1
        if box.connections > MOST_CONNECTIONS:
            transport.write(b"421 4.7.0 Too many connections\r\n")
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.connections -= 1
        if self.transport is not None:
            super().connection_lost(error)


def subject_of(source: bytes) -> str:
    """Read a mail's subject; nothing where it has none that can be read. Pure."""
    try:
        told = str(message_from_bytes(source[:65536], policy=policy.default)["subject"] or "")
    except (ValueError, LookupError, IndexError, AttributeError, TypeError):
        return ""
    return " ".join("".join(c for c in told if c.isprintable()).split())[:LONGEST_SUBJECT]


def _keep(
    environment_id: uuid.UUID | None, sender: str, recipients: list[str], source: bytes
) -> None:
    with unit_of_work() as work:
        known = environment_id is not None and work.get(Environment, environment_id) is not None
        mails.add_mail(
            work, environment_id if known else None, _plain(sender),
            [_plain(address) for address in recipients], subject_of(source), source,
        )  # fmt: skip


def _plain(address: str) -> str:
    return "".join(c for c in address if c.isprintable())[:320]


async def serve(settings: Settings) -> None:
    """Take mail until SIGTERM or SIGINT."""
    loop, ended, box = asyncio.get_running_loop(), asyncio.Event(), Mailbox(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(box.connection, settings.bind_loopback, settings.mail_port)
    log.info("keeping mail on %s:%d", settings.bind_loopback, settings.mail_port)
    async with server:
        await ended.wait()


def main() -> None:
    """Run the mail server."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's: it names addresses
    asyncio.run(serve(load_settings()))
