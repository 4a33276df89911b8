"""Which account a project's own code runs as."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from greenroom.errors import HostingError
from greenroom.settings import Settings

DEFAULT = "nobody"


@dataclass(frozen=True)
class Account:
    """An unprivileged account."""

    name: str
    user_id: int
    group_id: int


def app_account(settings: Settings) -> Account | None:
    """Give the account for projects' code; None means our own (we are not root, or were told so).

    Errors: HostingError when the named account does not exist.
    """
    if os.geteuid() != 0 or settings.app_user == "root":
        return None
    name = settings.app_user or DEFAULT
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise HostingError(
            f"there is no account {name!r} to run projects as",
            hint="Create it, or name another in GREENROOM_APP_USER.",
        ) from error
    return Account(name, entry.pw_uid, entry.pw_gid)
