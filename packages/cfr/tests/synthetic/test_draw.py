import pytest
from cfr.retrieval.bm25 import BM25
from cfr.retrieval.query_form import word_query
from cfr.scoring.token_recall import content_words
from cfr.synthetic.draw import synth
from cfr.synthetic.world import load_domains
from tenpapers.errors import UserError


@pytest.fixture(scope="module")
def items():
    return synth(500, seed=0)


def test_the_same_seed_gives_the_same_bytes(items):
    again = synth(500, seed=0)
    assert [i.model_dump_json() for i in again] == [i.model_dump_json() for i in items]
    assert [item.claim for item in synth(40, seed=1)] != [item.claim for item in synth(40, seed=2)]


def test_the_right_window_never_uses_a_word_of_the_property(items):
    for item in items:
        (right,) = [p for p in item.passages if p.pid in item.relevant]
        assert not content_words(right.text) & content_words(item.property)
        assert item.process in right.text and item.entity.lower() in right.text.lower()


def test_a_pool_has_six_windows_of_60_to_150_words(items):
    for item in items:
        assert len({p.pid for p in item.passages}) == 6
        assert all(60 <= len(p.text.split()) <= 150 for p in item.passages)


def test_three_windows_are_about_the_claim_one_about_the_process_and_one_about_neither(items):
    for item in items:
        about = [
            (item.entity.lower() in p.text.lower(), item.property in p.text, item.process in p.text)
            for p in item.passages
        ]
        assert sorted(about) == [
            (False, False, False),
            (False, False, True),
            (True, False, True),
            (True, True, False),
            (True, True, False),
            (True, True, False),
        ]


def test_train_and_test_share_no_entity_and_no_pair_of_process_and_property(items):
    train, test = ([i for i in items if i.split == side] for side in ("train", "test"))
    assert (len(train), len(test)) == (400, 100)
    for key in (
        lambda i: i.entity,
        lambda i: (i.process, i.property),
        lambda i: i.relevant[0],
    ):
        assert not {key(item) for item in train} & {key(item) for item in test}
    windows = [{p.pid for item in side for p in item.passages} for side in (train, test)]
    assert not windows[0] & windows[1]


def test_half_of_the_claims_are_supported(items):
    assert sum(item.label == "Supported" for item in items) == 250
    assert len({item.claim for item in items}) == 500


def test_there_are_five_domains_of_twelve_processes_and_forty_entities():
    domains = load_domains()
    assert len(domains) >= 5
    for domain in domains:
        assert len({process.name for process in domain.processes}) >= 12
        assert len(set(domain.entities)) >= 40
    names = [process.name for domain in domains for process in domain.processes]
    assert len(set(names)) == len(names)


def test_words_lead_away_from_the_answer(items):
    """BM25 with the query finds the right window first in fewer than half of the pools."""
    hits = 0
    for item in items:
        found, _ = BM25(item.passages).search([word_query(item)], 1)
        hits += item.passages[found[0, 0]].pid in item.relevant
    assert hits / len(items) < 0.5


def test_whoever_knows_the_process_finds_it_half_of_the_time_and_always_among_two(items):
    hits = 0
    for item in items:
        ranked = sorted(item.passages, key=lambda p: item.process not in p.text)
        assert item.relevant[0] in {p.pid for p in ranked[:2]}
        hits += ranked[0].pid in item.relevant
    assert hits / len(items) >= 0.5


def test_more_items_than_the_world_has_are_refused():
    with pytest.raises(UserError, match="different train claims, not"):
        synth(9000)
    with pytest.raises(UserError, match="1 or more"):
        synth(0)
