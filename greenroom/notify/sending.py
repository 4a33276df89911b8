"""One message to one address, by apprise: mail, Slack, Teams, webhooks and a hundred more.

Source: https://github.com/caronc/apprise/wiki for the forms of addresses.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from greenroom.errors import InvalidInput, NotificationRefused

MOST_TITLES = 20
_HINT = "Like mailtos://user:password@smtp.host?to=team@x.org, slack://…, msteams://…, json://host."


def service_of(address: str) -> str:
    """Give the service that an address belongs to, if apprise understands it.

    Errors: InvalidInput, which never quotes the address: it holds secrets.
    """
    _open(address)
    return urlsplit(address.strip()).scheme.lower()


def compose(notices: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Make one message of what is to be told at once, each a title and a body. Pure."""
    if len(notices) == 1:
        return notices[0]
    shown = [f"{title}\n{body}".rstrip() for title, body in notices[:MOST_TITLES]]
    left = len(notices) - len(shown)
    if left:
        shown.append(f"… and {left} more")
    return f"Greenroom: {len(notices)} news", "\n\n".join(shown)


def send(address: str, title: str, body: str) -> None:
    """Send a message.

    Errors: InvalidInput, NotificationRefused (transient; without the service's own words, which
    may quote the address).
    """
    service = _open(address)
    if not service.notify(title=title, body=body or title):
        raise NotificationRefused(
            f"{urlsplit(address).scheme} did not take the message",
            hint="Is the address right, and the service up? Try: greenroom notify test <name>",
        )


def _open(address: str) -> Any:
    import apprise  # a second and 40 MB, which only who sends pays

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its errors quote addresses
    service = apprise.Apprise()
    if not service.add(address.strip()) or len(service) != 1:
        raise InvalidInput("that is no address of a service that we know", hint=_HINT)
    return service
