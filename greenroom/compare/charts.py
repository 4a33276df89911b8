"""Small charts as SVG, drawn in the colours of the text around them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, ROW_HEIGHT = 220, 22
TREND_WIDTH, TREND_HEIGHT = 320, 72
COLOURS = {"worse": "#c2362b", "better": "#1f8a5b", "unclear": "#b7791f", "same": "currentColor"}


def difference_chart(
    difference: float, low: float, high: float, least: float, *, reach: float, verdict: str,
    said: str,
) -> str:  # fmt: skip
    """Draw a difference with its interval about zero; the shaded part is too small to count.

    ``reach`` is what the chart's edges stand for; what lies beyond is drawn at the edge.
    """
    reach = max(reach, least, 1e-9)

    def x(value: float) -> float:
        return WIDTH / 2 + max(-1.0, min(1.0, value / reach)) * (WIDTH / 2 - 6)

    middle, colour = ROW_HEIGHT / 2, COLOURS.get(verdict, "currentColor")
    return (
        f'<svg class="gr-chart" role="img" aria-label="{escape(said)}" width="{WIDTH}"'
        f' height="{ROW_HEIGHT}" viewBox="0 0 {WIDTH} {ROW_HEIGHT}"><title>{escape(said)}</title>'
        f'<rect x="{x(-least):.1f}" y="2" width="{x(least) - x(-least):.1f}"'
        f' height="{ROW_HEIGHT - 4}" fill="currentColor" opacity=".09"/>'
        f'<line x1="{WIDTH / 2}" x2="{WIDTH / 2}" y1="0" y2="{ROW_HEIGHT}" stroke="currentColor"'
        ' opacity=".45"/>'
        f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{middle}" y2="{middle}" stroke="{colour}"'
        ' stroke-width="3" stroke-linecap="round" opacity=".55"/>'
        f'<circle cx="{x(difference):.1f}" cy="{middle}" r="4.5" fill="{colour}"/></svg>'
    )


def trend_chart(points: Sequence[tuple[str, float, float, float]], said: str) -> str:
    """Draw ``(when, value, low, high)`` from left to right, from zero up, with its intervals."""
    if not points:
        return ""
    top = max(high for _, _, _, high in points) * 1.08 or 1.0
    left, right, foot = 4, TREND_WIDTH - 6, TREND_HEIGHT - 4

    def x(at: int) -> float:
        return left + (right - left) * (at / (len(points) - 1) if len(points) > 1 else 1.0)

    def y(value: float) -> float:
        return foot - (foot - 4) * max(0.0, value) / top

    upper = [f"{x(at):.1f},{y(high):.1f}" for at, (_, _, _, high) in enumerate(points)]
    lower = [f"{x(at):.1f},{y(low):.1f}" for at, (_, _, low, _) in enumerate(points)]
    line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, (_, value, _, _) in enumerate(points))
    dots = "".join(
        f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="2.5" fill="currentColor">'
        f"<title>{escape(when)}</title></circle>"
        for at, (when, value, _, _) in enumerate(points)
    )
    return (
        f'<svg class="gr-chart" role="img" aria-label="{escape(said)}" width="{TREND_WIDTH}"'
        f' height="{TREND_HEIGHT}" viewBox="0 0 {TREND_WIDTH} {TREND_HEIGHT}">'
        f'<line x1="0" x2="{TREND_WIDTH}" y1="{foot}" y2="{foot}" stroke="currentColor"'
        ' opacity=".3"/>'
        f'<polygon points="{" ".join([*upper, *lower[::-1]])}" fill="currentColor" opacity=".15"/>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>{dots}'
        "</svg>"
    )
