"""The demo's customer orders in staging and gets no letter; then all is tried to get out."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import TypeVar
from urllib.parse import urlencode

from greenroom.errors import PlatformError
from greenroom.isolating import place_check
from greenroom.store import environments, isolation, mails
from greenroom.store.models import IsolationCheck, Mail
from greenroom.store.work import unit_of_work

Result = TypeVar("Result")
CUSTOMER = "nora@customer.example"
SECONDS = 60.0
_TOKEN = re.compile(r'name="token" value="([0-9a-f-]{36})"')
_ORDER = {
    "full_name": "Nora Demo", "email": CUSTOMER, "phone": "", "street": "1 Kiln Lane",
    "postcode": "TQ1 1AA", "city": "Tolmere", "country": "United Kingdom", "gift_note": "",
}  # fmt: skip


class Customer:
    """Somebody with a browser and a basket."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port, self._basket = host, port, ""

    def ask(self, path: str, form: dict[str, str] | None = None) -> str:
        """Ask for a page, or send a form; give where it leads, else the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Host": self._host, "Cookie": f"basket={self._basket}"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            body = urlencode(form) if form is not None else None
            connection.request("GET" if form is None else "POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                found = SimpleCookie(cookie).get("basket")
                self._basket = found.value if found is not None else self._basket
            return str(answer.headers.get("Location") or text)
        except (OSError, http.client.HTTPException) as error:
            raise PlatformError(f"the gateway does not answer: {error}") from error
        finally:
            connection.close()

    def order(self) -> str:
        """Order a jar; give the address of the order's page."""
        self.ask("/basket", {"slug": "moon-jar", "quantity": "1"})
        token = _TOKEN.search(self.ask("/checkout"))
        return self.ask("/checkout", {**_ORDER, "token": token[1] if token else ""})


def captured_confirmation(reference: str) -> Mail:
    """Wait for the letter that an order's confirmation is, and give it.

    Errors: PlatformError when none comes.
    """

    def find() -> Mail | None:
        with unit_of_work() as work:
            found = mails.list_mails(work, environments.get_environment(work, reference), CUSTOMER)
        return found[0] if found else None

    return _wait(find, "no letter was captured")


def checked_isolation(reference: str) -> IsolationCheck:
    """Have everything tried to get out, and give how it ended.

    Errors: PlatformError when it does not end.
    """
    check_id = place_check(reference, actor="demo")

    def find() -> IsolationCheck | None:
        with unit_of_work() as work:
            row = isolation.get_check(work, check_id)
        return row if row.status in isolation.FINAL else None

    return _wait(find, "the isolation check does not end")


def _wait(find: Callable[[], Result | None], complaint: str) -> Result:
    deadline = time.monotonic() + SECONDS
    while (found := find()) is None:
        if time.monotonic() > deadline:
            raise PlatformError(complaint)
        time.sleep(0.2)
    return found
