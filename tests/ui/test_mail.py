"""The mail of an environment in the console: listed, searched, read without running anything."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from greenroom.store import environments, mails
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
REFERENCE = "shop/fix-tax"


def send(subject: str, html: str = "") -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "shop@x.test", "nora@y.test", subject
    letter.set_content(f"Thank you for {subject}. https://x.test/o/1")
    if html:
        letter.add_alternative(html, "html")
    with unit_of_work() as work:
        found = environments.get_environment(work, REFERENCE)
        source = letter.as_bytes()
        mails.add_mails(
            work, [mails.NewMail(found.id, "shop@x.test", ("nora@y.test",), subject, source)]
        )


def test_no_mail_yet(seeded, open_page, shown):
    assert "It sent no mail yet" in shown(open_page("environment", env=REFERENCE, part="mail"))
    text = shown(open_page("environment", env="shop/production", part="mail"))
    assert "This is production" in text


def test_a_mail_is_read_searched_and_deleted(seeded, open_page, shown):
    send("Your first order")
    send(f"Second {HOSTILE}", f"<p>Hello</p><script>alert(1)</script>{HOSTILE}")
    test = open_page("environment", env=REFERENCE, part="mail")
    text = shown(test)
    assert "Your first order" in text
    assert "sandbox srcdoc=" in text
    framed = text.split("sandbox srcdoc=")[1].split("title=")[0]
    assert "&lt;script&gt;" in framed
    assert "<" not in framed
    assert "https://x.test/o/1" in text
    test.text_input[0].input("first")
    text = shown(test.run())
    assert "Second" not in text
    assert "Thank you for Your first order" in text
    test.text_input[0].input("")
    test = test.run()
    next(b for b in test.button if b.label == "Delete all of it").click()
    assert "It sent no mail yet" in shown(test.run())
