"""The stage of a run in which the incumbent scores its test rows."""

from __future__ import annotations

from fraudlab.stages.context import Context
from fraudlab.stages.incumbent import Incumbent, Uncompared
from fraudlab.stages.incumbent_figures import write_uncompared
from fraudlab.stages.incumbent_scores import IncumbentScores, score_incumbent
from fraudlab.stages.prepare import Preparation


def scores_of(
    context: Context, incumbent: Incumbent | Uncompared, prepared: Preparation
) -> IncumbentScores | None:
    """What the incumbent says of the test rows; None where it cannot be compared, which is written.

    Raises
    ------
    FraudlabError
        Where it was named, and cannot score these rows.
    """
    with context.stage("incumbent") as line:
        found = (
            incumbent if isinstance(incumbent, Uncompared) else score_incumbent(context, incumbent, prepared)
        )
        if isinstance(found, Uncompared):
            line.detail = f"not compared: {found.reason.rstrip('.')}"
            write_uncompared(context.folder.path, found)
            return None
        context.folder.note(incumbent=found.incumbent.reference)
        line.detail = f"{found.incumbent.name} on {found.score.size:,} test rows"
        line.notes = learned_words(found)
        return found


def learned_words(found: IncumbentScores) -> list[str]:
    """What a person must know before trusting the comparison; nothing where the rows are new to both."""
    if found.learned == 0:
        return []
    if found.learned is None:
        return [f"{found.incumbent.name} may have learned from these test rows: nothing tells"]
    share = f"{found.learned:,} of these {found.score.size:,} test rows"
    return [f"{found.incumbent.name} may have learned from {share}: that flatters it"]
