"""A measured page as HTML: the same for the console and for the page to send. All text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from greenroom.compare.charts import difference_chart
from greenroom.compare.lighthouse_words import ADVICE, score_rows
from greenroom.compare.metrics import BY_NAME, METRICS
from greenroom.compare.speed_words import say_over, say_verdict

STYLE = """
.gr-speed { border-collapse: collapse; font-size: .9rem; max-width: 60rem; width: 100%; }
.gr-speed th, .gr-speed td { border-bottom: 1px solid #8883; padding: .3rem .6rem .3rem 0;
  text-align: left; vertical-align: middle; }
.gr-speed th { font-weight: 600; } .gr-speed .n { font-variant-numeric: tabular-nums;
  text-align: right; white-space: nowrap; }
.gr-speed svg { display: block; max-width: 100%; } .gr-speed small { opacity: .7; }
.gr-worse, .gr-over, .gr-failed { color: #c2362b; font-weight: 600; }
.gr-better { color: #1f8a5b; font-weight: 600; } .gr-unclear { color: #a36a12; }
.gr-advice { font-size: .9rem; margin: .3rem 0 .8rem; padding-left: 1.2rem; }
.gr-trends { display: grid; gap: 1rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
.gr-trends figure { margin: 0; } .gr-trends figcaption { overflow-wrap: anywhere; }
.gr-trends svg { height: auto; width: 100%; }
.gr-advice li { overflow-wrap: anywhere; } .gr-lede { margin: .2rem 0 .6rem; }
@media (max-width: 700px) {
  .gr-speed thead { display: none; } .gr-speed tr { border-bottom: 1px solid #8883; display: grid;
    column-gap: .8rem; grid-template-columns: 1fr 1fr; padding: .35rem 0; }
  .gr-speed td, .gr-speed th { border: 0; padding: .05rem 0; }
  .gr-speed .n { text-align: left; white-space: normal; }
  .gr-speed td[data-l]::before { content: attr(data-l) ": "; opacity: .6; }
  .gr-speed .wide { grid-column: 1 / -1; }
}
"""


def word(verdict: str) -> str:
    """Give a verdict as HTML."""
    return f'<span class="gr-{escape(verdict)}">{escape(say_verdict(verdict))}</span>'


def page_html(page: Mapping[str, Any]) -> str:
    """Give everything that was measured of a page on a device."""
    if page["failure"]:
        return f'<p class="gr-lede gr-failed">{escape(page["failure"])}</p>'
    parts = [f'<p class="gr-lede gr-over">{escape(say_over(over))}</p>' for over in page["over"]]
    parts.append(_differences(page["findings"]) if page["findings"] else _alone(page["alone"]))
    parts.append(f"<p class='gr-lede'><small>{escape(_basis(page))}</small></p>")
    if page["lighthouse"]:
        parts.append(lighthouse_html(page["lighthouse"]))
    return "".join(parts)


def _basis(page: Mapping[str, Any]) -> str:
    unit = "pairs of visits" if page["findings"] else "visits"
    said = f"{page['pairs']} {unit}, nothing cached"
    if page["voided"]:
        said += f"; {page['voided']} more left out, because this machine was slowed down meanwhile"
    return said + "."


def _differences(findings: Sequence[Mapping[str, Any]]) -> str:
    times = [f for f in findings if BY_NAME[f["metric"]].unit == "ms"]
    reach = max((max(abs(f["low"]), abs(f["high"]), 2 * f["least"]) for f in times), default=1.0)
    rows = "".join(_row(f, reach if BY_NAME[f["metric"]].unit == "ms" else None) for f in findings)
    return (
        '<table class="gr-speed"><thead><tr><th></th><th class="n">Production</th>'
        '<th class="n">Here</th><th>Difference, faster to the left</th><th></th><th></th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _row(finding: Mapping[str, Any], reach: float | None) -> str:
    metric = BY_NAME[finding["metric"]]
    low, high = (metric.say(finding[side], signed=True) for side in ("low", "high"))
    amount = metric.say(finding["difference"], signed=True)
    own = max(abs(finding["low"]), abs(finding["high"]), 2 * finding["least"])
    drawn = difference_chart(
        finding["difference"], finding["low"], finding["high"], finding["least"],
        reach=reach or own, verdict=finding["verdict"],
        said=f"{metric.title}: {amount}, {low} to {high}",
    )  # fmt: skip
    return (
        f"<tr><th>{escape(metric.title)}</th>"
        f'<td class="n" data-l="Production">{escape(metric.say(finding["before"]))}</td>'
        f'<td class="n" data-l="Here">{escape(metric.say(finding["after"]))}</td>'
        f'<td class="wide">{drawn}</td>'
        f'<td class="n">{escape(amount)} <small>{escape(low)} to {escape(high)}</small></td>'
        f"<td>{word(finding['verdict'])}</td></tr>"
    )


def _alone(alone: Mapping[str, Sequence[float]]) -> str:
    rows = "".join(
        "<tr><th>{}</th><td class='n'>{}</td><td><small>{} to {}</small></td></tr>".format(
            escape(metric.title), *(escape(metric.say(value)) for value in alone[metric.name])
        )
        for metric in METRICS
        if metric.name in alone
    )
    return f'<table class="gr-speed"><tbody>{rows}</tbody></table>'


def lighthouse_html(found: Mapping[str, Any]) -> str:
    """Give Lighthouse's scores of both sides, and the advice that differs."""
    if found["failure"]:
        return f'<p class="gr-lede gr-unclear">{escape(found["failure"])}</p>'
    rows = "".join(
        f'<tr><th>Lighthouse: {escape(name)}</th><td class="n" data-l="Production">{escape(before)}'
        f'</td><td class="n" data-l="Here">{escape(after)}</td><td><small>{escape(spread)}</small>'
        "</td></tr>"
        for name, before, after, spread in score_rows(found)
    )
    head = '<th></th><th class="n">Production</th><th class="n">Here</th><th></th>'
    table = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    parts = [f'<table class="gr-speed">{table}</table>']
    for key, title in ADVICE.items():
        if told := found["advice"][key]:
            lines = "".join(
                f"<li>{escape(one['title'])} <small>{escape(one['said'])}</small></li>"
                for one in told
            )
            parts.append(f'<p class="gr-lede"><b>{title}</b></p><ul class="gr-advice">{lines}</ul>')
    return "".join(parts)
