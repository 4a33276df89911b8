"""Halves of a UTF-16 pair: a document of type json may hold one alone, and no text can."""

from __future__ import annotations

import json
import re

HALF = re.compile("([\ud800-\udfff]+)")


def quoted(text: str) -> str:
    """Write a text as JSON has it; halves stay written out."""
    return json.dumps(text, ensure_ascii=HALF.search(text) is not None)
