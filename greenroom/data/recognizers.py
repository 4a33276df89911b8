"""Presidio for databases: recognizers that leave ids, times and order numbers alone.

Presidio's own default set takes every number of eight digits for a driving licence or a phone
(measured); what is here was chosen by false positives on values of databases.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import spacy
import tldextract.tldextract as tld
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    PhoneRecognizer,
    UsSsnRecognizer,
)

from greenroom.data.identities import KINDS, SCORE, Identities
from greenroom.data.strangers import Strangers

LANGUAGE = "en"
THRESHOLD = 0.4
_NO_PHONE = re.compile(r"\d{1,3}(\.\d{1,3}){3}$|\d+\.\d+$|\d{4}-\d\d-\d\d")
_GLUED = re.compile(r"[A-Za-z0-9][-_/.]$|[-_#=]$")
_FORMATTED = re.compile(r"[+()\-./ ]")


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


class DatabasePhones(PhoneRecognizer):
    """Phone numbers that are written like phone numbers."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find them; bare digits only count with a phone word beside them."""
        kept = []
        for found in super().analyze(text, entities, nlp_artifacts):  # type: ignore[arg-type]
            value, before = (
                text[found.start : found.end],
                text[max(0, found.start - 2) : found.start],
            )
            # A word beside it adds to a score: what is part of a longer number must have none.
            if _NO_PHONE.match(value) or _GLUED.search(before):
                continue
            if not _FORMATTED.search(value):
                found.score = 0.2
            kept.append(found)
        return kept


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
        EmailRecognizer, CreditCardRecognizer, IbanRecognizer, IpRecognizer, MacAddressRecognizer,
        CryptoRecognizer, UsSsnRecognizer,
    )  # fmt: skip
    phones = DatabasePhones(
        supported_regions=("US", "GB", "DE", "FR", "IT", "ES", "NL", "CH"), leniency=1
    )
    return engine, (*(kind() for kind in kinds), phones)


def analyzer(identities: Identities) -> AnalyzerEngine:
    """Give Presidio with our recognizers, the database's own people among them."""
    engine, patterns = _patterns()
    registry = RecognizerRegistry(
        recognizers=[*patterns, Strangers(), KnownPeople(identities)],
        supported_languages=[LANGUAGE],
    )
    return AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=[LANGUAGE],
        default_score_threshold=THRESHOLD,
    )  # fmt: skip
