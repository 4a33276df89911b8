"""What benchmarks of previews share: a page behind the gateway, and passes of visitors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge import Stage, free_port, nginx, running_gateway, wait_until_listening
from greenroom import previews
from greenroom.settings import load_settings
from greenroom.store import links
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Environment
from greenroom.store.work import unit_of_work

CARD = "<article><h2>Kettle {n}</h2><p>Holds a litre and a half. From {n} euros.</p></article>"
PAGE = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>Shop</title></head><body>"
    + "".join(CARD.format(n=n) for n in range(400))
    + "</body></html>"
)
"""About 35 kB, like a page of a shop."""


@dataclass
class Preview:
    """A running preview."""

    stage: Stage
    host: str

    def visit(self, label: str, *, may_comment: bool = True) -> dict[str, str]:
        """Give the headers of a visitor's browser that opens a page."""
        with unit_of_work() as work:
            environment = work.query(Environment).filter_by(host=self.host).one()
            link, _ = links.create_link(
                work, environment, label, may_comment=may_comment, by="benchmark"
            )
            held = previews.make_pass(self.host, "link", str(link.id), 3600, ensure_secret_key())
        name = previews.cookie_name(load_settings())
        return {
            "Host": self.host, "Cookie": f"{name}={held}", "Accept": "text/html",
            "Sec-Fetch-Dest": "document", "Accept-Encoding": "identity",
        }  # fmt: skip


@contextmanager
def running_preview() -> Iterator[Preview]:
    """Serve the page through a gateway of its own."""
    with ExitStack() as stack:
        stage = stack.enter_context(running_gateway())
        app = free_port()
        _serve(stack, stage.folder, app)
        environment_id = stage.add("shop", "cart")
        with unit_of_work() as work:
            host = work.get_one(Environment, environment_id).host
        stage.wait_until_serving(host, stage.switch(environment_id, app))
        yield Preview(stage, host)


def _serve(stack: ExitStack, folder: Path, port: int) -> None:
    site = folder / "page"
    site.mkdir()
    site.joinpath("index.html").write_text(PAGE)
    server = f"server {{ listen 127.0.0.1:{port}; root {site}; types {{ text/html html; }} }}"
    stack.enter_context(nginx(folder, "page-server", server))
    wait_until_listening(port)
