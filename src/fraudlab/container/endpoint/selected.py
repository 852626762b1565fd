"""``SAGEMAKER_INFERENCE_OUTPUT``: the official XGBoost container's words, with its meanings and its shapes.

They are not our outputs: there ``raw_score`` is the probability again, and ``predicted_label`` is the class
that is more likely, whatever the model's threshold. A client of the official container reads these answers.

Source: ``get_selected_predictions`` and ``encode_selected_predictions`` in ``algorithm_mode/serve_utils.py``
of ``aws/sagemaker-xgboost-container``, for ``binary:logistic``, the objective all our models have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.formats.recordio_writing import write_records

Score = NDArray[np.float32]
#: in the order that objects have them
WORDS = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores")
_LABELS = [0, 1]


class Selected(tuple[str, ...]):
    """What the variable asks for, in its order, where a word can stand twice, or mean nothing."""

    __slots__ = ()

    @property
    def unknown(self) -> list[str]:
        """Words that mean nothing for two classes: the value is missing, as at the official container."""
        return [word for word in dict.fromkeys(self) if word not in WORDS]

    @property
    def members(self) -> list[str]:
        """Names in an object, where each stands once."""
        return [word for word in WORDS if word in self] + self.unknown


def read_selected(text: str) -> Selected:
    """Read the variable; nothing is refused."""
    return Selected(text.replace(" ", "").lower().split(","))


def selected_csv(score: Score, selected: Selected) -> bytes:
    """One line per row, in the order asked; several numbers are one quoted field: ``"[0.9, 0.1]"``."""
    columns = []
    for word in selected:
        texts = _texts(score, word, missing="nan")
        columns.append([f'"{text}"' for text in texts] if word in _PLURAL else texts)
    return "".join([",".join(row) + "\n" for row in zip(*columns, strict=True)]).encode()


def selected_json(score: Score, selected: Selected) -> bytes:
    """``{"predictions": [{…}]}``."""
    return f'{{"predictions": [{", ".join(_objects(score, selected))}]}}'.encode()


def selected_json_lines(score: Score, selected: Selected) -> bytes:
    """One object per line."""
    return "".join([f"{text}\n" for text in _objects(score, selected)]).encode()


def selected_records(score: Score, selected: Selected) -> bytes:
    """One record per row, each value a label of its name."""
    return write_records({word: _VALUES.get(word, _nothing)(score) for word in selected.members})


def selected_table(score: Score, selected: Selected) -> Any:
    """One column per word, for Parquet; this format the official container does not answer in."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for word in selected.members:
        values = _VALUES.get(word, _nothing)(score)
        columns[word] = list(values) if word in _PLURAL else values[:, 0]
    return pa.table(columns)


def _objects(score: Score, selected: Selected) -> list[str]:
    pattern = _object_pattern(selected)
    columns = [_texts(score, word, missing="null") for word in selected.members]
    return [pattern % row for row in zip(*columns, strict=True)]


@lru_cache(64)
def _object_pattern(selected: Selected) -> str:
    names = [json.dumps(word).replace("%", "%%") for word in selected.members]
    return "{" + ", ".join([f"{name}: %s" for name in names]) + "}"


def _texts(score: Score, word: str, *, missing: str) -> list[str]:
    """A value of each row as Python writes it; a score is written as the double that it is."""
    values = score.tolist()
    if word == "predicted_label":
        return ["1" if value > 0.5 else "0" for value in values]
    if word == "labels":
        return [str(_LABELS)] * len(values)
    if word in ("probability", "raw_score"):
        return [repr(value) for value in values]
    if word in ("probabilities", "raw_scores"):
        return [f"[{1.0 - value!r}, {value!r}]" for value in values]
    return [missing] * len(values)


def _both(score: Score) -> NDArray[np.float32]:
    fraud = score.astype(np.float64)
    return np.stack([1.0 - fraud, fraud], axis=1).astype(np.float32)


def _nothing(score: Score) -> NDArray[np.float32]:
    return np.full((len(score), 1), np.nan, np.float32)


_PLURAL = ("labels", "probabilities", "raw_scores")
_VALUES: dict[str, Callable[[Score], NDArray[np.float32]]] = {
    "predicted_label": lambda score: (score > 0.5).astype(np.float32)[:, None],
    "labels": lambda score: np.tile(np.array(_LABELS, np.float32), (len(score), 1)),
    "probability": lambda score: score[:, None],
    "probabilities": _both,
    "raw_score": lambda score: score[:, None],
    "raw_scores": _both,
}
