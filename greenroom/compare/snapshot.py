"""Read the elements of a page from what ``DOMSnapshot`` tells."""

from __future__ import annotations

from typing import Any

from greenroom.compare.naming import Element

STYLES = (
    "color", "background-color", "background-image", "font-family", "font-size", "font-weight",
    "font-style", "text-decoration-line", "display", "visibility", "opacity", "z-index",
    "border-top-color", "border-top-width", "border-top-left-radius", "box-shadow",
)  # fmt: skip


def elements(snapshot: dict[str, Any]) -> tuple[Element, ...]:
    """Give the elements of the main document."""
    words, document = [*map(_whole, snapshot["strings"])], snapshot["documents"][0]
    nodes, layout = document["nodes"], document["layout"]
    parents, kinds = nodes["parentIndex"], nodes["nodeType"]
    paths: dict[int, str] = {}
    counts: dict[tuple[int, str], int] = {}
    texts: dict[int, list[str]] = {}
    for index, parent in enumerate(parents):
        if kinds[index] == 1:
            tag = words[nodes["nodeName"][index]].lower()
            nth = counts[parent, tag] = counts.get((parent, tag), 0) + 1
            step = f"{tag}:nth-of-type({nth})"
            paths[index] = f"{paths[parent]} > {step}" if parent in paths else tag
        elif kinds[index] == 3 and words[nodes["nodeValue"][index]].strip():
            texts.setdefault(parent, []).append(words[nodes["nodeValue"][index]].strip())
    found = []
    for place, index in enumerate(layout["nodeIndex"]):
        if index in paths:
            pairs = [words[word] for word in nodes["attributes"][index]]
            marks = dict(zip(pairs[::2], pairs[1::2], strict=True))
            styles = [words[word] for word in layout["styles"][place]]
            left, top, width, height = layout["bounds"][place]
            found.append(
                Element(
                    selector=paths[index],
                    text=" ".join(texts.get(index, [])),
                    left=left,
                    top=top,
                    width=width,
                    height=height,
                    styles=dict(zip(STYLES, styles, strict=False)),
                    key=marks.get("data-testid") or marks.get("id", ""),
                )
            )
    return tuple(found)


def _whole(text: str) -> str:
    """Give a text that can be kept: a script may have cut a letter of two halves in the middle."""
    return text.encode(errors="replace").decode().replace("\0", "")
