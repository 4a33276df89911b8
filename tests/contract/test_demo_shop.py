"""The sample shop and its production data, against a real Postgres."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import psycopg
import pytest

from greenroom.demo.production_data import SAMPLE, fill_production
from greenroom.demo.repository import HERE
from tests.conftest import free_port

Rows = list[tuple[object, ...]]


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:  # type: ignore[override]
        return None


class Shop:
    """One running shop."""

    def __init__(self, folder: Path, dsn: str, **more: str) -> None:
        self.url, self.basket = f"http://127.0.0.1:{(port := free_port())}", ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "shop"],
            cwd=folder, env=environment(dsn, PORT=str(port), **more),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """Ask for a page; keep the basket's cookie, follow nothing."""
        data = urlencode(form).encode() if form is not None else None
        request = Request(self.url + path, data, {**headers, "Cookie": f"basket={self.basket}"})
        try:
            answer = build_opener(Stay).open(request, timeout=20)
        except HTTPError as error:
            answer = error
        with answer:
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                self.basket = SimpleCookie(cookie)["basket"].value
            body = answer.headers.get("Location") or answer.read().decode()
            return answer.status or 0, body

    def wait(self) -> float:
        """Wait until it listens; give the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < 20:
            try:
                self.ask("/static/mark.svg")
                return time.monotonic() - began
            except URLError:
                assert self.process.poll() is None, self.process.communicate()[0]
                time.sleep(0.02)
        raise AssertionError("the shop never listened")


def environment(dsn: str, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DATABASE_URL": dsn, "PYTHONDONTWRITEBYTECODE": "1", **more}


def migrate(dsn: str, folder: Path = SAMPLE, module: str = "shop.migrate") -> str:
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=folder, env=environment(dsn),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(dsn: str, query: str) -> Rows:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def start(postgres_dsn: str) -> Iterator[Callable[..., Shop]]:
    running: list[Shop] = []

    def start_shop(folder: Path = SAMPLE, dsn: str = postgres_dsn, **more: str) -> Shop:
        running.append(Shop(folder, dsn, **more))
        running[-1].wait()
        return running[-1]

    yield start_shop
    for shop in running:
        shop.process.kill()
        shop.process.communicate()


ORDER = {
    "full_name": "Nora Demo", "email": "nora@demo.example", "phone": "01632 960300",
    "street": "7 Sample Street", "postcode": "TE5 7AC", "city": "Testford",
    "country": "United Kingdom", "gift_note": "",
}  # fmt: skip


def fill_basket(shop: Shop) -> str:
    """Put three pieces into the basket; give the checkout's token."""
    assert shop.ask("/basket", {"slug": "moon-jar", "quantity": "1"})[0] == 303
    assert shop.ask("/basket", {"slug": "cove-bowl", "quantity": "2"})[0] == 303
    _, page = shop.ask("/checkout")
    found = re.search(r'name="token" value="([0-9a-f-]{36})"', page)
    assert found
    return found[1]


def test_migrating_twice_equals_once(postgres_dsn: str) -> None:
    assert "0001_the_shop" in migrate(postgres_dsn)
    before = rows(postgres_dsn, "select * from products order by id")
    assert "0001_the_shop" not in migrate(postgres_dsn)
    assert rows(postgres_dsn, "select * from products order by id") == before
    assert 12 <= len(before) <= 16


def test_seeding_only_fills_an_empty_shop(postgres_dsn: str) -> None:
    migrate(postgres_dsn)
    assert "5 demo customers" in migrate(postgres_dsn, module="shop.seed")
    assert "already" in migrate(postgres_dsn, module="shop.seed")
    assert rows(postgres_dsn, "select count(*), min(total_cents) > 0 from orders") == [(5, True)]


def test_every_page_answers_and_asks_nobody_else(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    migrate(postgres_dsn)
    migrate(postgres_dsn, module="shop.seed")
    shop = start()
    slugs = [row[0] for row in rows(postgres_dsn, "select slug from products")]
    pages = ["/", "/collection", "/collection/home", "/studio", "/basket", "/contact"]
    pages += ["/customers", "/customers?q=ada", "/customers/1", "/tickets", "/tickets?page=9"]
    files: set[str] = set()
    for path in pages + [f"/pieces/{slug}" for slug in slugs]:
        status, body = shop.ask(path)
        assert status == 200, path
        assert "<h1" in body
        assert not re.search(r'(?:src|srcset|action)="(?:https?:)?//', body), path
        files |= set(re.findall(r"/static/[\w./-]+", body))
    assert len(files) > 40
    for file in files:
        assert (SAMPLE / "shop" / file[1:]).is_file(), file
    assert shop.ask("/pieces/nothing")[0] == 404
    assert shop.ask("/nowhere")[0] == 404
    assert shop.ask("/", {})[0] == 405


def test_an_order_is_written_once_and_confirmed(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    migrate(postgres_dsn)
    shop = start(GREENROOM_URL="http://shop.localhost:8600")
    token = fill_basket(shop)
    filled = shop.basket
    assert shop.ask("/checkout", {**ORDER, "token": token, "email": "nora"})[0] == 422
    assert rows(postgres_dsn, "select count(*) from orders") == [(0,)]
    for _ in range(2):  # the button pressed twice
        shop.basket = filled
        status, where = shop.ask("/checkout", {**ORDER, "token": token})
        assert (status, where) == (303, f"/orders/{token}")
    assert shop.basket == "", "the basket is empty again"
    status, page = shop.ask(where)
    assert status == 200
    assert "Moon Jar" in page
    assert "£196" in page
    assert rows(postgres_dsn, "select total_cents, ship_name from orders") == [
        (19_600, "Nora Demo")
    ]
    assert rows(postgres_dsn, "select sum(quantity) from order_items") == [(3,)]
    assert rows(postgres_dsn, "select payload->'customer'->>'email' from events") == [
        ("nora@demo.example",)
    ]
    [(recipient, body, reason)] = rows(postgres_dsn, "select recipient, body, reason from outbox")
    assert recipient == "nora@demo.example"
    assert f"http://shop.localhost:8600/orders/{token}" in str(body)
    assert reason == "no mail server is set"


def test_hostile_text_stays_text(postgres_dsn: str, start: Callable[..., Shop]) -> None:
    migrate(postgres_dsn)
    shop = start()
    letter = {
        "full_name": "<script>alert(1)</script>", "email": "x@demo.example",
        "subject": "'; drop table tickets; --", "body": "line\0\r\n" * 3,
    }  # fmt: skip
    assert shop.ask("/contact", letter)[0] == 303
    _, page = shop.ask("/tickets?q=drop")
    assert "<script>alert" not in page
    assert "drop table tickets" in page
    assert shop.ask("/tickets?q=%25&page=99999999999")[0] == 200
    assert shop.ask("/basket", {"slug": "moon-jar", "quantity": "-5"})[0] == 303
    assert shop.ask("/contact", {**letter, "body": "x" * 100_000})[0] == 413
    shop.basket = "moon-jar.99_nothing.1_!!_cove-bowl.x"
    assert shop.ask("/basket")[0] == 200


def test_mail_goes_by_smtp_where_a_server_is_named(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    migrate(postgres_dsn)
    port, received = free_port(), []

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        in_data = False
        while line := await reader.readline():
            if in_data:
                received.append(line.decode())
                in_data = line != b".\r\n"
                if not in_data:
                    writer.write(b"250 kept\r\n")
            elif line.upper().startswith(b"DATA"):
                in_data = True
                writer.write(b"354 go on\r\n")
            elif line.upper().startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    async def order() -> None:
        server = await asyncio.start_server(sink, "127.0.0.1", port)
        async with server:
            shop = start(SMTP_HOST="127.0.0.1", SMTP_PORT=str(port))
            token = await asyncio.to_thread(fill_basket, shop)
            await asyncio.to_thread(shop.ask, "/checkout", {**ORDER, "token": token})

    asyncio.run(order())
    text = "".join(received)
    assert "To: nora@demo.example" in text
    assert "Subject: Your order no. 1 at Tolmere" in text
    assert rows(postgres_dsn, "select count(*) from outbox") == [(0,)]


def test_a_mail_server_that_is_down_costs_no_order(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    migrate(postgres_dsn)
    shop = start(SMTP_HOST="127.0.0.1", SMTP_PORT=str(free_port()))
    assert shop.ask("/checkout", {**ORDER, "token": fill_basket(shop)})[0] == 303
    [(reason,)] = rows(postgres_dsn, "select reason from outbox")
    assert "ConnectionRefusedError" in str(reason)


def test_staff_pages_ask_for_the_password_that_is_set(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    migrate(postgres_dsn)
    shop = start(STAFF_PASSWORD="wool")
    for path in ("/customers", "/customers/1", "/tickets"):
        assert shop.ask(path)[0] == 401
        assert shop.ask(path, Authorization="Basic eDp3b29s")[0] in (200, 404)  # x:wool
        assert shop.ask(path, Authorization="Basic eDpzaWxr")[0] == 401


def test_health_tells_what_is_wrong(postgres_dsn: str, start: Callable[..., Shop]) -> None:
    shop = start(GREENROOM_COMMIT="abc", GREENROOM_ENVIRONMENT="feature")
    status, body = shop.ask("/healthz")
    assert status == 503
    assert "shop.migrate" in body
    assert shop.ask("/")[0] == 503, "a page says so too"
    migrate(postgres_dsn)
    status, body = shop.ask("/healthz")
    assert status == 200
    assert '"commit": "abc"' in body
    assert '"environment": "feature"' in body
    assert '"products": 14' in body
    away = start(dsn=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    status, body = away.ask("/healthz")
    assert status == 503
    assert "not reachable" in body
    assert away.ask("/collection")[0] == 503


def test_it_finds_its_database_again(postgres_dsn: str, start: Callable[..., Shop]) -> None:
    migrate(postgres_dsn)
    shop = start()
    assert shop.ask("/collection")[0] == 200
    rows(
        postgres_dsn,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shop'",
    )
    time.sleep(1.1)
    assert shop.ask("/collection")[0] == 200


def test_sigterm_lets_the_order_in_flight_finish(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    migrate(postgres_dsn)
    shop = start()
    token = fill_basket(shop)

    async def stop_in_the_middle() -> tuple[int, str]:
        with psycopg.connect(postgres_dsn) as connection:
            connection.execute("lock table customers in exclusive mode")
            answer = asyncio.create_task(
                asyncio.to_thread(shop.ask, "/checkout", {**ORDER, "token": token})
            )
            await asyncio.sleep(0.5)
            shop.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            assert shop.process.poll() is None, "it waits for the order"
            with pytest.raises(URLError):
                shop.ask("/")
        return await answer

    assert asyncio.run(stop_in_the_middle()) == (303, f"/orders/{token}")
    out, _ = shop.process.communicate(timeout=20)
    assert shop.process.returncode == 0
    assert "POST /checkout 303" in out
    assert out.rstrip().endswith("stopped")
    assert rows(postgres_dsn, "select count(*) from orders") == [(1,)]


@pytest.mark.parametrize("fixed", [False, True])
def test_the_broken_commit_says_why_and_the_fix_starts(
    postgres_dsn: str, tmp_path: Path, start: Callable[..., Shop], fixed: bool
) -> None:
    folder = tmp_path / "shop"
    layers = ["sample", "branches/feature-spring-sale", "branches/broken"]
    for layer in [*layers, "branches/fix"] if fixed else layers:
        shutil.copytree(HERE / layer, folder, dirs_exist_ok=True)
    migrate(postgres_dsn, folder)
    if not fixed:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "shop"], cwd=folder, env=environment(postgres_dsn, PORT="1"),
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert time.monotonic() - began < 10
        assert done.returncode == 1
        assert done.stderr.startswith("Traceback")
        assert "MissingSetting: the environment variable GIFT_CARD_KEY is not set" in done.stderr
        return
    shop = start(folder)
    assert shop.ask("/healthz")[0] == 200
    _, page = shop.ask("/pieces/moon-jar")
    assert "£112" in page
    assert "Spring sale" in page


def test_the_shop_goes_on_selling_after_the_filling(
    postgres_dsn: str, start: Callable[..., Shop]
) -> None:
    fill_production(postgres_dsn, customers=50)
    shop = start()
    assert shop.ask("/checkout", {**ORDER, "token": fill_basket(shop)})[0] == 303
    assert rows(postgres_dsn, "select max(id) from customers") == [(51,)]
