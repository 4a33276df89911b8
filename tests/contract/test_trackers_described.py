"""What GitLab, Jira and Linear are asked, and what the stand-ins answer, before published types.

None of them publishes a description in a registry. Linear's own SDK holds its GraphQL schema as
types; GitLab's and Jira's are those of widely used clients (gitbeaker, and jira.js, which is made
from Atlassian's description). The compiler reads them: an unknown field is an error.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenroom.settings import ROOT
from greenroom.trackers import open_tracker
from tests.contract.test_github_described import Require
from tests.contract.test_trackers import DRAFT, done_payload, said_payload
from tests.contract.tracker_server import SERVERS, Told

pytestmark = [pytest.mark.contract, pytest.mark.needs_node]
MODULES = ROOT / "node_modules"
HEAD = """
import type { LinearDocument as L } from "@linear/sdk";
import type * as W from "@linear/sdk/webhooks";
import type * as G from "@gitbeaker/core";
import type { Version2Parameters as P, Version2Models as M } from "jira.js";
type Un<T> = NonNullable<T> extends ReadonlyArray<infer U> ? NonNullable<U> : NonNullable<T>;
type At<T, P extends string[]> = P extends [infer H extends string, ...infer R extends string[]]
  ? (H extends keyof Un<T> ? At<Un<T>[H], R> : never) : Un<T>;
type Known<T> = [T] extends [never] ? false : true;
type Part<T> = T extends Array<infer U> ? Part<U>[]
  : T extends object ? { [K in keyof T]?: Part<T[K]> } : T;
"""
_TOKEN = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)|\w+|[{}]")
_count = itertools.count(1)


def check(kind: str, value: Any) -> str:
    """Declare that a value is of a type; what the type does not know is an error."""
    text = value if isinstance(value, str) and value.startswith("{") else json.dumps(value)
    return f"const v{next(_count)}: {kind} = {text};"


def doubt(kind: str, value: Any) -> str:
    """Declare that a value is not of a type: the compiler itself is tested by it."""
    return f"// @ts-expect-error\n{check(kind, value)}"


def camel(given: dict[str, Any]) -> dict[str, Any]:
    return {re.sub(r"_(\w)", lambda one: one[1].upper(), key): v for key, v in given.items()}


def gitlab(told: list[Told]) -> Iterator[str]:
    issue = 'Pick<G.IssueSchema, "iid" | "description" | "web_url">'
    for asked, answer in told:
        match asked.method, asked.path.partition("/projects/acme%2Fshop/")[2].split("/"):
            case "GET", ["issues"]:
                yield check("G.AllIssuesOptions", camel(asked.query))
                yield check(f"{issue}[]", answer)
            case "POST", ["issues"]:
                yield check("G.CreateIssueOptions & { title: string }", camel(asked.body))
                yield check(issue, answer)
            case "PUT", ["issues", _]:
                yield check("G.EditIssueOptions", camel(asked.body))
            case "POST", ["uploads"]:
                yield check('Pick<G.MarkdownUploadCreatedSchema, "url">', answer)
            case "POST", ["issues", _, "notes"]:
                yield check('Pick<G.NoteSchema, "body">', asked.body)
                yield check('Pick<G.NoteSchema, "id">', answer)
            case other:
                raise AssertionError(other)
    yield check("Part<G.WebhookIssueEventSchema>", done_payload("gitlab", "1") | _as_number(1))
    yield doubt("G.EditIssueOptions", {"stateEvents": "close"})


def _as_number(iid: int) -> dict[str, Any]:
    return {"object_attributes": {"action": "close", "iid": iid}}


def jira(told: list[Told]) -> Iterator[str]:
    sources = "".join(
        file.read_text() for file in (MODULES / "jira.js" / "src" / "version2").glob("*.ts")
    )
    for asked, answer in told:
        path = re.sub(r"/SHOP-\d+", "/KEY", asked.path)
        template = re.escape(path).replace("KEY", r"\$\{[\w.]+\}")
        found = re.search(rf"url: [`']{template}[`'],\s+method: '{asked.method}'", sources)
        is_old = path == "/rest/api/2/search"  # of a Data Center; the cloud has removed it
        assert found or is_old, (asked.method, path)
        match asked.method, path.removeprefix("/rest/api/2/").split("/"):
            case "GET", ["search", *_]:
                query = {**asked.query, "fields": [asked.query["fields"]]}
                yield check("P.SearchForIssuesUsingJqlEnhancedSearch", query)
                if answer is not None:
                    yield check("Part<M.SearchAndReconcileResults>", answer)
            case "POST", ["issue"]:
                yield check("P.CreateIssue", asked.body)
                yield check('Pick<M.CreatedIssue, "id" | "key">', answer)
            case "POST", ["issue", _, "comment"]:  # the client calls it otherwise
                yield check("P.AddComment", {"issueIdOrKey": "K", "comment": asked.body["body"]})
                yield check("M.Comment", answer)
            case "GET", ["issue", _, "transitions"]:
                yield check("Part<M.Transitions>", answer)
            case "POST", ["issue", _, "transitions"]:
                yield check("P.DoTransition", {"issueIdOrKey": "K", **asked.body})
            case "GET", ["issue", _]:
                yield check("Part<M.StatusDetails>", answer["fields"]["status"])
            case "POST", ["issue", _, "attachments"]:
                yield check("Part<M.Attachment>[]", answer)
            case other:
                raise AssertionError(other)
    yield doubt("P.DoTransition", {"issueIdOrKey": "K", "transitions": {"id": "1"}})


def linear(told: list[Told]) -> Iterator[str]:
    for asked, answer in told:
        if asked.path.startswith("/put/"):
            continue
        query, given = asked.body["query"], asked.body["variables"]
        root = "Mutation" if query.startswith("mutation") else "Query"
        inner = query[query.index("{") :]
        for path, arguments in _selected(inner):
            keys = json.dumps(path)
            yield check(f"Known<At<L.{root}, {keys}>>", True)
            if arguments:
                text = arguments
                for key, value in given.items():
                    text = text.replace(f"${key}", json.dumps(value))
                name = path[0][:1].upper() + path[0][1:]
                yield check(f"L.{root}{name}Args", f"{{{text}}}")
            for value in _values(answer["data"], path):
                yield check(f"Part<At<L.{root}, {keys}>>", value)
    for payload, kind in (
        (done_payload("linear", "1"), "Issue"), (said_payload("linear", "1", "x"), "Comment"),
    ):  # fmt: skip
        yield check(f"Part<W.EntityWebhookPayloadWith{kind}Data>", payload)
    yield doubt('Known<At<L.Query, ["issues", "nodes", "number_"]>>', True)
    yield doubt("L.MutationCommentCreateArgs", {"input": {"issue": "x", "body": "y"}})


def _selected(text: str) -> Iterator[tuple[list[str], str]]:
    """Give each field of a query with its path, and the arguments of the first."""
    path: list[str] = []
    for token in _TOKEN.findall(text):
        if token == "{":
            path.append("")
        elif token == "}":
            path.pop()
        elif token.startswith("("):
            yield path[:], token[1:-1]
        else:
            path[-1] = token
            yield path[:], ""


def _values(data: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(data, list):
        for one in data:
            yield from _values(one, path)
    elif path and isinstance(data, dict):
        if path[0] in data:
            yield from _values(data[path[0]], path[1:])
    elif not path and not isinstance(data, dict):
        yield data


def test_what_is_asked_and_answered_is_of_the_published_types(
    require: Require, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    compiler = MODULES / ".bin" / "tsc"
    require(compiler.exists() and (MODULES / "jira.js").exists(), "the trackers' types", "npm ci")
    lines = [HEAD]
    for kind, words in (("gitlab", gitlab), ("jira", jira), ("linear", linear)):
        with next(one for one in SERVERS if one.kind == kind)() as server:
            client = open_tracker(kind, server.place, server.token, api_url=server.url)
            issue = client.ensure_issue(DRAFT)
            assert client.find_issue(DRAFT.mark) == issue
            client.add_comment(issue, "x")
            for is_done in (True, False):
                client.set_done(issue, is_done)
            client.close()
        assert len(server.told) >= 5
        lines += words(server.told)
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "said.ts").write_text("\n".join(lines))
    done = subprocess.run(
        [compiler, "--noEmit", "--skipLibCheck", "--strict", "--module", "nodenext",
         "--target", "es2022", "said.ts"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
