"""All checks at once, each with its own time limit; none stops another."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fraudlab.doctor.finding import Check, Finding, Findings, State, unknown
from fraudlab.errors import FraudlabError

#: exit codes of ``fraudlab doctor``, which docs/cloud.md lists
ALL_WELL, SOMETHING_WRONG, SOMETHING_UNKNOWN = 0, 4, 11


class Asked:
    """A check under way in a thread of its own.

    One that raises, or has not ended when its time is over, is told as unknown. Its thread is left alone: it
    ends with the process.
    """

    def __init__(self, check: Check) -> None:
        self._check = check
        self._found: Findings = ()
        self._thread = threading.Thread(target=self._carry_out, name=f"doctor-{check.name}", daemon=True)
        self._thread.start()

    def _carry_out(self) -> None:
        try:
            self._found = self._check.ask()
        except FraudlabError as error:
            self._found = [unknown(self._check.name, error.message, error.fix)]
        except Exception as error:  # noqa: BLE001
            # One check's fault must not hide what the others found.
            what = str(error).split("\n", maxsplit=1)[0][:200]
            self._found = [unknown(self._check.name, f"cannot be told: {type(error).__name__}: {what}")]

    def findings(self) -> Findings:
        """What was found, waited for no longer than the check may take."""
        self._thread.join(self._check.seconds)
        if self._thread.is_alive():
            return [unknown(self._check.name, f"did not answer in {self._check.seconds:g} s", "try again")]
        return self._found


def begin(checks: Sequence[Check]) -> list[Asked]:
    """Begin every check, each in a thread of its own, and wait for none."""
    return [Asked(check) for check in checks]


def exit_code(findings: Sequence[Finding]) -> int:
    """The code for scripts: 0 all well, 4 something is wrong, 11 nothing wrong and something unknown."""
    states = {finding.state for finding in findings}
    if State.wrong in states:
        return SOMETHING_WRONG
    return SOMETHING_UNKNOWN if State.unknown in states else ALL_WELL
