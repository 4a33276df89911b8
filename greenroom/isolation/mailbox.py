"""The mail server that forwards nothing: whatever environments send is kept for people to read.

A mail is acknowledged when it is committed: none that was is lost.
Source: RFC 5321; RFC 4954 (AUTH); RFC 3207 (STARTTLS); RFC 8314 (TLS from the start).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import ssl
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from email import policy
from email.parser import BytesHeaderParser
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from greenroom.errors import GreenroomError, PlatformError
from greenroom.isolation.guard import ensure_guard
from greenroom.isolation.insiders import Insiders
from greenroom.isolation.selfsigned import ensure_certificate
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
MOST_CONNECTIONS = 200
MOST_OF_ADDRESS = 40
"""Connections of one container."""
MOST_AT_ONCE, MOST_OF_ONE = 24, 16
"""Mails that are being sent at the same time: of all, of one environment."""
MOST_TOGETHER = 50
IDLE_SECONDS = 60
LONGEST_SUBJECT = 300


class Mailbox:
    """Takes mail. aiosmtpd calls its methods by their names."""

    def __init__(self, settings: Settings) -> None:
        self._key = ensure_secret_key(settings)
        self._keeping = Keeping()
        self._insiders = Insiders()
        self._turns: dict[Any, asyncio.Semaphore] = {}
        self._all_turns = asyncio.Semaphore(MOST_AT_ONCE)
        self.connections: Counter[str] = Counter()

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        """Take any login; one of ours says whose mail it is."""
        whose = None
        if isinstance(given, LoginPassword):
            user, password = (part.decode("utf-8", "replace") for part in given)
            whose = environment_of(user, password, self._key)
        return AuthResult(success=True, auth_data=whose)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any sender that this machine or a guarded network brings."""
        peer = _peer(session)
        if not is_own(peer) and await self._insiders.find(peer) is None:
            return "550 5.7.1 Not from here"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take every recipient, up to a bound."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def whose(self, session: Session | None) -> uuid.UUID | None:
        """Tell whose mail a connection brings: by its network, else by its login."""
        if session is None:
            return None
        peer = _peer(session)
        if not is_own(peer):
            inside = await self._insiders.find(peer)
            return inside.environment_id if inside else None
        return session.auth_data if isinstance(session.auth_data, uuid.UUID) else None

    @contextlib.asynccontextmanager
    async def turn(self, whose: uuid.UUID | None) -> AsyncIterator[None]:
        """Have a turn at sending a mail: what all hold at once stays small, and nobody has all."""
        async with self._turns.setdefault(whose, asyncio.Semaphore(MOST_OF_ONE)), self._all_turns:
            yield

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail; say so when it is kept."""
        source = envelope.content or b""
        source = source.encode() if isinstance(source, str) else source
        mail = mails.NewMail(
            await self.whose(session), _plain(envelope.mail_from or ""),
            tuple(_plain(address) for address in envelope.rcpt_tos), subject_of(source), source,
        )  # fmt: skip
        try:
            await self._keeping.keep(mail)
        except GreenroomError as error:
            log.warning("a mail could not be kept: %s", error.message)
            return "451 4.3.0 It could not be kept; try again"
        return "250 2.0.0 Kept, and sent to nobody"

    def connection(self, tls: ssl.SSLContext | None = None) -> SMTP:
        """Make the protocol of a new connection; ``tls`` offers STARTTLS."""
        return _Connection(
            self, data_size_limit=MAX_OCTETS, enable_SMTPUTF8=True, hostname="greenroom",
            ident="Greenroom keeps mail and sends none", timeout=IDLE_SECONDS, tls_context=tls,
            auth_require_tls=False, authenticator=self.authenticate,
        )  # fmt: skip


class Keeping:
    """Commits mails together that come together: one flush of the disk for many."""

    def __init__(self) -> None:
        self._waiting: list[tuple[mails.NewMail, asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def keep(self, mail: mails.NewMail) -> None:
        """Return when a mail is committed.

        Errors: GreenroomError when it is not.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((mail, done))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.ensure_future(self._work())
        await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            try:
                await asyncio.to_thread(_keep, [mail for mail, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, who waits is told
                told = error if isinstance(error, GreenroomError) else PlatformError(str(error))
                for _, done in batch:
                    if not done.done():
                        done.set_exception(told)
            else:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)


class _Connection(SMTP):
    """One connection; one too many is closed at once."""

    line_length_limit = 1 << 20
    """Real servers take long lines, whatever RFC 5321 section 4.5.3.1.6 says."""
    _octets = 0
    _from = ""

    def connection_made(self, transport: Any) -> None:
        box: Mailbox = self.event_handler
        if not self._from:  # STARTTLS makes the same connection anew
            self._from = str((transport.get_extra_info("peername") or ("?",))[0])
            box.connections[self._from] += 1
            own = is_own(self._from)
            if (
                box.connections[self._from] > (MOST_CONNECTIONS if own else MOST_OF_ADDRESS)
                or box.connections.total() > MOST_CONNECTIONS
            ):
                transport.write(b"421 4.7.0 Too many connections\r\n")
                transport.close()
                return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        box: Mailbox = self.event_handler
        box.connections[self._from] -= 1
        if box.connections[self._from] <= 0:
            del box.connections[self._from]
        if self.transport is not None:
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._octets += len(data)
        if self._octets > 3 * MAX_OCTETS and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()  # a line without an end would be kept until it ends
            return
        super().data_received(data)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        box: Mailbox = self.event_handler
        async with box.turn(await box.whose(self.session)):
            self._octets = 0
            await super().smtp_DATA(arg)
            self._octets = 0


def subject_of(source: bytes) -> str:
    """Read a mail's subject; nothing where it has none that can be read. Pure."""
    try:
        parser = BytesHeaderParser(policy=policy.default)  # no body: its nesting has no bound
        told = str(parser.parsebytes(source[:65536])["subject"] or "")
    except (ValueError, LookupError, IndexError, AttributeError, TypeError, RecursionError):
        return ""
    return " ".join("".join(c for c in told if c.isprintable()).split())[:LONGEST_SUBJECT]


def _keep(batch: list[mails.NewMail]) -> None:
    with unit_of_work() as work:
        asked = {mail.environment_id for mail in batch if mail.environment_id}
        known = {key for key in asked if work.get(Environment, key) is not None}
        mails.add_mails(
            work, [m if m.environment_id in known else m.without_owner() for m in batch]
        )


def _peer(session: Session) -> str:
    return str(session.peer[0]) if session.peer else "?"


def is_own(address: str) -> bool:
    """Whether a connection comes from this machine itself."""
    return address.startswith("127.") or address == "::1"


def _plain(address: str) -> str:
    return "".join(c for c in address if c.isprintable())[:320]


async def serve(settings: Settings, *, is_guarded: bool) -> None:
    """Take mail until SIGTERM or SIGINT."""
    loop, ended, box = asyncio.get_running_loop(), asyncio.Event(), Mailbox(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    tls = ensure_certificate(settings.path("run", "mail.pem"))
    # The firewall closes these ports to all but guarded networks.
    bind = "0.0.0.0" if is_guarded else settings.bind_loopback  # noqa: S104
    await loop.create_server(box.connection, bind, settings.mail_port)
    await loop.create_server(lambda: box.connection(tls), bind, settings.mail_starttls_port)
    await loop.create_server(box.connection, bind, settings.mail_tls_port, ssl=tls)
    log.info("keeping mail on %s:%d", bind, settings.mail_port)
    await ended.wait()


def main() -> None:
    """Run the mail server."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's: it names addresses
    settings = load_settings()
    asyncio.run(serve(settings, is_guarded=ensure_guard(settings) is not None))
