"""The table of rights, and the questions asked of it."""

from __future__ import annotations

import uuid

import pytest

from greenroom.errors import NotAllowed
from greenroom.rights import (
    MACHINE_ACTS,
    NOBODY,
    OWNER,
    RIGHTS,
    Actor,
    Role,
    Scope,
    acting_as,
    can,
    check_right,
    current_actor,
)

pytestmark = pytest.mark.unit
SHOP, BLOG = uuid.uuid4(), uuid.uuid4()
V, R, D, A = Role


def test_the_table_is_this_one():
    """A golden table: whoever changes a right, changes it here, too."""
    least = {
        "project.read": V, "release.approved": R, "comment.create": R, "link.create": R,
        "comparison.request": R, "deployment.deploy": D, "deployment.promote": D,
        "environment.create": D, "environment.destroy": D, "variable.set": D, "mail.delete": D,
        "sync.request": D, "data.look": D, "policy.approve": A, "key.rotate": A,
        "production.destroy": A, "project.add": A, "project.show_webhook_secret": A,
        "backup.read": A, "member.set": A, "user.add": A, "token.add": A, "notice_target.add": A,
    }  # fmt: skip
    for act, role in least.items():
        assert RIGHTS[act].role is role, act
        assert [can(one, act) for one in Role] == [one.rank >= role.rank for one in Role]
    assert not any(can(None, act) for act in RIGHTS)
    assert [can(role, "never.heard_of") for role in Role] == [False, False, False, True]


def test_a_role_counts_where_it_was_given():
    ada = Actor("ada", roles={SHOP: Role.DEVELOPER})
    assert ada.may("deployment.deploy", SHOP)
    assert not ada.may("deployment.deploy", BLOG)
    assert not ada.may("deployment.deploy")
    assert not ada.may("project.set_access", SHOP)
    assert ada.visible() == {SHOP}
    both = Actor("bea", Role.VIEWER, {SHOP: Role.ADMIN})
    assert both.may("project.set_access", SHOP)
    assert not both.may("project.add")
    assert both.visible() is None
    assert NOBODY.visible() == frozenset()
    assert not any(NOBODY.may(act, SHOP) for act in RIGHTS)
    assert all(OWNER.may(act) for act in RIGHTS)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_may_what_its_scope_and_its_owner_may(scope):
    for act, right in RIGHTS.items():
        token = Actor("t", Role.ADMIN, scopes=frozenset({scope}), user_id=uuid.uuid4())
        fits = scope in (right.scope, Scope.ADMIN) or right.scope is Scope.READ
        assert token.may(act, SHOP) is fits, act
        weak = Actor("t", Role.VIEWER, scopes=frozenset({scope}))
        if not right.is_own:
            assert weak.may(act, SHOP) is (fits and right.role is Role.VIEWER), act


def test_a_tokens_project_is_its_only_one():
    token = Actor("t", Role.ADMIN, scopes=frozenset({Scope.ADMIN}), only=frozenset({SHOP}))
    assert token.may("variable.set", SHOP)
    assert not token.may("variable.set", BLOG)
    assert not token.may("project.add")
    assert token.visible() == {SHOP}


def test_a_refusal_says_who_may():
    with pytest.raises(NotAllowed, match="ada is viewer") as refused:
        check_right(Actor("ada", Role.VIEWER), "deployment.deploy", SHOP)
    assert "developer or admin" in refused.value.hint
    assert "scope deploy" in refused.value.hint
    for act in MACHINE_ACTS:
        check_right(NOBODY, act)


def test_somebody_acts_as_long_as_it_is_said():
    assert current_actor() is OWNER
    with acting_as(NOBODY):
        assert current_actor() is NOBODY
    assert current_actor() is OWNER
