"""Pages a person opens: one self-contained HTML file a run, and one a comparison."""

from fraudlab.report.comparison import Comparison, compare_runs
from fraudlab.report.comparison_report import render_comparison
from fraudlab.report.comparison_terminal import print_comparison
from fraudlab.report.run_report import render_run

__all__ = ["Comparison", "compare_runs", "print_comparison", "render_comparison", "render_run"]
