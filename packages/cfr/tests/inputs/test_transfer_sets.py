import pytest
from cfr.inputs.transfer_sets import pool_labels, transfer_rows
from cfr.records import Passage, Pool
from tenpapers.errors import UserError
from tenpapers.paper import load_paper
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


def test_every_set_of_the_hub_is_pinned():
    assert {one.id: len(one.revision) for one in load_paper("cfr").hub_sets} == {
        "fever/fever": 40,
        "hotpotqa/hotpot_qa": 40,
    }


def test_a_copy_of_the_hubs_files_is_read_in_its_stead(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    flat = {"id": 7, "label": "SUPPORTS", "claim": "c"}
    sentences = [
        flat | {"evidence_id": n, "evidence_wiki_url": page, "evidence_sentence_id": n}
        for n, page in ((1, "A"), (2, "B"))
    ]
    names = {"fever": "v1.0/paper_dev/0000", "hotpotqa": "distractor/validation-00000-of-00001"}
    for name, rows in (("fever", sentences), ("hotpotqa", [HUB])):
        file = tmp_path / name / f"{names[name]}.parquet"
        file.parent.mkdir(parents=True)
        datasets.Dataset.from_list(rows).to_parquet(file)
    (query,) = transfer_rows("fever", tmp_path / "fever")
    assert (query.qid, query.evidence_sets) == ("7:0", [[("A", 1)], [("B", 2)]])
    (pool,) = transfer_rows("hotpotqa", tmp_path / "hotpotqa")
    assert pool.relevant == ["5a8b#0", "5a8b#2"]
    with pytest.raises(UserError, match="hotpotqa: test cannot be loaded"):
        transfer_rows("hotpotqa", tmp_path / "hotpotqa", split="test")


def test_a_hub_out_of_reach_says_which_file_to_bring(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"cannot be loaded: .*; bring paper_dev.jsonl of fever.ai"):
        transfer_rows("fever")
