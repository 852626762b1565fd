from __future__ import annotations

import fraudlab.report


def test_the_public_names() -> None:
    assert fraudlab.report.__all__ == [
        "Comparison",
        "Lineup",
        "compare_runs",
        "print_comparison",
        "render_comparison",
        "render_run",
    ]
