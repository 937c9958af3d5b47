import pytest
from cfr.inputs.transfer_sets import hub_rows, pool_labels, transfer_rows
from cfr.records import Passage, Pool
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

from .test_claimdecomp import ROW as CLAIM
from .test_fever import OFFICIAL
from .test_hotpotqa import HUB
from .test_wice import ROW as WICE


def test_each_set_gives_the_rows_that_commands_read(tmp_path):
    (fever,) = transfer_rows("fever", write_rows(tmp_path / "f.jsonl", OFFICIAL), limit=1)
    assert fever.model_dump() == {
        "qid": "91198:0",
        "claim": "Colin played.",
        "question": "",
        "answers": (),
        "label": "NOT ENOUGH INFO",
        "evidence_sets": [],
    }
    (hotpot,) = transfer_rows("hotpotqa", write_rows(tmp_path / "h.jsonl", [HUB]))
    assert hotpot.relevant == ["5a8b#0", "5a8b#2"]
    (claim,) = transfer_rows("claimdecomp", write_rows(tmp_path / "c.jsonl", [CLAIM]))
    assert len(claim.questions) == 3
    (wice,) = transfer_rows("wice", write_rows(tmp_path / "w.jsonl", [WICE]))
    assert wice.relevant == ["0#0"]


def test_labels_say_which_passages_answer():
    passages = [Passage(pid=pid, text=pid) for pid in "ab"]
    (labels,) = pool_labels([Pool(qid="0:0", claim="c", passages=passages, relevant=["b"])])
    assert (labels.qid, labels.signal) == ("0:0", "gold")
    assert [(said.pid, said.score, said.rel) for said in labels.judgements] == [
        ("a", 0, 0),
        ("b", 1, 1),
    ]


def test_a_set_that_cannot_be_brought_says_what_to_bring():
    with pytest.raises(UserError, match="claimdecomp: is not on the hub; pass a file: test.jsonl"):
        transfer_rows("claimdecomp")
    with pytest.raises(UserError, match="no data set of this paper; one of fever/fever"):
        next(hub_rows("squad", "train"))


def test_a_hub_out_of_reach_says_which_file_to_bring(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"cannot be loaded: .*; bring paper_dev.jsonl of fever.ai"):
        transfer_rows("fever")
