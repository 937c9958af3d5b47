import pytest
from cfr.records import Training
from cfr.retrieval.encoder import Encoder
from cfr.signals.hardness import best_first, hardest_first

from ..retrieval.conftest import make_checkpoint
from .conftest import candidates, passage

TEXTS = ["oil prices rose", "the vaccine was tested", "trump praised the vaccine", "fetal tissue"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return Encoder.load(str(make_checkpoint(tmp_path_factory.mktemp("models") / "tiny")))


def expected(encoder, query, pids):
    scores = encoder.encode(TEXTS) @ encoder.encode([query])[0]
    return sorted(pids, key=lambda pid: -scores[int(pid)])


def test_passages_stand_as_an_encoder_scores_them(encoder):
    pids = ["0", "1", "2", "3"]
    passages = [passage(pid, TEXTS[int(pid)]) for pid in pids]
    row = candidates(passages=passages)
    query = f"{row.claim} [SEP] {row.question}"
    (found,) = best_first([row], encoder)
    assert [one.pid for one in found.passages] == expected(encoder, query, pids) != pids
    given = Training(
        qid="1",
        claim=row.claim,
        question=row.question,
        positives=passages[:1],
        negatives=passages[1:],
    )
    (hard,) = hardest_first([given], encoder)
    assert [one.pid for one in hard.negatives] == expected(encoder, query, pids[1:])
    assert hard.positives == given.positives


def test_a_query_without_passages_stays(encoder):
    (found,) = best_first([candidates()], encoder)
    assert (found.qid, len(found.passages)) == ("1:0", 0)
