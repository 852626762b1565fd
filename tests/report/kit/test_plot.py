from __future__ import annotations

import re

from fraudlab.report.kit.plot import BOTTOM, LEFT, RIGHT, TOP, Plot, across, upward


def plot() -> Plot:
    return Plot(across(0, 1, "x <title>", str), upward(0, 1, "y", str))


def corners(path: str) -> list[tuple[float, float]]:
    (written,) = re.findall(r' d="M([^"]+)"', path)
    return [(float(x), float(y)) for x, y in (point.split() for point in written.split("L"))]


def test_a_line_runs_through_its_points() -> None:
    assert corners(plot().line([0, 1], [0, 1], "a")) == [(LEFT, BOTTOM), (RIGHT, TOP)]


def test_steps_hold_each_level_up_to_its_point() -> None:
    middle_x, middle_y = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2
    assert corners(plot().steps([0, 0.5, 1], [1, 0.5, 0], "a")) == [
        (LEFT, TOP),
        (LEFT, middle_y),
        (middle_x, middle_y),
        (middle_x, BOTTOM),
        (RIGHT, BOTTOM),
    ]


def test_columns_stand_on_the_floor() -> None:
    outline = corners(plot().columns([0, 0.5, 1], [1, 0], "a"))
    assert outline[0] == (LEFT, BOTTOM)
    assert outline[-1] == (RIGHT, BOTTOM)
    assert (LEFT, TOP) in outline


def test_points_no_screen_can_tell_apart_are_written_once() -> None:
    xs = [i / 100_000 for i in range(100_001)]
    assert len(corners(plot().line(xs, xs, "a"))) < 20 * (RIGHT - LEFT)


def test_the_drawing_names_itself_and_its_scales() -> None:
    drawing = plot().drawing(summary='says "it"')
    assert 'aria-label="says &quot;it&quot;"' in drawing
    assert f'data-x="linear 0 1 {LEFT} {RIGHT}"' in drawing
    assert "x &lt;title&gt;" in drawing
