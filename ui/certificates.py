"""The certificate of an environment's host, as measured; looked at once in a while."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from greenroom.edge.certificate import Certificate, measure_certificate
from greenroom.errors import GreenroomError
from greenroom.settings import load_settings
from ui import look

SECONDS = 60
PATIENCE_SECONDS = 1.0
SOON_DAYS = 14


@st.cache_data(ttl=SECONDS, show_spinner=False)
def _measured(host: str, port: int) -> Certificate | None:
    try:
        return measure_certificate(host, port, timeout=PATIENCE_SECONDS)
    except GreenroomError:
        return None


def describe(host: str) -> str:
    """Give issuer and expiry of a host's certificate as HTML; nothing without HTTPS."""
    settings = load_settings()
    if settings.tls == "off":
        return ""
    found = _measured(host, settings.https_port)
    if found is None:
        return look.tagged("none yet: it comes with the first visit", "wait")
    left = (found.not_after - datetime.now(UTC)).days
    until = f"until {found.not_after:%d %b %Y}"
    return (
        f"{look.text(found.issuer)}<br>{look.tagged(until, 'good' if left > SOON_DAYS else 'wait')}"
    )
