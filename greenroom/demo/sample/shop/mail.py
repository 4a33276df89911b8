"""Mail: by SMTP where a server is named, else kept in the table ``outbox``."""

from __future__ import annotations

import asyncio
import logging
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from shop.config import Config
from shop.database import Database

TIMEOUT_SECONDS = 8.0
log = logging.getLogger("shop")


async def send(
    config: Config, database: Database, *, to: str, subject: str, body: str, reply_to: str = ""
) -> None:
    """Send one mail. A mail server that fails does not fail the caller: the mail is kept."""
    reason = "no mail server is set"
    if config.smtp_host:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = config.mail_from, to, subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="tolmere.example")
        if reply_to:
            message["Reply-To"] = reply_to
        message.set_content(body)
        try:
            await asyncio.to_thread(_deliver, config, message)
            log.info("mail: sent %r", subject)
            return
        except OSError as error:  # smtplib's errors are OSErrors too
            reason = f"{type(error).__name__}: {error}"
    async with database.connection() as connection:
        await connection.execute(
            "insert into outbox (recipient, subject, body, reason) values (%s, %s, %s, %s)",
            [to, subject, body, reason],
        )
    log.info("mail: kept %r in the outbox: %s", subject, reason)


def _deliver(config: Config, message: EmailMessage) -> None:
    import smtplib  # only here: it is not needed to start

    with smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=TIMEOUT_SECONDS) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls()
            server.ehlo()
        if config.smtp_user and server.has_extn("auth"):
            server.login(config.smtp_user, config.smtp_password)
        server.send_message(message)
