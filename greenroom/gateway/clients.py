"""What a browser tells of itself, made coarse: enough to recognize one's own, no more."""

from __future__ import annotations

_BROWSERS = (
    ("bot", "a program"), ("Slackbot", "a program"), ("curl/", "a program"),
    ("python", "a program"), ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
"""In this order: each browser names the older ones, too."""
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def coarse_client(agent: str) -> str:
    """Say which browser on which system a User-Agent names. Pure.

    >>> coarse_client("Mozilla/5.0 (iPhone; …) Version/18.0 Mobile/15E148 Safari/604.1")
    'Safari on iPhone'
    """
    folded = agent[:500]
    browser = next((name for mark, name in _BROWSERS if mark in folded), "a browser")
    system = next((name for mark, name in _SYSTEMS if mark in folded), "")
    return f"{browser} on {system}" if system else browser
