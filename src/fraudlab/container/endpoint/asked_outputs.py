"""What an answer is asked to hold for each row, by our names and by those of others. Pure functions."""

from __future__ import annotations

from fraudlab.container.failure import near, quoted

OUTPUTS = ("score", "raw_score", "alert", "reasons", "model")
#: reasons with a sentence each: an output of its own everywhere but in its name
TEXTED = "reasons=text"
#: outputs that need the contributions of each column
REASONS = frozenset({"reasons", TEXTED})
#: ways to have reasons
_WAYS = {"text": TEXTED, "numbers": "reasons"}
#: what the official container and others call them
_ALIASES = {
    "probability": "score",
    "probabilities": "score",
    "scores": "score",
    "raw_scores": "raw_score",
    "label": "alert",
    "labels": "alert",
    "predicted_label": "alert",
    "alerts": "alert",
    "reason": "reasons",
    "contributions": "reasons",
    "model_id": "model",
}


def read_outputs(text: str) -> tuple[str, ...]:
    """Read a list of outputs such as ``probability, label``: our names for them, in the order asked.

    Raises
    ------
    ValueError
        If none is named, or one is unknown or named twice.
    """
    outputs: list[str] = []
    for given in text.split(","):
        name = given.strip().lower()
        base, equals, way = (part.strip() for part in name.partition("="))
        output = _ALIASES.get(base, base)
        if output not in OUTPUTS or (equals and output != "reasons"):
            raise ValueError(
                f"unknown output {quoted(given.strip())}{near(name, (*OUTPUTS, TEXTED, *_ALIASES))}:"
                f" outputs are {', '.join(OUTPUTS)}"
            )
        if output in map(member, outputs):
            raise ValueError(f"output {name!r} is {output!r}, which is asked for twice")
        outputs.append(reasons_as(way) if equals else output)
    return tuple(outputs)


def reasons_as(way: str) -> str:
    """The output that is reasons as ``text`` or as ``numbers``.

    Raises
    ------
    ValueError
        For another way.
    """
    name = way.strip().lower()
    if name not in _WAYS:
        raise ValueError(f"reasons={way.strip()[:100]} is unknown{near(name[:100], _WAYS)}: text or numbers")
    return _WAYS[name]


def read_attributes(text: str, usual: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The outputs that custom attributes such as ``output=score,reasons;reasons=text`` ask for, if any.

    Parameters
    ----------
    text : str
    usual : tuple of str
        Outputs where none are named, by our names.

    Raises
    ------
    ValueError
        If they cannot be given.
    """
    named = {
        name.strip().lower(): value
        for name, equals, value in (attribute.partition("=") for attribute in reversed(text.split(";")))
        if equals
    }
    outputs = read_outputs(named["output"]) if "output" in named else ()
    if "reasons" not in named:
        return outputs
    way, outputs = reasons_as(named["reasons"]), outputs or usual
    if REASONS.isdisjoint(outputs):
        raise ValueError(f"{way} says how reasons are written, and no output asks for them: add"
                         " output=score,reasons")  # fmt: skip
    return tuple(way if output in REASONS else output for output in outputs)


def member(output: str) -> str:
    """What an output is called in an answer."""
    return "reasons" if output == TEXTED else output
