"""Pages a person opens: one self-contained HTML file per run, and one per comparison."""

from fraudlab.report.comparison.comparison import Comparison, compare_runs
from fraudlab.report.comparison.comparison_terminal import print_comparison
from fraudlab.report.comparison.lineup import Lineup
from fraudlab.report.comparison.lineup_page import render_comparison
from fraudlab.report.run.run_page import render_run

__all__ = ["Comparison", "Lineup", "compare_runs", "print_comparison", "render_comparison", "render_run"]
