"""What a browser does not load, said so that no request is held up: for measuring. Pure.

A browser that asks us about each request is slower by that; these rules it knows by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

THIRD_PARTIES = "third-parties"


def resolver_arguments(block: Iterable[str], sites: Iterable[str]) -> list[str]:
    """Give the browser's arguments by which hosts that are blocked are not found.

    Source: Chromium's net/base/host_mapping_rules.h: MAP, EXCLUDE, and ``~NOTFOUND``.
    """
    hosts = [rule for rule in block if "/" not in rule]
    own = [f"EXCLUDE {urlsplit(site).hostname}" for site in sites]
    if THIRD_PARTIES in hosts:
        told = ["MAP * ~NOTFOUND", *own]
    else:
        told = [f"MAP {host} ~NOTFOUND" for host in hosts]
        told += own if told else []
    return [f"--host-resolver-rules={' , '.join(dict.fromkeys(told))}"] if told else []


def address_patterns(block: Iterable[str]) -> list[str]:
    """Give the rules that are about addresses, as DevTools and Lighthouse take them."""
    return [rule for rule in block if "/" in rule]
