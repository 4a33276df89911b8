"""A client's word on what a link shows: approve it, or ask for changes."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from greenroom import approving, promotions
from greenroom.errors import GreenroomError, NotAllowed
from greenroom.gateway import pages
from greenroom.gateway.doorpages import language
from greenroom.gateway.doors import is_cross_site, read_form
from greenroom.gateway.visitors import Visitor
from greenroom.previews import BESIDE
from greenroom.store import approvals, environments, links
from greenroom.store.models import EnvironmentKind
from greenroom.store.states import Verdict
from greenroom.store.work import unit_of_work

_WORDS = {
    "en": {
        "title": "What do you think?",
        "text": "{project}, version {commit} of {day}. Your word counts for this very version.",
        "note": "Note (needed if you ask for changes)",
        "about": "About",
        "whole": "The whole site",
        "part": "You approved {count} of {many} pages so far.",
        "approve": "Approve",
        "changes": "Ask for changes",
        "back": "Back to the preview",
        "now": "See today's site beside it",
        "approved": "You approved this version. Thank you!",
        "changed": "You asked for changes. The team has your note. Thank you!",
        "newer": "Meanwhile a newer version came. Please look at it before you decide.",
        "elsewhere": "Please send the form from this page.",
        "missing": "Please write what shall change.",
        "none": "This link is for looking only",
        "none_text": "Ask whoever sent it to you if you should decide.",
    },
    "de": {
        "title": "Was meinen Sie?",
        "text": "{project}, Fassung {commit} vom {day}. Ihr Wort gilt für genau diese Fassung.",
        "note": "Anmerkung (nötig, wenn Sie Änderungen wünschen)",
        "about": "Wozu",
        "whole": "Die ganze Seite",
        "part": "Bisher haben Sie {count} von {many} Seiten freigegeben.",
        "approve": "Freigeben",
        "changes": "Änderungen wünschen",
        "back": "Zurück zur Vorschau",
        "now": "Die heutige Seite daneben ansehen",
        "approved": "Sie haben diese Fassung freigegeben. Vielen Dank!",
        "changed": "Sie wünschen Änderungen. Das Team hat Ihre Anmerkung. Vielen Dank!",
        "newer": "Inzwischen gibt es eine neuere Fassung. Bitte sehen Sie sie erst an.",
        "elsewhere": "Bitte senden Sie das Formular von dieser Seite aus ab.",
        "missing": "Bitte schreiben Sie, was sich ändern soll.",
        "none": "Dieser Link ist nur zum Ansehen",
        "none_text": "Fragen Sie, wer ihn Ihnen geschickt hat, ob Sie entscheiden sollen.",
    },
}


@dataclass(frozen=True)
class Standing:
    """What a client decides about."""

    project: str
    release_id: UUID
    commit: str
    made_at: datetime
    preview: str
    production: str
    rule: approving.Rule
    said: Mapping[str, str]
    """The client's last words on it, by page."""


def client_actor(label: str) -> str:
    """Name a client for the store: never to be taken for somebody of the team. Pure."""
    return f"{approving.CLIENT}{label}"


def _read(visitor: Visitor) -> Standing | None:
    with unit_of_work() as work:
        found = environments.get_environment(work, str(visitor.environment_id))
        release = found.release
        if release is None:
            return None
        live = environments.find_environment(work, found.project, EnvironmentKind.PRODUCTION)
        said = approving.last_words(approvals.list_approvals(work, release))
        return Standing(
            found.project.name, release.id, release.commit_hash, release.created_at, found.url,
            live.url if live is not None and live.release_id else "",
            promotions.rule_of(found.project), said.get(client_actor(visitor.label), {}),
        )  # fmt: skip


def _record(visitor: Visitor, release_id: str, verdict: Verdict, note: str, page: str = "") -> bool:
    """Record a client's word; whether what they saw is still what is shown."""
    with unit_of_work() as work:
        found = environments.get_environment(work, str(visitor.environment_id))
        if str(found.release_id) != release_id:
            return False
        link = links.find_open(work, visitor.link_id) if visitor.link_id else None
        if visitor.link_id is not None and (link is None or not link.may_approve):
            raise NotAllowed("this link opens nothing any more", hint="Ask for a new one.")
        promotions.record_verdict(
            work, found, verdict, note, by=client_actor(visitor.label), page=page
        )
        return True


async def answer(request: web.BaseRequest, visitor: Visitor | None) -> web.Response:
    """Answer the page where a client decides."""
    words = _WORDS[language(request)]
    if visitor is None or not visitor.may_approve:
        return pages.answer(request, 403, words["none"], words["none_text"], lang=language(request))
    if request.method == "POST":
        return await _decide(request, visitor)
    if request.method not in ("GET", "HEAD"):
        return pages.not_allowed(request, "GET, HEAD, POST", "A review is read and sent.")
    return await _show(request, visitor)


async def _decide(request: web.BaseRequest, visitor: Visitor) -> web.Response:
    if is_cross_site(request):
        return await _show(request, visitor, "elsewhere", 403)
    form = await read_form(request)
    verdict = Verdict.APPROVED if form.get("verdict") == "approved" else Verdict.CHANGES
    note = form.get("note", "").strip()
    if verdict is Verdict.CHANGES and not note:
        return await _show(request, visitor, "missing", 400)
    try:
        is_present = await asyncio.to_thread(
            _record, visitor, form.get("release", ""), verdict, note, form.get("page", "")
        )
    except GreenroomError as error:
        return pages.answer(
            request, 503 if error.transient else 403, "This was not recorded", error.message,
            hint=error.hint,
        )  # fmt: skip
    if not is_present:
        return await _show(request, visitor, "newer", 409)
    return web.Response(
        status=303, headers={"Location": request.raw_path, "Cache-Control": "no-store"}
    )


async def _show(
    request: web.BaseRequest, visitor: Visitor, wrong: str = "", status: int = 200
) -> web.Response:
    standing = await asyncio.to_thread(_read, visitor)
    if standing is None:
        return pages.nothing_serves(request, "building", "")
    words = _WORDS[language(request)]
    told = html.escape(_standing(standing, words))
    form = (
        f'<form method="post"><input type="hidden" name="release" value="{standing.release_id}">'
        f"{_pages(standing, words, request.query.get('page', ''))}"
        f'<label for="note">{words["note"]}</label>'
        f'<textarea id="note" name="note" rows="4" maxlength="{promotions.MAX_NOTE}"></textarea>'
        f'<button class="first" name="verdict" value="approved">{words["approve"]}</button>'
        f'<button name="verdict" value="changes">{words["changes"]}</button></form>'
    )
    lines = [
        f'<p class="wrong" role="alert">{words[wrong]}</p>' if wrong else "",
        f'<p class="good" role="status">{told}</p>' if told and not wrong else "",
        form,
        f'<p><a href="{html.escape(standing.preview)}">{words["back"]}</a></p>',
    ]
    if standing.production:
        asked = quote(request.query.get("page", "/"), safe="")
        there = html.escape(f"{standing.preview}{BESIDE}?page={asked}")
        lines.append(f'<p><a href="{there}" target="_blank" rel="noopener">{words["now"]}</a></p>')
    text = words["text"].format(
        project=standing.project, commit=standing.commit[:12], day=f"{standing.made_at:%Y-%m-%d}"
    )
    return pages.answer(
        request, status, words["title"], text, more="".join(lines), lang=language(request)
    )


def _standing(standing: Standing, words: Mapping[str, str]) -> str:
    """Say what the client has said so far. Pure."""
    rule, said = standing.rule, standing.said
    if Verdict.CHANGES in said.values():
        return words["changed"]
    if approving.approves(rule, said):
        return words["approved"]
    count = approving.count_approved(rule, said)
    return words["part"].format(count=count, many=len(rule.pages)) if count else ""


def _pages(standing: Standing, words: Mapping[str, str], asked: str) -> str:
    """Give the choice of what the word is about, where a project names pages. Pure."""
    if not standing.rule.pages:
        return ""
    marks = {Verdict.APPROVED: " ✓", Verdict.CHANGES: " ✎"}
    whole = standing.said.get(approving.WHOLE, "")
    options = [f'<option value="">{words["whole"]}</option>']
    for page in standing.rule.pages:
        mark = marks.get(Verdict(said), "") if (said := standing.said.get(page, whole)) else ""
        chosen = " selected" if page == asked else ""
        shown = html.escape(page)
        options.append(f'<option value="{shown}"{chosen}>{shown}{mark}</option>')
    return (
        f'<label for="page">{words["about"]}</label>'
        f'<select id="page" name="page">{"".join(options)}</select>'
    )
