from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom import names
from greenroom.errors import InvalidInput

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
TEXTS = st.text(max_size=300)
IDS = st.uuids().map(str)


@given(TEXTS, st.integers(24, 63))
def test_a_slug_is_a_host_label_within_its_limit(text: str, limit: int) -> None:
    made = names.slug(text, limit)
    assert LABEL.fullmatch(made)
    assert 2 <= len(made.encode()) <= limit
    assert made == names.slug(text, limit)


@given(TEXTS)
def test_a_distinct_slug_ends_in_a_tail_of_the_whole_text(text: str) -> None:
    made = names.distinct_slug(text)
    assert LABEL.fullmatch(made)
    assert len(made) <= 63
    assert made.endswith(names.digest_tail(text))


def test_what_slugs_look_like() -> None:
    assert names.slug("feature/Nice_Thing") == "feature-nice-thing"
    assert names.slug("é") == "e0"
    assert names.slug("日本") == "x" + names.digest_tail("日本")
    assert names.slug("--..//") == "x" + names.digest_tail("--..//")


def test_a_cut_slug_keeps_what_was_cut_apart_by_its_tail() -> None:
    one, two = names.slug("a" * 80 + "1"), names.slug("a" * 80 + "2")
    assert one != two
    assert len(one) == len(two) == 63


def test_texts_that_meet_in_one_slug_are_told_apart_when_distinct() -> None:
    assert names.slug("a/b") == names.slug("a-b")
    assert names.distinct_slug("a/b") != names.distinct_slug("a-b")
    assert names.distinct_host_label("shop", "a/b") != names.distinct_host_label("shop", "a-b")


@given(TEXTS, TEXTS, st.booleans())
def test_host_labels_are_labels(project: str, environment: str, production: bool) -> None:
    assert LABEL.fullmatch(names.host_label(project, environment, production=production))
    assert len(names.host_label(project, environment, production=production)) <= 63


@given(TEXTS, TEXTS, IDS)
def test_names_of_databases_and_roles_fit_postgres(project: str, branch: str, key: str) -> None:
    for made in (
        names.database_name(project, branch, key),
        names.role_name(project, branch, key),
    ):
        assert re.fullmatch(r"gr_[a-z0-9_]+", made)
        assert len(made) <= names.IDENTIFIER_OCTETS
        assert made.endswith(key.replace("-", "")[:12])


@given(TEXTS, TEXTS, IDS)
def test_names_at_the_engine_are_ones_it_takes(project: str, branch: str, key: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", names.instance_name(project, branch, key))
    assert len(names.instance_name(project, branch, key)) <= 63
    for guarded, kind in ((True, "guarded"), (False, "open")):
        bridge = names.bridge_name(key, "/srv/home", guarded=guarded)
        assert len(bridge) <= names.BRIDGE_OCTETS
        assert bridge.startswith(names.guarded_prefix("/srv/home")) is guarded
        network = names.network_name(key, guarded=guarded)
        assert re.fullmatch(rf"greenroom-[0-9a-f]{{12}}-{kind}", network)
    assert names.guarded_prefix("/srv/home") != names.guarded_prefix("/srv/other")
    assert re.fullmatch(r"env-[0-9a-f]{12}", names.work_queue_name(key))


@given(TEXTS, st.from_regex(r"[0-9a-f]{40}", fullmatch=True))
def test_an_image_tag_is_one(project: str, commit: str) -> None:
    assert re.fullmatch(r"greenroom/[a-z0-9-]+:[0-9a-f]{12}", names.image_tag(project, commit))


@pytest.mark.parametrize("name", ["shop", "a1", "my-shop-2", "x" * 40])
def test_project_names_that_are_taken(name: str) -> None:
    assert names.check_project_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a", "Shop", "-shop", "shop-", "a_b", "a.b", "x" * 41, "console", "api", "a b", "ünder",
     "shop\n"],
)  # fmt: skip
def test_project_names_that_are_refused_say_which_would_do(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        names.check_project_name(name)
    assert "For example" in refused.value.hint


def test_the_names_of_one_instance_are_stable() -> None:
    key = str(uuid.UUID(int=7 << 96))
    assert names.instance_name("shop", "main", key) == "shop-main-000000070000"
