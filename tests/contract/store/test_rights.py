"""Rights as the store asks for them: what is refused is undone, what is hidden is not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from greenroom import orders, previews, promotions
from greenroom.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound
from greenroom.rights import NOBODY, Actor, Role, Scope, act_as_owner, act_for_people, acting_as
from greenroom.store import (
    audit,
    comments,
    deployments,
    environments,
    factors,
    links,
    logins,
    mails,
    notices,
    policies,
    projects,
    tokens,
    users,
)
from greenroom.store.models import ApiToken, AuditEvent, Deployment, Environment, Project, User
from greenroom.store.states import PreviewAccess, ProductionBy
from greenroom.store.work import Work, platform_work, unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@pytest.fixture
def shop(store_url: str) -> Project:
    """Two projects with an environment each, a deployment, and a thread."""
    with unit_of_work() as work:
        for name in ("shop", "blog"):
            project = projects.add_project(work, name, f"/srv/{name}", actor="ada")
            found = environments.ensure_environment(work, project, "feature", actor="ada")
            deployments.create_deployment(work, found, ref="feature", deployed_by="ada")
            pin = comments.Pin("/", "", {"tag": "h1"}, 390, 800, "Firefox")
            comments.add_thread(work, found, pin, "too long", comments.Author("ada"))
        return projects.get_project(work, "shop")


def _environment(work: Work) -> Environment:
    return environments.get_environment(work, "shop/feature")


def _thread(work: Work) -> comments.CommentThread:
    return comments.get_thread(work, _environment(work), 1)


Act = Callable[[Work], object]
WRITES: dict[str, tuple[Role, Act]] = {
    "deploy": (Role.DEVELOPER, lambda w: orders.record_deploy(w, _environment(w), actor="x")),
    "destroy": (Role.DEVELOPER, lambda w: orders.record_destroy(w, _environment(w), actor="x")),
    "cancel": (
        Role.DEVELOPER,
        lambda w: orders.record_cancel(
            w, deployments.find_deployment(w, _environment(w), "#1"), actor="x"
        ),
    ),
    "environment": (
        Role.DEVELOPER,
        lambda w: environments.ensure_environment(
            w, projects.get_project(w, "shop"), "other", actor="x"
        ),
    ),
    "variable": (
        Role.DEVELOPER,
        lambda w: projects.set_variable(w, projects.get_project(w, "shop"), "A", "b", actor="x"),
    ),
    "mail": (Role.DEVELOPER, lambda w: mails.delete_mails(w, _environment(w))),
    "reply": (
        Role.REVIEWER, lambda w: comments.add_reply(w, _thread(w), "yes", comments.Author("x"))
    ),
    "resolve": (
        Role.REVIEWER, lambda w: comments.set_resolved(w, _thread(w), True, comments.Author("x"))
    ),
    "link": (
        Role.REVIEWER, lambda w: links.create_link(w, _environment(w), "Anna", by="x")
    ),
    "access": (
        Role.ADMIN,
        lambda w: projects.set_preview_access(
            w, projects.get_project(w, "shop"), PreviewAccess.OPEN, actor="x"
        ),
    ),
    "policy": (
        Role.ADMIN,
        lambda w: policies.record_policy(w, projects.get_project(w, "shop"), "{}", "f", by="x"),
    ),
    "key": (
        Role.ADMIN,
        lambda w: policies.rotate_pseudonym_key(w, projects.get_project(w, "shop"), by="x"),
    ),
    "target": (
        Role.ADMIN,
        lambda w: notices.add_target(
            w, "room", "json", "json://x", project=projects.get_project(w, "shop"), actor="x"
        ),
    ),
    "member": (
        Role.ADMIN,
        lambda w: users.set_member(
            w, projects.get_project(w, "shop"), "admin", Role.VIEWER, actor="x"
        ),
    ),
    "token": (
        Role.ADMIN,
        lambda w: tokens.add_token(
            w, "ci", [Scope.READ], project=projects.get_project(w, "shop"), actor="x"
        ),
    ),
    "secret": (
        Role.ADMIN, lambda w: projects.webhook_secret(projects.get_project(w, "shop"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(WRITES))
def test_an_act_is_for_those_who_may(shop: Project, what: str) -> None:
    least, act = WRITES[what]
    with unit_of_work() as work:
        users.ensure_admin(work)
    for role in Role:
        someone = Actor("bea", roles={shop.id: role})
        with acting_as(someone):
            if role.rank < least.rank:
                with pytest.raises(NotAllowed, match="bea is"), unit_of_work() as work:
                    act(work)
                continue
            with unit_of_work() as work:
                act(work)
            break
    elsewhere = Actor("cem", roles={uuid.uuid4(): Role.ADMIN})
    with acting_as(elsewhere), pytest.raises((NotAllowed, NotFound)), unit_of_work() as work:
        act(work)


def test_acts_of_the_platform_are_its_administrators(shop: Project) -> None:
    mine = Actor("bea", roles={shop.id: Role.ADMIN})
    acts: list[Act] = [
        lambda w: projects.add_project(w, "third", "/srv/third", actor="x"),
        lambda w: users.add_user(w, "mallory", role=Role.ADMIN, actor="x"),
        lambda w: tokens.add_token(w, "all", [Scope.ADMIN], actor="x"),
        lambda w: users.list_users(w),
        lambda w: mails.delete_mails(w, None),
        lambda w: notices.add_target(w, "all", "json", "json://x", actor="x"),
    ]
    for act in acts:
        with acting_as(mine), pytest.raises(NotAllowed), unit_of_work() as work:
            act(work)
        with acting_as(Actor("root", Role.ADMIN)), unit_of_work() as work:
            act(work)


def test_a_change_that_asks_nothing_is_refused_by_construction(shop: Project) -> None:
    """Whatever is written, and however: no act can forget to ask."""

    def assign(work: Work) -> None:
        work.get_one(Project, shop.id).source_url = "/srv/elsewhere"

    def add(work: Work) -> None:
        work.add(AuditEvent(actor="x", action="x", subject="", detail={}))

    def delete(work: Work) -> None:
        work.query(AuditEvent).delete()

    def remove(work: Work) -> None:
        work.delete(work.scalars(select(AuditEvent)).first())

    for change in (assign, add, delete, remove):
        for actor in (Actor("bea", Role.DEVELOPER), Actor("cem", roles={shop.id: Role.ADMIN})):
            with acting_as(actor), pytest.raises(NotAllowed), unit_of_work() as work:
                change(work)
    with unit_of_work() as work:
        assert projects.get_project(work, "shop").source_url == "/srv/shop"
        assert audit.list_audit(work)


def test_a_refused_act_leaves_nothing(shop: Project) -> None:
    with acting_as(Actor("bea", Role.VIEWER)):
        with pytest.raises(NotAllowed):
            orders.place_deploy("shop", "another", actor="bea")
        with pytest.raises(NotAllowed):
            promotions.set_rule("shop", by=ProductionBy.PROMOTION, actor="bea")
    with unit_of_work() as work:
        assert len(environments.list_environments(work)) == 2
        assert projects.get_project(work, "shop").production_by == ProductionBy.PUSH


def test_what_is_not_ones_own_is_not_there(shop: Project) -> None:
    with unit_of_work() as work:
        blog = environments.get_environment(work, "blog/feature")
        there = deployments.list_deployments(work, blog.id)[0].id
        notices.add_target(work, "all", "json", "json://x", actor="x")
    with acting_as(Actor("bea", roles={shop.id: Role.VIEWER})), unit_of_work() as work:
        assert [p.name for p in projects.list_projects(work)] == ["shop"]
        assert [e.project.name for e in environments.list_environments(work)] == ["shop"]
        assert {d.environment_id for d in work.scalars(select(Deployment))} == {
            _environment(work).id
        }
        assert {e.project_id for e in audit.list_audit(work)} == {shop.id}
        assert notices.list_targets(work) == []
        assert mails.list_mails(work, None) == []
        assert list(deployments.latest_deployments(work)) == [_environment(work).id]
        for missing in ("blog/feature", str(blog.id), blog.host):
            with pytest.raises(NotFound) as refused:
                environments.get_environment(work, missing)
            assert "blog" not in refused.value.hint
        with pytest.raises(NotFound):
            deployments.get_deployment(work, there)
        assert comments.list_threads(work, blog.id) == []
    with acting_as(NOBODY), unit_of_work() as work:
        assert projects.list_projects(work) == []
        assert audit.list_audit(work) == []


def test_a_process_for_people_acts_for_nobody_unless_it_is_told(shop: Project) -> None:
    act_for_people()
    try:
        with unit_of_work() as work:
            assert projects.list_projects(work) == []
        with pytest.raises(NotAllowed), unit_of_work() as work:
            users.add_user(work, "mallory", role=Role.ADMIN, actor="x")
        with platform_work() as work:
            assert len(projects.list_projects(work)) == 2
    finally:
        act_as_owner()


def test_production_is_destroyed_by_administrators_only(shop: Project) -> None:
    with unit_of_work() as work:
        environments.ensure_environment(
            work, projects.get_project(work, "shop"), "main", actor="ada"
        )
    with (
        acting_as(Actor("dev", Role.DEVELOPER)),
        pytest.raises(NotAllowed, match="production"),
        unit_of_work() as work,
    ):
        live = environments.get_environment(work, "shop/production")
        orders.record_destroy(work, live, actor="dev")


def test_accounts_are_added_limited_and_deactivated(shop: Project) -> None:
    with unit_of_work() as work:
        users.ensure_admin(work)
        _, once = users.add_user(work, "bea", email="Bea@Example.org", actor="admin")
        users.set_member(
            work, projects.get_project(work, "shop"), "bea", Role.REVIEWER, actor="admin"
        )
    for wrong in ("", "cli:ada", "a\0b", "x" * 61, "<b>", "a/b", " "):
        with pytest.raises(InvalidInput), unit_of_work() as work:
            users.add_user(work, wrong, actor="admin")
    for name, email in (("BEA", ""), ("other", "bea@example.org")):
        with pytest.raises(AlreadyExists), unit_of_work() as work:
            users.add_user(work, name, email=email, actor="admin")
    with unit_of_work() as work:
        token = users.log_in(work, "bea", once, client="Firefox on Mac")
    assert token is not None
    with unit_of_work() as work:
        user = users.find_session_user(work, token)
        assert user is not None
        actor = users.actor_for(user)
        assert actor.role_in(shop.id) is Role.REVIEWER
        assert users.find_by_email(work, "bea@example.ORG") is user
        assert ("bea", "reviewer", False) in users.list_members(work, shop)
        assert [s.client for s in logins.list_sessions(work, user)] == ["Firefox on Mac"]
        _, secret = tokens.add_token(work, "mine", [Scope.REVIEW], user=user, actor="bea")
        assert tokens.find_actor(work, secret) is not None
    with unit_of_work() as work:
        users.deactivate(work, "bea", actor="admin")
    with unit_of_work() as work:
        assert users.find_session_user(work, token) is None
        assert users.log_in(work, "bea", once) is None
        assert tokens.find_actor(work, secret) is None
        assert all(name != "bea" for name, _, _ in users.list_members(work, shop))
    for undoing in (
        lambda w: users.deactivate(w, "admin", actor="admin"),
        lambda w: users.set_role(w, "admin", Role.VIEWER, actor="admin"),
    ):
        with pytest.raises(NotAllowed, match="last administrator"), unit_of_work() as work:
            undoing(work)


def test_a_session_is_ended_by_its_owner_or_an_administrator(store_url: str) -> None:
    with unit_of_work() as work:
        users.add_user(work, "bea", actor="admin")
        users.add_user(work, "cem", actor="admin")
        first = users.get_user(work, "bea")
        held = [users.admit(work, first, "password") for _ in range(2)]
        bea, cem = users.actor_for(first), users.actor_for(users.get_user(work, "cem"))
    with unit_of_work() as work:
        number = logins.number_of(logins.find_session(work, held[0]))
    for attempt in (logins.list_sessions, lambda w, u: logins.end_session(w, u, number, actor="c")):
        with acting_as(cem), pytest.raises(NotAllowed), unit_of_work() as work:
            attempt(work, users.get_user(work, "bea"))
    with acting_as(bea), unit_of_work() as work:
        logins.end_session(work, users.get_user(work, "bea"), number, actor="bea")
    with unit_of_work() as work:
        assert users.find_session_user(work, held[0]) is None
        assert users.find_session_user(work, held[1]) is not None


def test_a_code_is_asked_for_taken_once_and_recovered(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyotp

    with unit_of_work() as work:
        _, once = users.add_user(work, "bea", actor="admin")
    with unit_of_work() as work:
        address = factors.begin_totp(work, users.get_user(work, "bea"), actor="bea")
        assert users.log_in(work, "bea", once) is not None  # not proved yet
    app = pyotp.parse_uri(address)
    moment = [1_800_000_000.0]
    monkeypatch.setattr(factors.time, "time", lambda: moment[0])
    with pytest.raises(NotAllowed), unit_of_work() as work:
        factors.prove_totp(work, users.get_user(work, "bea"), "000000", actor="bea")
    with unit_of_work() as work:
        codes = factors.prove_totp(
            work, users.get_user(work, "bea"), app.at(int(moment[0])), actor="bea"
        )
    assert len(set(codes)) == factors.RECOVERY_CODES
    with unit_of_work() as work:
        assert users.log_in(work, "bea", once) is None
        assert users.log_in(work, "bea", once, app.at(int(moment[0]))) is None  # used already
        moment[0] += 30
        assert users.log_in(work, "bea", once, app.at(int(moment[0]))) is not None
        assert users.log_in(work, "bea", once, app.at(int(moment[0]))) is None
        assert users.log_in(work, "bea", once, codes[0].upper()) is not None
        assert users.log_in(work, "bea", once, codes[0]) is None
        row = users.get_user(work, "bea")
        assert codes[1] not in str(row.recovery_codes)
        assert app.secret.encode() not in bytes(row.totp_secret or b"")
    with unit_of_work() as work:
        for _ in range(users.LOCK_AFTER):
            if work.get_one(User, users.get_user(work, "bea").id).locked_until is None:
                users.check_code(work, "bea", "111111")
    with pytest.raises(NotAllowed, match="too many"), unit_of_work() as work:
        users.check_code(work, "bea", codes[1])
    with unit_of_work() as work:
        users.reset_totp(work, "bea", actor="admin")
        users.reset_password(work, "bea", actor="admin")
        assert users.get_user(work, "bea").totp_since is None


def test_a_token_is_shown_once_limited_and_taken_back(shop: Project) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    with unit_of_work() as work:
        made, secret = tokens.add_token(
            work, "ci", [Scope.DEPLOY], project=projects.get_project(work, "shop"),
            expires_at=soon, actor="cli:root",
        )  # fmt: skip
        assert secret.startswith(tokens.PREFIX)
        assert secret not in str(work.execute(select(ApiToken.__table__)).all())
        number = made.number
    with unit_of_work() as work:
        actor = tokens.find_actor(work, secret)
        assert actor is not None
        assert actor.may("deployment.deploy", shop.id)
        assert not actor.may("link.create", shop.id)
        assert not actor.may("deployment.deploy", uuid.uuid4())
        assert tokens.get_token(work, number).used_at is not None
        for wrong in ("", secret[:-1], f"{secret}x", "grt_", "é", secret.upper()):
            assert tokens.find_actor(work, wrong) is None
        tokens.get_token(work, number).expires_at = datetime.now(UTC)
    with unit_of_work() as work:
        assert tokens.find_actor(work, secret) is None
        tokens.get_token(work, number).expires_at = None
    with unit_of_work() as work:
        tokens.revoke_token(work, number, actor="x")
        assert tokens.find_actor(work, secret) is None
    assert previews.parse_expiry("90d", datetime.now(UTC)) is not None
