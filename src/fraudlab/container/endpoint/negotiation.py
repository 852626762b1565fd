"""Which media type an answer has: what clients accept (RFC 9110), and what answers can be."""

from __future__ import annotations

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
PARQUET, RECORDIO = "application/x-parquet", "application/x-recordio-protobuf"
#: our names for what answers can be
ANSWER_TYPES = (CSV, JSON, JSON_LINES, PARQUET, RECORDIO)
#: every name a client can use, and ours for it
ANSWER_NAMES = {
    **{kind: kind for kind in ANSWER_TYPES},
    "application/x-jsonlines": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    "application/vnd.apache.parquet": PARQUET,
    "application/parquet": PARQUET,
}


def accepted(accept: str, kind: str, *, default: str = "") -> str | None:
    """The media type to answer in (RFC 9110), None where the client takes none of ours.

    Parameters
    ----------
    accept : str
        The Accept header; empty means anything.
    kind : str
        Media type of the request. Where nothing is preferred the answer is like it, but for formats that
        few clients read, which are answered in CSV.
    default : str, optional
        Media type of the answer where the client prefers none, whatever the request is in.
    """
    like = default or (kind if kind in ANSWER_NAMES and kind != RECORDIO else CSV)
    weights = _weights(accept) or {"*/*": 1.0}

    def weight(name: str) -> float:
        for media_range in (name, name.partition("/")[0] + "/*", "*/*"):
            if media_range in weights:
                return weights[media_range]
        return 0.0

    named = [name for name in weights if name in ANSWER_NAMES]
    best = max((like, *named, *ANSWER_TYPES), key=weight)
    return best if weight(best) > 0 else None


def _weights(accept: str) -> dict[str, float]:
    weights = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        if media_range:
            weights[media_range] = min([_quality(parameter) for parameter in parameters], default=1.0)
    return weights


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    # What is no weight between 0 and 1 says nothing about preference.
    quality = value.strip()
    if name.strip() != "q" or not quality.replace(".", "", 1).isdecimal() or len(quality) > 5:
        return 1.0
    return min(float(quality), 1.0)


def read_answer_type(text: str) -> str:
    """Read a media type that answers can have.

    Raises
    ------
    ValueError
        If there are none of it.
    """
    kind = text.partition(";")[0].strip().lower()
    if kind not in ANSWER_NAMES:
        raise ValueError(f"answers are {', '.join(ANSWER_TYPES)}")
    return kind
