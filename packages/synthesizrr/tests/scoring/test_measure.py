import pytest
from synthesizrr.records import TextRow
from synthesizrr.scoring.data_sets import DataSet
from synthesizrr.scoring.measure import EvalConfig, Given, measure
from tenpapers.errors import UserError


def rows(*pairs):
    return [TextRow(text=text, label=label) for text, label in pairs]


def test_what_cannot_be_measured_is_said_at_once():
    data = DataSet("a", rows(("x", "p"), ("y", "q")))
    for metrics, given, told in [
        (["bleu"], Given(), "metric bleu: unknown"),
        (["mauve"], Given(), "MAUVE needs human texts"),
        (["label-preservation"], Given(), "needs labelled gold rows"),
        (["label-preservation"], Given(gold=DataSet("g", rows(("x", "p")))), "no row of label q"),
    ]:
        with pytest.raises(UserError, match=told):
            measure(data, EvalConfig(metrics=metrics), given)


def test_mauve_has_a_tenth_of_the_rows_as_buckets(tiny_encoder):
    """Up to the paper's 30, at least 2; the reference repeats to the set's size."""
    human = DataSet("h", rows(*[(f"a human text {i}", "p") for i in range(30)]))
    config = EvalConfig(metrics=["mauve"], features=str(tiny_encoder))
    for size, buckets in ((15, 2), (47, 4)):
        data = DataSet("d", rows(*[(f"a text {i}", "p") for i in range(size)]))
        assert measure(data, config, Given(human))["mauve"]["num_buckets"] == buckets
