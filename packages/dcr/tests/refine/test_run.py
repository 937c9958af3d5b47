from dcr.records import Critique, Refined
from dcr.refine.run import counts_of

from ..by_hand import detected


def refined(**told):
    given = {"refined": "Ann ran.", "changed": False, "recipe": "dcr", "calls": 2}
    return Refined(**(dict(detected("Ann ran.", [0])) | given | told))


def test_what_was_rejected_is_counted_by_its_reason_and_is_neither_changed_nor_unchanged():
    unread = Critique(sentence_idx=0, sentence="Ann ran.", raw="", verdict="unparsed")
    rows = [
        refined(response_ok=True, labels=[1], calls=0),
        refined(refined="Bo ran.", changed=True, cleaned=True),
        refined(),
        refined(rejected=True, rejection="length", critiques=[unread]),
        refined(rejected=True, rejection="empty"),
        refined(rejected=True, rejection="length"),
    ]
    assert counts_of(rows, responses=8).row() == {
        "responses": 8,
        "supported": 1,
        "changed": 1,
        "unchanged": 1,
        "rejected": 3,
        "rejected: length": 2,
        "rejected: empty": 1,
        "cleaned": 1,
        "critiques": 1,
        "unparsed": 1,
        "calls": 10,
        "failed": 2,
    }
