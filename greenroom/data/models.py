"""Models that find strangers by how a sentence is made: ours, and spaCy's where one is installed.

Ours is shipped (`greenroom/data/ner`). A model of spaCy's is used as well when the machine has one:
it was trained on real news and knows more of ordinary talk, and costs some twenty times as much.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from greenroom.data.context import LANGUAGE
from greenroom.data.coordinates import Coordinates
from greenroom.data.ner.lists import FAMILY, GIVEN, WORD, lists_of
from greenroom.data.ner.tagger import Tagger, load_tagger, model_hash

SCORE = 0.45
"""Above the threshold, below whatever patterns, lists and the database itself know."""
ADDRESS = "ADDRESS"
NAMES = {"PERSON": "PERSON", "PER": "PERSON"}
"""What models of spaCy's call people."""
STRICT_NAMES = NAMES | {
    "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "ORG": "ORGANIZATION",
    "DATE": "DATE_TIME", "TIME": "DATE_TIME", "NORP": "NATIONALITY",
}  # fmt: skip
_STRICT_KINDS = (
    "PERSON", ADDRESS, "LOCATION", "ORGANIZATION", "DATE_TIME", "AGE", "NATIONALITY", "TITLE",
    "PHONE_NUMBER",
)  # fmt: skip
"""What our model tells where texts are read strictly."""
_alone = threading.Lock()
_NEEDED_PARTS = frozenset({"tok2vec", "transformer", "ner", "curated_transformer"})


class OwnModel(EntityRecognizer):
    """Presidio's recognizer for our model: names and addresses."""

    def __init__(self, kinds: Iterable[str] = ("PERSON", ADDRESS)) -> None:
        self._tagger = load_tagger()
        super().__init__(
            supported_entities=list(kinds), name="OwnModel", supported_language=LANGUAGE
        )

    def load(self) -> None:
        """Nothing to load: it has come with the first one."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find them."""
        return [
            RecognizerResult(kind, start, end, SCORE)
            for kind, start, end in self._tagger.find(text)
            if kind in self.supported_entities
            and kind in entities
            and is_credible(self._tagger, kind, text[start:end])
        ]


def is_credible(tagger: Tagger, kind: str, found: str) -> bool:
    """Whether what the model took for a name or an address looks like one at all."""
    if kind == ADDRESS:
        return any(letter.isdigit() for letter in found) and len(found) > 5
    if kind != "PERSON":
        return True
    words = [word.strip(".,'\u2019-") for word in found.split()]
    if any(letter.isdigit() or letter in "@_/" for letter in found) or not any(words):
        return False
    return any(
        len(word) > 1
        and (not (known := lists_of(word, tagger.is_word(word))) & WORD or known & (GIVEN | FAMILY))
        and (word[0].isupper() or known & (GIVEN | FAMILY))
        for word in words
    )


class InstalledModel(EntityRecognizer):
    """Presidio's recognizer for a model of spaCy's that the machine has."""

    def __init__(self, name: str, names: Mapping[str, str] = NAMES) -> None:
        self._nlp, self._names = _load(name), names
        super().__init__(
            supported_entities=sorted(set(names.values())), name=f"InstalledModel {name}",
            supported_language=LANGUAGE,
        )  # fmt: skip

    def load(self) -> None:
        """Nothing to load: it has."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find them."""
        with _alone, self._nlp.memory_zone():  # zones of two threads would free each other's
            return [
                RecognizerResult(kind, entity.start_char, entity.end_char, SCORE)
                for entity in self._nlp(text).ents
                if (kind := self._names.get(entity.label_)) in entities
            ]


@cache
def _load(name: str) -> Any:
    import spacy

    nlp: Any = spacy.load(name)
    unneeded = [part for part in nlp.pipe_names if part not in _NEEDED_PARTS]
    nlp.select_pipes(disable=[part for part in unneeded if part != "entity_ruler"])
    return nlp


@dataclass(frozen=True)
class Models:
    """The models that take part, and what that means, in words."""

    recognizers: tuple[EntityRecognizer, ...]
    words: str
    strict: tuple[EntityRecognizer, ...] = ()
    """The same, telling more than who somebody is: what is told of them."""


@cache
def active_models() -> Models:
    """Give our model, and the best of spaCy's that is installed."""
    installed = _installed()
    ours = f"our own model ({model_hash()[:12]})"
    if installed is None:
        return Models(
            (OwnModel(),), f"patterns, lists of names and {ours}; no model of spaCy's is installed:"
            " it would find more of the names in ordinary talk",
            (OwnModel(_STRICT_KINDS), Coordinates()),
        )  # fmt: skip
    return Models(
        (OwnModel(), InstalledModel(installed)),
        f"patterns, lists of names, {ours} and spaCy's {installed}",
        (OwnModel(_STRICT_KINDS), Coordinates(), InstalledModel(installed, STRICT_NAMES)),
    )


def _installed() -> str | None:
    """Give the name of an installed model, the largest first, English before others."""
    import spacy

    sizes = ("trf", "lg", "md", "sm")
    names = [
        name
        for name in spacy.util.get_installed_models()
        if name.rsplit("_", 1)[-1] in sizes and ("core" in name or "ent" in name)
    ]
    return min(
        names, default=None,
        key=lambda name: (not name.startswith(LANGUAGE), sizes.index(name.rsplit("_", 1)[-1])),
    )  # fmt: skip
