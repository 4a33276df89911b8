"""What a staging environment sends is kept; production is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from greenroom import orders
from greenroom.errors import InvalidInput
from greenroom.isolating import place_check
from greenroom.mailing import login_of, read_mail
from greenroom.store import environments, isolation, mails
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import IsolationCheck, Mail
from greenroom.store.work import unit_of_work
from tests.flows.conftest import eventually

pytestmark = pytest.mark.flows
SEND = """
import os, smtplib
from email.message import EmailMessage
if "SMTP_HOST" in os.environ:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@x.test", "nora@y.test", "Your order"
    letter.set_content("Thank you. " + os.environ["SMTP_PASSWORD"])
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.login(os.environ["SMTP_USER"], os.environ["SMTP_PASSWORD"])
        server.send_message(letter)
    assert os.environ["POST_OFFICE"] == "at " + os.environ["SMTP_PORT"]
    print("sent with", os.environ["SMTP_PASSWORD"])
else:
    print("no mail server")
"""


def checked(reference: str) -> IsolationCheck:
    """Order an attempt to get out, and wait for its end."""
    check_id = place_check(reference, actor="ada")

    def ended() -> IsolationCheck | None:
        with unit_of_work() as work:
            row = isolation.get_check(work, check_id)
        return row if row.status in isolation.FINAL else None

    found = eventually(ended, "a check that ends", 60)
    assert isinstance(found, IsolationCheck)
    return found


def test_mail_is_kept_for_staging_and_goes_with_it(new_site: Callable[..., Any], app: Any) -> None:
    files = {**app("1"), "send.py": SEND}
    files["greenroom.yaml"] = files["greenroom.yaml"].replace(
        "run:\n",
        'mail: {variables: {POST_OFFICE: "at {port}"}}\n'
        'run:\n  release: exec "$APP_PYTHON" -I send.py\n',
    )
    site = new_site(files)
    site.set_variable("SMTP_HOST", "mail.production.test", kind="staging")  # ours win
    assert "no mail server" in site.stage.log(site.deploy())
    site.commit({"note": "x"}, "feature")
    log = site.stage.log(site.deploy("feature"))
    environment = site.environment("feature")
    password = login_of(environment.id, ensure_secret_key())[1]
    assert "sent with [redacted]" in log
    assert password not in log
    with unit_of_work() as work:
        found = environments.get_environment(work, str(environment.id))
        (kept,) = mails.list_mails(work, found)
        assert (kept.subject, kept.recipients) == ("Your order", ["nora@y.test"])
        assert "Thank you" in read_mail(bytes(mails.get_mail(work, found, 1).source)).text
    check = checked(f"{site.name}/feature")
    outcomes = {(one["group"], one["what"]): one["outcome"] for one in check.probes}
    assert (check.status, check.verdict, check.runtime) == ("done", "partly", "process")
    assert outcomes["mail", "the server that its variables name"] == "captured"
    assert outcomes["robots", "search engines"] == "blocked"
    assert outcomes["payments", "live keys among its variables"] == "blocked"
    assert outcomes["web", "any host, by name or by address"] == "not kept"
    with pytest.raises(InvalidInput, match="meant to reach the world"):
        place_check(f"{site.name}/production", actor="ada")
    orders.place_destroy(str(environment.id), actor="ada")

    def is_gone() -> bool:
        with unit_of_work() as work:
            return work.query(Mail).filter_by(environment_id=environment.id).count() == 0

    eventually(is_gone, "no mail of what was destroyed", 60)
