"""Where two records of the same work differ: what one AWS answers and another does not. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: the state of something, whose values are compared, and not only their kind
_STATES = {
    *("TrainingJobStatus", "ProcessingJobStatus", "TransformJobStatus", "EndpointStatus"),
    *("Status", "StatusMessage"),
}
#: seen or missed by chance: what is deleted is soon gone
_PASSING = "Deleting"
_NAMES = ("TrainingJobName", "ProcessingJobName", "TransformJobName", "EndpointName")


@dataclass(frozen=True, order=True)
class CallDifference:
    """One thing that one side answers otherwise.

    Attributes
    ----------
    call : str
        ``SERVICE:OPERATION``.
    what : str
        A sentence; ``the service`` is AWS, ``the rehearsal`` the loopback.
    """

    call: str
    what: str


def differences(
    service: Sequence[Mapping[str, Any]], rehearsal: Sequence[Mapping[str, Any]]
) -> list[CallDifference]:
    """Compare calls by what is always or never in their answers, their states and their errors.

    Parameters
    ----------
    service, rehearsal : sequence of mapping
        Calls as :func:`fraudlab.cloud.scrubbing.scrubbed` gives them. How often something was asked, and any
        value that is no state, may differ from run to run and is not compared.

    Returns
    -------
    list of CallDifference
        By operation.
    """
    theirs, ours = _by_operation(service), _by_operation(rehearsal)
    found: list[CallDifference] = []
    for call in sorted(theirs.keys() | ours.keys()):
        if call not in ours:
            found.append(CallDifference(call, "was asked of the service only"))
        elif call not in theirs:
            found.append(CallDifference(call, "was asked of the rehearsal only"))
        else:
            found += [CallDifference(call, what) for what in _compared(theirs[call], ours[call])]
    return found


def _by_operation(calls: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found = defaultdict(list)
    for call in calls:
        found[f"{call['service']}:{call['operation']}"].append(call)
    return found


def _compared(theirs: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for what, values in (
        ("the error", lambda calls: {call["code"] for call in calls if call["code"]}),
        ("the HTTP status", lambda calls: {call["status"] for call in calls if not call["code"]}),
        ("the state", lambda calls: _states([call for call in calls if not call["code"]])),
    ):
        yield from _only(what, values(theirs), values(ours))
    answered = [[call["answer"] for call in calls if not call["code"]] for calls in (theirs, ours)]
    if not all(answered):
        return
    (always, ever), (our_always, our_ever) = map(_kinds, answered)
    for path in sorted(always.keys() - our_ever.keys()):
        yield f"the service always gives {path} ({_text(always[path])}), the rehearsal never"
    for path in sorted(our_always.keys() - ever.keys()):
        yield f"the rehearsal always gives {path} ({_text(our_always[path])}), the service never"
    for path in sorted(ever.keys() & our_ever.keys()):
        if not ever[path] & our_ever[path]:
            yield f"{path} is {_text(ever[path])} of the service, {_text(our_ever[path])} of the rehearsal"


def _only(what: str, theirs: set[Any], ours: set[Any]) -> Iterator[str]:
    for value in sorted(theirs - ours, key=str):
        yield f"{what} {value} came from the service only"
    for value in sorted(ours - theirs, key=str):
        yield f"{what} {value} came from the rehearsal only"


def _states(calls: Sequence[Mapping[str, Any]]) -> set[str]:
    """The last states of each thing, with its history where it has one: who asks in between is chance."""
    last: dict[str, set[str]] = {}
    for call in calls:
        answer = call["answer"]
        name = next((answer[key] for key in _NAMES if key in answer), None)
        states = {
            f"{path} = {value}"
            for path, value in _leaves(answer)
            if path.rpartition(".")[2] in _STATES and isinstance(value, str) and value
        }
        if name is not None and not any(state.endswith(f" = {_PASSING}") for state in states):
            last[name] = states
    return set().union(*last.values())


def _kinds(answers: Sequence[Mapping[str, Any]]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The kinds of what stands in every answer, and of what stands in any, by path."""
    each = []
    for answer in answers:
        kinds = defaultdict(set)
        for path, value in _leaves(answer):
            kinds[path].add(_kind(value))
        each.append(kinds)
    ever: dict[str, set[str]] = defaultdict(set)
    for kinds in each:
        for path, seen in kinds.items():
            ever[path] |= seen
    always = {path: seen for path, seen in ever.items() if all(path in kinds for kinds in each)}
    return always, ever


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that is no container, by path; elements of a list share one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    else:
        yield path, value


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a text"


def _text(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds))
