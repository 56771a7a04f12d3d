"""Panels that are no lines: rows of bars, and of points in their intervals."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from netopt.reproduce import _drawing
from netopt.reproduce._drawing import Bar, Panel

ROWS = (Bar("a", 0.2, 0.1, 0.4, 0, "1/5"), Bar("b", 0.9, None, None, None))


@pytest.mark.parametrize("points", [True, False])
def test_rows_stand_from_top_to_bottom_with_their_labels(points):
    axes = Figure().add_subplot()
    _drawing._panel(
        axes, Panel("t", "share", "", (), lowest=0, highest=1, bars=ROWS, points=points)
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    bottom, top = axes.get_ylim()
    assert bottom > 1 > 0 > top
    assert axes.get_xlim() == (0, 1)
    assert [text.get_text() for text in axes.texts] == ["1/5", ""]
    assert len(axes.patches) == (0 if points else 2)
