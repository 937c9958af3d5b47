import pytest
from overton.study import figures


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_the_legend_of_stances_is_inside_a_figure_of_few_models(count, tmp_path, monkeypatch):
    drawn = []
    save = figures._saved
    monkeypatch.setattr(figures, "_saved", lambda *given: drawn.append(given[0]) or save(*given))
    row = {"n": 4, "yes": 2, "no": 1, "both": 1, "other": 0, "yes_and_no": 1.0}
    figures.stance_figure(tmp_path / "s.png", {f"model {n}": row for n in range(count)})
    ((figure,), (legend,)) = drawn, drawn[0].legends
    place = legend.get_window_extent()
    assert 0 <= place.x0 < place.x1 <= figure.bbox.width
    assert len(legend.get_texts()) == 6
