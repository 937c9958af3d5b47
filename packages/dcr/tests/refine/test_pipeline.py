import pytest
from dcr.detect.detector import Detector
from dcr.refine.pipeline import DCR
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

from ..by_hand import DOCUMENT, SharedWords


def test_three_steps_for_one_response():
    detector = Detector(SharedWords(), "shared-words", threshold=0.99)
    with DCR(detector, "occlusion", "span-edit") as pipeline:
        row = pipeline.refine(DOCUMENT, "Ann ran home in May 13. Bo sat down in Paris.")
        assert row.refined == "Ann ran home in May 12. Bo sat down in Paris."
        assert [(one.span, one.fix) for one in row.critiques] == [("13", "12")]
        right = pipeline.refine(DOCUMENT, "Bo sat down in Paris.", topic="Bo")
    assert (right.refined, right.changed, right.topic) == ("Bo sat down in Paris.", False, "Bo")


def test_a_request_without_an_answer_is_told(tmp_path):
    detector = Detector(SharedWords(), "shared-words", threshold=0.99)
    critic = f"replay:{write_rows(tmp_path / 'said.jsonl', [{'id': 'x', 'text': 'y'}])}"
    with (
        DCR(detector, critic, "span-edit") as pipeline,
        pytest.raises(UserError, match="critic: error: not recorded"),
    ):
        pipeline.refine(DOCUMENT, "Bo sat down in Oslo.")
