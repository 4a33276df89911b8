"""The console's web application: Streamlit behind the guard."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from ui import pictures, who
from ui.guard import Guard

COLLECT_SECONDS = 60
"""Replaces Streamlit's full collection after every run (``runner.postScriptGC``)."""

_log = logging.getLogger("greenroom.console")


async def _collect_garbage() -> None:
    while True:
        await asyncio.sleep(COLLECT_SECONDS)
        await asyncio.to_thread(gc.collect)


@contextlib.asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Collect garbage on a timer while the console serves."""
    collector = asyncio.create_task(_collect_garbage(), name="collect-garbage")
    try:
        yield
    finally:
        collector.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await collector


def show_script_error(error: Exception) -> bool:
    """Show the one error panel instead of a traceback; the traceback goes to the log."""
    from ui import look

    _log.error("a page failed", exc_info=error)
    look.error_panel(error)
    return True


who.serve_people()
app = st.App(
    Path(__file__).with_name("script.py"),
    routes=[Route(pictures.PATH, pictures.give_picture, methods=["GET"])],
    middleware=[Middleware(Guard)],
    lifespan=lifespan,
    on_script_error=show_script_error,
)
