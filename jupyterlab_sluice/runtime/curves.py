"""Confusion matrices and ROC curves among a step's metrics, in the words of Kubeflow's ClassificationMetrics. They are
known by their values, not by their names: a square of counts, and what sklearn's `roc_curve` gives.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional

MOST_CLASSES = 100
MOST_POINTS = 200


def classification(value: Any) -> Dict[str, Any]:
    """`confusionMatrix`, `confidenceMetrics`, or nothing."""
    matrix, curve = _matrix(value), _curve(value)
    return {**({"confusionMatrix": matrix} if matrix else {}), **({"confidenceMetrics": curve} if curve else {})}


def _matrix(value: Any) -> Optional[Dict[str, Any]]:
    labels: Any = None
    if hasattr(value, "confusion_matrix") and hasattr(value, "display_labels"):  # sklearn's display of one
        value, labels = value.confusion_matrix, value.display_labels
    elif hasattr(value, "columns") and hasattr(value, "index") and hasattr(value, "to_numpy"):
        labels = list(value.columns)
        if labels != list(value.index):
            return None
        value = value.to_numpy()
    shape = getattr(value, "shape", ())
    if len(shape) != 2 or shape[0] != shape[1] or not 2 <= shape[0] <= MOST_CLASSES or value.dtype.kind not in "iu":
        return None
    rows = value.tolist()
    if min(map(min, rows)) < 0:
        return None
    names = range(len(rows)) if labels is None else labels
    return {"annotationSpecs": [{"displayName": str(name)} for name in names], "rows": [{"row": row} for row in rows]}


def _curve(value: Any) -> Optional[List[Dict[str, float]]]:
    if not isinstance(value, tuple) or len(value) != 3 or any(len(getattr(part, "shape", ())) != 1 for part in value):
        return None
    if any(part.dtype.kind not in "iuf" for part in value):
        return None
    false, true, thresholds = (part.tolist() for part in value)
    if not 2 <= len(false) == len(true) == len(thresholds):
        return None
    if not (_climbs(false) and _climbs(true) and _climbs([-threshold for threshold in thresholds], ends=None)):
        return None
    finite = [threshold for threshold in thresholds if math.isfinite(threshold)]
    top = max(finite, default=0.0) + 1  # sklearn begins with infinity, which JSON does not have
    step = max(1, math.ceil(len(false) / MOST_POINTS))
    chosen = sorted({*range(0, len(false), step), len(false) - 1})
    return [
        {"confidenceThreshold": min(thresholds[i], top), "falsePositiveRate": false[i], "recall": true[i]} for i in chosen
    ]


def _climbs(values: List[float], ends: Any = (0.0, 1.0)) -> bool:
    return all(a <= b for a, b in zip(values, values[1:])) and (ends is None or (values[0], values[-1]) == ends)
