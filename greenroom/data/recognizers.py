"""Presidio for databases: recognizers that leave ids, times and order numbers alone.

Presidio's own default set takes every number of eight digits for a driving licence or a phone
(measured); what is here was chosen by false positives on values of databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import spacy
import tldextract.tldextract as tld
from presidio_analyzer import EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CryptoRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    UsSsnRecognizer,
)

from greenroom.data.cards import DatabaseCards
from greenroom.data.context import LANGUAGE
from greenroom.data.identities import KINDS, SCORE, Identities
from greenroom.data.mails import DatabaseMails
from greenroom.data.phones import DatabasePhones
from greenroom.data.scanner import FastEngine
from greenroom.data.strangers import Strangers

THRESHOLD = 0.4


class BlankEngine(SpacyNlpEngine):
    """spaCy without a model: nothing to download. Context words need lemmas, which it lacks."""

    engine_name = "blank"

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": LANGUAGE, "model_name": "blank"}])

    def load(self) -> None:
        """Make the tokenizer."""
        self.nlp = {LANGUAGE: spacy.blank(LANGUAGE)}  # type: ignore[assignment]

    def _doc_to_nlp_artifact(self, doc: Any, language: str) -> NlpArtifacts:
        return NlpArtifacts(
            entities=[], tokens=doc, tokens_indices=[token.idx for token in doc],
            lemmas=[token.lemma_ or token.lower_ for token in doc], nlp_engine=self,
            language=language, scores=[],
        )  # fmt: skip


class KnownPeople(EntityRecognizer):
    """The database's own identities."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        super().__init__(
            supported_entities=sorted(set(KINDS.values())), name="KnownPeople",
            supported_language=LANGUAGE,
        )  # fmt: skip

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find them."""
        return [
            RecognizerResult(match.kind, match.start, match.end, SCORE)
            for match in self._identities.find(text)
            if match.kind in entities
        ]


@cache
def _patterns() -> tuple[BlankEngine, tuple[EntityRecognizer, ...]]:
    # Presidio would ask the network for the list of suffixes at the first e-mail address.
    tld.TLD_EXTRACTOR = tld.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine = BlankEngine()
    engine.load()
    kinds = (
        DatabaseMails, DatabaseCards, IbanRecognizer, IpRecognizer, MacAddressRecognizer,
        CryptoRecognizer, UsSsnRecognizer,
    )  # fmt: skip
    return engine, (*(kind() for kind in kinds), DatabasePhones())


def analyzer(identities: Identities, models: Iterable[EntityRecognizer] = ()) -> FastEngine:
    """Give Presidio with our recognizers, the database's own people and models among them."""
    engine, patterns = _patterns()
    registry = RecognizerRegistry(
        recognizers=[*patterns, Strangers(), KnownPeople(identities), *models],
        supported_languages=[LANGUAGE],
    )
    return FastEngine(
        registry=registry, nlp_engine=engine, supported_languages=[LANGUAGE],
        default_score_threshold=THRESHOLD,
        context_aware_enhancer=LemmaContextAwareEnhancer(context_matching_mode="whole_word"),
    )  # fmt: skip
