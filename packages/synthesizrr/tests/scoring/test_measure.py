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
