"""The API before a real store: rights, errors, idempotency, live logs, no secret anywhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from typing import Any

import httpx
import pytest

from greenroom.api.app import describe
from greenroom.api.door import BAD_TOKENS, OPEN
from greenroom.api.page import render
from greenroom.data.backup import PURPOSE
from greenroom.rights import RIGHTS, Scope
from greenroom.sealed import seal_stream
from greenroom.settings import ROOT
from greenroom.store import crypto, deployments, environments, projects
from greenroom.store.models import Backup
from greenroom.store.work import unit_of_work
from tests.conftest import free_port
from tests.contract.api.conftest import SENTINEL, Bed
from tests.contract.host_server import SITE, TOKEN, NetlifyServer

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
OPERATIONS = [
    (method, path, operation)
    for path, item in describe()["paths"].items()
    for method, operation in item.items()
]
WRITES = [one for one in OPERATIONS if one[0] != "get"]
REAL = {
    "project": "shop", "environment": "feature", "number": "1", "name": "KEY", "session": "0" * 12,
    "column": "a.b", "host": "www.shop.test", "kind": "netlify", "part": str(uuid.UUID(int=0)),
}  # fmt: skip
ENV = "/projects/shop/environments/feature"


def _real(path: str) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda found: REAL[found[1]], path)
    return filled.removeprefix("/api")


def _names(one: tuple[str, str, dict[str, Any]]) -> str:
    return str(one[2]["operationId"])


def test_every_operation_names_an_act_and_its_errors() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids)) >= 70
    for method, path, operation in OPERATIONS:
        act = operation["x-greenroom-act"]
        assert act in RIGHTS, path
        assert operation["security"] == [{"token": []}], path
        assert {"401", "403", "404", "422"} <= set(operation["responses"]), path
        if method != "get":
            assert act != "project.read", path


def test_strangers_reach_the_description_alone(api: Bed) -> None:
    with api.client() as stranger:
        for method, path, _ in OPERATIONS:
            answer = stranger.request(method, _real(path), json={} if method != "get" else None)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert set(answer.json()) == {"error", "detail", "hint"}
        for path in OPEN:
            assert stranger.get(path.removeprefix("/api")).status_code == 200, path
        for wrong in ("Basic YTpi", "Bearer", "Bearer grt_wrong", "grt_x", "Bearer é"):
            headers = {"Authorization": wrong.encode()}
            assert stranger.get("/me", headers=headers).status_code == 401
        cookie = {"Cookie": "greenroom_session=x"}
        assert stranger.post("/projects", headers=cookie, json={}).status_code == 401


def test_every_write_is_refused_without_its_scope(api: Bed) -> None:
    """A token for everything else is not enough for any write; one that only reads, for none."""
    with api.client(api.token(Scope.READ)) as reader:
        for method, path, operation in WRITES:
            answer = reader.request(method, _real(path), json={})
            assert answer.status_code == 403, (path, answer.text)
            assert f"scope {operation['x-greenroom-scope']}" in answer.json()["detail"]
    for scope in (Scope.DEPLOY, Scope.REVIEW, Scope.DATA):
        with api.client(api.token(scope)) as client:
            for method, path, operation in WRITES:
                if operation["x-greenroom-scope"] != scope:
                    answer = client.request(method, _real(path), json={})
                    assert answer.status_code == 403, (scope, path)


def test_a_token_may_no_more_than_its_owner_and_its_project(api: Bed) -> None:
    with api.client(api.token(Scope.ADMIN, user="vera")) as viewer:
        for method, path, operation in WRITES:
            answer = viewer.request(method, _real(path), json={})
            is_limited = "{project}" in path
            expected = (403,) if is_limited else (403, 404, 422)
            assert answer.status_code in expected, (operation["operationId"], answer.text)
        assert viewer.get("/me").json()["projects"] == {"blog": "viewer", "shop": "viewer"}
        assert viewer.get("/users").status_code == 403
        assert viewer.get("/tokens").status_code == 403
        assert viewer.get("/projects/shop/webhook").status_code == 403
        body = {"name": "vera2", "role": "admin"}
        assert viewer.post("/users", json=body).status_code == 403
        assert viewer.put("/users/vera/role", json={"role": "admin"}).status_code == 403
    with api.client(api.token(Scope.ADMIN, project="shop")) as limited:
        assert [p["name"] for p in limited.get("/projects").json()] == ["shop"]
        assert limited.get("/projects/blog").status_code == 404
        assert "blog" not in limited.get("/projects/blog").json()["hint"]
        assert limited.get("/projects/blog/environments/feature").status_code == 404
        body = {"value": "x"}
        assert limited.put("/projects/blog/variables/A", json=body).status_code == 404
        assert limited.put("/projects/shop/variables/A", json=body).status_code == 200
        assert limited.post("/users", json={"name": "eve"}).status_code == 403
        assert {e["subject"] for e in limited.get("/audit").json()} & {"blog"} == set()


def test_a_deployment_is_ordered_repeated_followed_and_cancelled(
    api: Bed, root: httpx.Client
) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = root.post(f"{ENV}/deployments", json={"ref": "feature"}, headers=headers)
    assert first.status_code == 202, first.text
    assert first.json()["is_started"] is False  # there is no orchestrator here: it starts later
    again = root.post(f"{ENV}/deployments", json={"ref": "feature"}, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = root.post(f"{ENV}/deployments", json={"ref": "other"}, headers=headers)
    assert other.status_code == 400
    assert "another request" in other.json()["detail"]
    number = first.json()["number"]
    shown = root.get(f"{ENV}/deployments/{number}").json()
    assert (shown["status"], shown["deployed_by"]) == ("queued", "token:test")
    assert root.post(f"{ENV}/deployments/{number}/cancel").status_code == 202
    assert root.get(f"{ENV}/deployments/{number}").json()["status"] == "cancelled"
    refused = root.post(f"{ENV}/deployments", json={"ref": "--upload-pack=x"})
    assert refused.status_code in (400, 422)
    events = root.get("/audit", params={"act": "deployment", "by": "token:test"}).json()
    assert {e["act"] for e in events} >= {"deployment.deploy", "deployment.cancel"}


def test_a_log_comes_line_by_line_and_goes_on_where_it_was_left(
    api: Bed, root: httpx.Client
) -> None:
    url = f"{ENV}/deployments/1/log"
    lines = root.get(url).json()
    assert [one["line"] for one in lines] == [f"line {n}" for n in range(5)]
    assert "line 4" in root.get(f"{url}/download").text
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/feature")
        row = deployments.find_deployment(work, found, "#1")
        row.status = "building"
        key = row.id

    headers = {"Last-Event-ID": str(lines[2]["id"])}
    with root.stream("GET", f"{url}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        reader = answer.iter_lines()
        seen: list[dict[str, Any]] = []
        for text in reader:
            if not text.startswith("data: "):
                continue
            seen.append(json.loads(text.removeprefix("data: ")))
            if seen[-1].get("line") == "line 4":
                with unit_of_work() as work:
                    deployments.append_log(work, key, "start", ["it is up"])
            if seen[-1].get("line") == "it is up":
                with unit_of_work() as work:
                    deployments.get_deployment(work, key).status = "live"
            if "status" in seen[-1]:
                break
    assert [one.get("line") for one in seen] == ["line 3", "line 4", "it is up", None]
    assert seen[-1] == {"status": "live"}


def test_links_comments_variables_people_and_rules(api: Bed, root: httpx.Client) -> None:
    made = root.post(f"{ENV}/links", json={"label": "Bo", "until": "2d", "password": SENTINEL})
    assert made.status_code == 201, made.text
    assert "/_greenroom/link/" in made.json()["url"]
    listed = root.get(f"{ENV}/links").json()
    assert "url" not in listed[0]
    assert listed[0]["has_password"] is True
    number = made.json()["number"]
    assert root.put(f"{ENV}/links/{number}/expiry", json={"until": "9d"}).status_code == 200
    assert root.delete(f"{ENV}/links/{number}").status_code == 200
    assert root.get(f"{ENV}/links").json()[0]["state"] == "revoked"
    assert root.post(f"{ENV}/comments/1/replies", json={"text": "done"}).status_code == 201
    assert root.put(f"{ENV}/comments/1/state", json={"is_resolved": True}).status_code == 200
    assert root.get(f"{ENV}/comments").json() == []
    [thread] = root.get(f"{ENV}/comments", params={"everything": True}).json()
    assert [said["text"] for said in thread["comments"]] == ["too long", "done"]
    assert root.put("/projects/shop/variables/A_1", json={"value": SENTINEL}).status_code == 200
    given = {one["name"]: one for one in root.get(f"{ENV}/variables").json()}
    assert given["A_1"] == {
        "name": "A_1", "scope": "project", "is_secret": True, "given_at": "both",
        "is_withheld": False,
    }  # fmt: skip
    assert (given["DATABASE_URL"]["scope"], given["DATABASE_URL"]["is_secret"]) == (
        "database",
        True,
    )
    assert given["GREENROOM_COMMIT"]["scope"] == "built in"
    bad = root.put("/projects/shop/variables/A_1", json={"value": SENTINEL, "kin": "staging"})
    assert bad.status_code == 422
    assert SENTINEL not in bad.text
    added = root.post("/users", json={"name": "newcomer", "email": "n@x.test"}).json()
    assert len(added["password"]) > 10
    role = {"role": "reviewer"}
    assert root.put("/projects/shop/members/newcomer", json=role).status_code == 200
    assert {"name": "newcomer", "role": "reviewer", "is_everywhere": False} in root.get(
        "/projects/shop/members"
    ).json()
    assert root.post("/users/newcomer/deactivate").status_code == 200
    token = root.post("/tokens", json={"name": "ci", "scopes": ["deploy"], "project": "shop"})
    assert token.status_code == 201, token.text
    with api.client(token.json()["token"]) as ci:
        assert ci.get("/me").json()["projects"] == {"shop": "admin"}
        assert ci.post("/tokens", json={"name": "x", "scopes": ["admin"]}).status_code == 403
        assert root.delete(f"/tokens/{token.json()['number']}").status_code == 200
        assert ci.get("/me").status_code == 401
    wish = {"source": "s3://a", "target": "s3://b/c"}
    keys = {side: {"key_id": "k", "secret": SENTINEL} for side in ("source", "target")}
    files = root.patch("/projects/shop/files", json={**wish, "credentials": keys})
    assert (files.json()["credentials"], SENTINEL in files.text) == (["source", "target"], False)
    assert root.patch("/projects/shop/files", json={"source": "/etc"}).status_code == 403
    rule = root.put("/projects/shop/production", json={"by": "promotion", "approvals": 2}).json()
    assert (rule["production_by"], rule["approvals_needed"]) == ("promotion", 2)
    refused = root.post(f"{ENV}/promote")
    assert refused.status_code == 403
    assert "approvals" in refused.json()["detail"]
    said = root.post(f"{ENV}/review", json={"verdict": "changes", "note": "too long"})
    assert said.json()["objected_by"] == ["token:test"]


def test_settings_are_set_shown_without_their_secrets_and_forgotten(root: httpx.Client) -> None:
    """Sites, trackers, mail's release, e-mail addresses."""
    with NetlifyServer() as vendor:
        site = {"site": SITE, "token": TOKEN, "api_url": vendor.url}
        told = root.put("/projects/shop/sites/netlify", json=site)
        assert told.status_code == 200, told.text
        wrong = root.put("/projects/shop/sites/netlify", json={**site, "token": "wrong"})
        assert wrong.status_code == 424
        assert "wrong" not in wrong.text
    listed = root.get("/projects/shop/sites").text
    assert SITE in listed
    assert TOKEN not in listed
    assert root.delete("/projects/shop/sites/netlify").status_code == 200
    assert root.get("/projects/shop/sites").json() == []
    assert root.delete("/projects/shop/sites/netlify").status_code == 404

    assert root.get("/projects/shop/tracker").status_code == 404
    tracker = {"kind": "linear", "place": "ENG", "token": SENTINEL, "rule": "every"}
    assert root.put("/projects/shop/tracker", json=tracker).status_code == 200
    shown = root.get("/projects/shop/tracker")
    assert (shown.json()["kind"], shown.json()["rule"]) == ("linear", "every")
    assert SENTINEL not in shown.text
    chosen = {"secret": "chosen-by-linear"}
    assert root.put("/projects/shop/tracker/webhook", json=chosen).status_code == 200
    hook = root.get("/projects/shop/tracker/webhook").json()
    assert hook["secret"] == "chosen-by-linear"
    assert hook["url"].endswith("/hooks/issues/linear/shop")
    assert root.delete("/projects/shop/tracker").status_code == 200
    assert root.post(f"{ENV}/comments/1/issue").status_code == 404

    release = {"to": ["Ada@agency.example"], "server": f"smtp://u:{SENTINEL}@127.0.0.1:9"}
    assert root.put("/projects/shop/mail-release", json=release).status_code == 200
    shown = root.get("/projects/shop/mail-release")
    assert shown.json() == {"to": ["ada@agency.example"], "has_server": True}
    assert root.post(f"{ENV}/mail/1/release", json={"to": "x@y.example"}).status_code == 404
    assert root.put("/projects/shop/mail-release", json={"server": ""}).status_code == 200
    assert root.get("/projects/shop/mail-release").json()["has_server"] is False

    assert root.put("/users/dora/email", json={"email": "dora@agency.example"}).status_code == 200
    assert root.put("/users/dora/email", json={"email": "nonsense"}).status_code == 400
    acts = {row["act"] for row in root.get("/audit", params={"limit": 100}).json()}
    assert acts >= {
        "project.set_host", "project.forget_host", "project.set_tracker", "user.set_email",
        "project.set_tracker_secret", "project.show_tracker_secret", "project.forget_tracker",
        "project.set_mail_release",
    }  # fmt: skip


def test_data_backups_and_waking(api: Bed, root: httpx.Client) -> None:
    assert root.post("/projects/shop/data/check").status_code == 400  # no policy yet
    assert root.post("/projects/shop/data/back").status_code == 409  # no data either
    assert root.post(f"{ENV}/wake").status_code == 424  # no gateway runs here
    assert root.get("/projects/shop/backups/7/download").status_code == 404
    file = api.home / "backups" / "1.dump.sealed"
    file.parent.mkdir(exist_ok=True)
    key = crypto.ensure_secret_key()
    file.write_bytes(b"".join(seal_stream([b"archive ", b"of people"], key, PURPOSE)))
    with unit_of_work() as work:
        shop = projects.get_project(work, "shop")
        row = environments.ensure_environment(work, shop, "main", actor="test")
        made = deployments.create_deployment(work, row, ref="main", deployed_by="test")
        backup = Backup(
            project_id=shop.id, deployment_id=made.id, location=str(file), digest="d",
            size_bytes=1, tables=1,
        )  # fmt: skip
        work.add(backup)
        number = made.number
    given = root.get(f"/projects/shop/backups/{number}/download")
    assert (given.status_code, given.content) == (200, b"archive of people")
    assert "attachment" in given.headers["content-disposition"]
    with api.client(api.token(Scope.DATA)) as client:
        assert client.get(f"/projects/shop/backups/{number}/download").status_code == 403
    assert {"backup.read", "environment.wake"} <= {one["act"] for one in root.get("/audit").json()}
    file.unlink()
    assert root.get(f"/projects/shop/backups/{number}/download").status_code == 424


def test_no_secret_is_in_any_answer(api: Bed, root: httpx.Client) -> None:
    for method, path, operation in OPERATIONS:
        if method == "get" and not path.endswith("/events"):
            answer = root.get(_real(path))
            assert answer.status_code < 500, path
            assert SENTINEL not in answer.text, path
            if operation["operationId"] != "show_webhook":
                with unit_of_work() as work:
                    secret = projects.webhook_secret(projects.get_project(work, "shop"))
                assert secret not in answer.text, path
    assert SENTINEL not in (api.home / "api.log").read_text()


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 422), (b"[]", {}, 422), (b'{"a":"\\u0000"}', {}, 400), (b"\0", {}, 400),
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b'{"value":"\\ud800"}', {}, 422), (b"x" * 1_000_100, {}, 429),
        (b"{}", {"Idempotency-Key": "k" * 101}, 400),
    ],
)  # fmt: skip
def test_malformed_requests_are_refused(
    root: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    answer = root.post(f"{ENV}/links", content=content, headers=sent)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "detail", "hint"}


def test_odd_addresses_are_refused(root: httpx.Client) -> None:
    for path in ("/projects/a%00b", "/nowhere", "/projects/" + "x" * 5000, "/projects/..%2fx"):
        answer = root.get(path)
        assert answer.status_code in (400, 404, 422), path
        assert set(answer.json()) == {"error", "detail", "hint"}
    assert root.patch("/projects/shop").status_code == 405


def test_guessing_tokens_is_throttled_by_address(api: Bed, root: httpx.Client) -> None:
    headers = {"X-Forwarded-For": "spoofed, 203.0.113.9"}
    with api.client("grt_guess", **headers) as guesser:
        statuses = [guesser.get("/me").status_code for _ in range(BAD_TOKENS + 2)]
    assert statuses == [401] * BAD_TOKENS + [429] * 2
    assert root.get("/me", headers=headers).status_code == 429
    assert root.get("/me").status_code == 200


def test_the_gateway_passes_the_api_on_from_its_own_host(api: Bed) -> None:
    port = free_port()
    environment = {**api.environment, "GREENROOM_GATEWAY_PORT": str(port)}
    command = [sys.executable, "-m", "greenroom.gateway"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        with api.client(api.token(Scope.READ), Host="gateway.localhost") as client:
            client.base_url = httpx.URL(f"http://127.0.0.1:{port}/api")
            deadline = time.monotonic() + 60
            while True:
                try:
                    answer = client.get("/me")
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < deadline
                    assert process.poll() is None
                    time.sleep(0.1)
            assert answer.json()["scopes"] == ["read"]
            assert client.get("/docs").headers["content-security-policy"].startswith("default-src")
            shown = client.get("/projects", headers={"Host": "shop-feature.localhost"})
            assert shown.headers.get("content-type") != "application/json"
            log = f"{ENV}/deployments/1/log"
            assert "event: end" in client.get(f"{log}/events").text
            refused = client.post(f"{ENV}/deployments", json={"ref": "x"})
            assert (refused.status_code, refused.json()["error"]) == (403, "NotAllowed")
    finally:
        process.terminate()
        process.wait(20)


def test_the_human_page_needs_nothing_from_elsewhere() -> None:
    page = render(describe())
    text = bytes(page.body).decode()
    assert "<script" not in text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []
    for _, _, operation in OPERATIONS:
        assert f'id="{operation["operationId"]}"' in text
