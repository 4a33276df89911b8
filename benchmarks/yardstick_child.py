"""presidio-research's own evaluator, in an environment of its own: spans of PII, fuzzily matched.

Reads ``[[text, labelled, found], …]`` from standard input, where spans are ``[kind, start, end]``;
prints precision, recall and F2 of everything that is any PII. Words are cut by spaCy's rules for
English, which need no model.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any


def main() -> None:
    """Score."""
    import pandas as pd
    import spacy
    from presidio_evaluator.evaluation import SpanEvaluator

    warnings.simplefilter("ignore")
    nlp, rows = spacy.blank("en"), list[dict[str, Any]]()
    for number, (text, labelled, found) in enumerate(json.load(sys.stdin)):
        for token in nlp(text):
            end = token.idx + len(token)
            rows.append({
                "sentence_id": number, "token": token.text, "start_indices": token.idx,
                "annotation": _tag(labelled, token.idx, end),
                "prediction": _tag(found, token.idx, end),
            })  # fmt: skip
    scored = SpanEvaluator(iou_threshold=0.9).calculate_score_on_df(pd.DataFrame(rows), level="pii")
    print(json.dumps({
        "precision": round(scored.pii_precision, 3), "recall": round(scored.pii_recall, 3),
        "f2": round(scored.pii_f, 3),
    }))  # fmt: skip


def _tag(spans: list[tuple[str, int, int]], start: int, end: int) -> str:
    return next((kind for kind, first, last in spans if start < last and first < end), "O")


if __name__ == "__main__":
    main()
