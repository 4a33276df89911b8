"""Our own model, and those whom the database knows, however their names are written."""

from __future__ import annotations

import importlib.metadata
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.data.identities import FEW, Identities
from greenroom.data.models import OwnModel, active_models
from greenroom.data.ner.features import best_path, compiled, rows_of, scores_of
from greenroom.data.ner.tagger import MODEL, load_tagger
from greenroom.data.ner.texts import Texts
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.text import TextMasker

pytestmark = pytest.mark.unit
MOST_OCTETS = 6_000_000
PEOPLE = Identities()
PEOPLE.harvest("full_name", ["Grete Öhm", "Ann Berg", "Zarkovia Brelmont"])
PEOPLE.harvest("email", ["ann@mail.test"])
PEOPLE.harvest("phone", ["+49 30 1234567"])


@pytest.fixture(scope="module")
def masker() -> TextMasker:
    return TextMasker(Pseudonyms(b"k" * 32), Identities(), active_models())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Yesterday Zarkovia Brelmont called about the fridge.", "Zarkovia Brelmont"),
        ("Please forward this to Oluwaseun Adeyinka before noon.", "Oluwaseun Adeyinka"),
        ("The contract is in the name of Hjordis Vantongeren, they say.", "Hjordis Vantongeren"),
    ],
)
def test_names_of_no_list_are_found_by_what_is_around_them(
    masker: TextMasker, text: str, name: str
) -> None:
    made, findings = masker.mask(text)
    assert "PERSON" in {finding.kind for finding in findings}
    assert name not in made
    assert made.split()[-1] == text.split()[-1]


@pytest.mark.parametrize(
    "text",
    [
        "Please restart the printer and try again.", "The total is 12.90 and not 14.90.",
        "ORD-2026-123456", "2026-11-23 10:11:12", "the parcel was late", "status_changed",
        "4.12.0", "8f14e45fceea167a5a36dedd4bea2543", "How do I change my password?",
    ],
)  # fmt: skip
def test_nobody_is_nobody(masker: TextMasker, text: str) -> None:
    assert masker.mask(text) == (text, [])


def test_the_model_is_small_and_its_hash_is_said() -> None:
    assert MODEL.stat().st_size < MOST_OCTETS
    assert "our own model" in active_models().words
    assert OwnModel().supported_entities == ["PERSON", "ADDRESS"]


def test_the_path_is_the_best_one() -> None:
    import numpy as np

    dice = np.random.default_rng(3)
    emissions, steps = dice.normal(size=(4, 3)), dice.normal(size=(3, 3))
    paths = np.stack(np.meshgrid(*[range(3)] * 4), -1).reshape(-1, 4)

    def score(path: object) -> float:
        at = np.asarray(path)
        return float(emissions[range(4), at].sum() + steps[at[:-1], at[1:]].sum())

    best = max(map(tuple, paths), key=score)
    assert tuple(best_path(emissions, steps)) == best
    assert tuple(compiled(best_path)(emissions, steps)) == best


def test_words_are_scored_one_by_one_as_all_together() -> None:
    import numpy as np

    tagger, dice = load_tagger(), np.random.default_rng(1)
    weights, scale = tagger.weights, tagger.scale
    for count in (1, 2, 3, 4, 50):
        numbers = dice.integers(0, 2**32, (count, 6), dtype=np.uint64)
        together = weights[rows_of(numbers)].astype(np.float32).sum(1) * scale
        np.testing.assert_allclose(compiled(scores_of)(numbers, weights, scale), together, 1e-4)


def test_texts_to_train_on_are_the_same_each_time() -> None:
    words = ["apple", "bread", "chair", "door"]
    first, again, other = Texts(5, words), Texts(5, words), Texts(6, words)
    made = [first.text() for _ in range(40)]
    assert made == [again.text() for _ in range(40)]
    assert made != [other.text() for _ in range(40)]
    kinds = {kind for parts in made for _, kind in parts}
    assert {"PERSON", "ADDRESS", ""} <= kinds


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Иван Петров", "Звонил ИВАН ПЕТРОВ сегодня"),
        ("Γιώργος Παπαδόπουλος", "\u03bf ΓΙΩΡΓΟΣ ΠΑΠΑΔΟΠΟΥΛΟΣ είπε"),
        ("王小明", "昨天王小明打来电话"), ("김민수", "고객 김민수님이 전화했습니다"),
        ("山田太郎", "山田太郎様"),
        ("أحمد محمود", "اتصل احمد محمود اليوم"), ("José Peña", "write to Jose Pena, please"),
        ("José Peña", unicodedata.normalize("NFD", "write to José Peña, please")),
    ],
)  # fmt: skip
def test_names_in_any_script_are_found_in_texts(name: str, text: str) -> None:
    known = Identities()
    known.harvest("full_name", [name])
    (match,) = known.find(text)
    assert match.kind == "PERSON"
    found = text[match.start : match.end]
    assert len(unicodedata.normalize("NFC", found)) == len(name)


@given(
    st.lists(
        st.sampled_from(
            ("Grete Öhm", "grete ohm", "Ann Berg", "BERG, ANN", "ann@mail.test", "Zarkovia", "Berg",
             "zarkovia", "+49 30 1234567", "Ann", "x", "-", "_", "'s", ".", ",", "@", "4930")
        ),
        max_size=5,
    ),
    st.sampled_from((" ", "", "  ")),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_short_text_is_searched_as_a_long_one(parts: list[str], gap: str) -> None:
    text = gap.join(parts)
    assert PEOPLE.find(text) == PEOPLE.find(f"{text}{' .' * FEW}")


def test_numbers_are_found_in_whatever_layout() -> None:
    known = Identities()
    known.harvest("phone", ["+49 30 1234567"])
    for text in ("ring 49301234567", "ring 49-30/123 45 67 now", "é 4930 1234567!"):
        (match,) = known.find(text)
        assert match.kind == "PHONE_NUMBER"
        assert text[match.start : match.end][0] == "4"
    assert known.find("order 149301234567") == []


def test_a_name_alone_is_found_where_it_is_nothing_else() -> None:
    known = Identities()
    known.harvest("full_name", ["Grete Lindqvist", "Paris Summer"])
    assert [m.kind for m in known.find("ask Lindqvist about it")] == ["PERSON"]
    assert known.find("in Paris in Summer") == []
    assert known.find("the lindqvist thing") == []


def test_a_model_of_spacys_that_is_installed_takes_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "en_core_tiny_sm"
    package, about = tmp_path / name, tmp_path / f"{name}-1.0.dist-info"
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "qwerty of nowhere"}])
    nlp.add_pipe("sentencizer")
    package.mkdir()
    nlp.to_disk(package / "model")
    (package / "__init__.py").write_text(
        "from pathlib import Path\nimport spacy\ndef load(**options):\n"
        "    return spacy.load(Path(__file__).parent / 'model', **options)\n"
    )
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[spacy_models]\n{name} = {name}\n")
    monkeypatch.syspath_prepend(tmp_path)
    # What is installed is read once, at the first import: read it again.
    monkeypatch.setattr("catalogue.AVAILABLE_ENTRY_POINTS", importlib.metadata.entry_points())
    models = active_models.__wrapped__()
    assert name in models.words
    assert [type(one).__name__ for one in models.recognizers] == ["OwnModel", "InstalledModel"]
    masker = TextMasker(Pseudonyms(b"k" * 32), Identities(), models)
    made, findings = masker.mask("we saw qwerty of nowhere yesterday")
    assert [finding.kind for finding in findings] == ["PERSON"]
    assert made.startswith("we saw ")
    assert made.endswith(" yesterday")
    assert "qwerty" not in made
