"""``fraudlab cloud verify``, tried with a rehearsal in the account's place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker


def verify(*words: str) -> str:
    command = [sys.executable, "-m", "fraudlab", "cloud", "verify", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_two_rehearsals_are_compared_and_nothing_tells_whose_they_were(
    rehearsal: dict[str, Any], in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMET_API_KEY", "planted-key-0123456789")
    here = ["backend=rehearsal", f"rehearsal.endpoint={rehearsal['url']}", "data.rows=2000"]
    shown = verify(*here, "--folder", "out")
    service = (in_tmp / "out" / "service.jsonl").read_text()
    calls = [json.loads(line) for line in service.splitlines()]
    assert {call["operation"] for call in calls} >= {
        *(
            "CreateProcessingJob",
            "CreateTrainingJob",
            "CreateTransformJob",
            "CreateEndpoint",
            "DeleteEndpoint",
        ),
        *("DescribeTrainingJob", "GetLogEvents", "PutObject", "GetObject", "GetCallerIdentity"),
    }
    for secret in ("000000000000", "planted-key", rehearsal["secret_key"]):
        assert secret not in service
    # the first of the two may push the image, and both are the same program
    found = json.loads((in_tmp / "out" / "differences.json").read_text())
    assert [one for one in found if not one["call"].startswith(("ecr:", "s3:", "logs:"))] == []
    assert verify("--compare", "out").splitlines() == shown.splitlines()[-max(1, len(found) + bool(found)) :]
    assert (in_tmp / "out" / "service.jsonl").read_text() == service
