from collections import Counter

import numpy as np
import pytest
from overton.embedding.embedded_files import text_hash
from overton.recovery.choose import draw_others, nearest_others, vectors_of
from tenpapers.errors import UserError
from tenpapers.testing import read_rows

# Angles in degrees: 0 and 10 are near, 48 is nearer to 90 than to 0.
CIRCLE = np.array([[np.cos(a), np.sin(a)] for a in np.radians([0, 10, 48, 90])])


def test_the_nearest_stands_first_and_nobody_is_his_own_example():
    found = nearest_others(CIRCLE, 2, answered=range(4))
    assert found == [[1, 2], [0, 2], [1, 3], [2, 1]]


def test_queries_without_an_answer_are_nobodys_example():
    found = nearest_others(CIRCLE, 2, answered=[0, 2, 3])
    assert found == [[2, 3], [0, 2], [3, 0], [2, 0]]


def test_a_draw_depends_on_the_query_and_not_on_the_order_of_the_file():
    ids = list(range(20))
    drawn = draw_others(ids, 3, seed=0, answered=range(20))
    assert drawn == draw_others(ids, 3, seed=0, answered=range(20))
    assert drawn != draw_others(ids, 3, seed=1, answered=range(20))
    assert all(len({place, *others}) == 4 for place, others in enumerate(drawn))
    counts = Counter(
        other
        for seed in range(200)
        for other in draw_others([5], 3, seed=seed, answered=range(4))[0]
    )
    assert set(counts) == {1, 2, 3}
    alone = draw_others(["b", "a"], 1, seed=0, answered=range(2))
    assert alone == [[1], [0]]


@pytest.mark.parametrize("k", [0, 3])
def test_too_many_examples_are_refused(k):
    with pytest.raises(UserError, match=f"-k {k}: there are 2 other queries with an answer"):
        nearest_others(CIRCLE[:3], k, answered=range(3))
    with pytest.raises(UserError, match=f"-k {k}: there are 2 other queries with an answer"):
        draw_others([0, 1, 2], k, seed=0, answered=range(3))


def test_vectors_are_found_by_id_or_by_row(tmp_path):
    np.savez(tmp_path / "rows.npz", embeddings=CIRCLE)
    assert vectors_of(tmp_path / "rows.npz", [2, 0]).tolist() == CIRCLE[[2, 0]].tolist()
    np.savez(tmp_path / "named.npz", embeddings=CIRCLE, ids=np.array(["a", "b", "c", "d"]))
    found = vectors_of(tmp_path / "named.npz", ["c", "a"])
    assert found.tolist() == CIRCLE[[2, 0]].tolist()
    with pytest.raises(UserError, match=r"rows.npz: no vector of instance 4"):
        vectors_of(tmp_path / "rows.npz", [0, 4])
    np.savez(tmp_path / "other.npz", vectors=CIRCLE)
    for name, told in (("other.npz", "no array `embeddings` in it"), ("none.npz", "no such file")):
        with pytest.raises(UserError, match=told):
            vectors_of(tmp_path / name, [0])


def test_vectors_of_another_text_are_refused(tmp_path):
    """A prompt was changed, or stands in another place, since they were made."""
    hashes = [text_hash(text) for text in ("Tea?", "Milk?")]
    np.savez(tmp_path / "v.npz", embeddings=CIRCLE[:2], ids=np.arange(2), sha256=np.array(hashes))
    assert len(vectors_of(tmp_path / "v.npz", [1, 0], ["Milk?", None])) == 2
    with pytest.raises(UserError, match=r"v.npz: its vector of instance 1 is of another text"):
        vectors_of(tmp_path / "v.npz", [0, 1], ["Tea?", "Sugar?"])


@pytest.mark.acceptance
def test_the_published_prompts_show_the_neighbours_that_are_chosen_here(data):
    """The three nearest, and the five, of every query, in their order."""
    place = data / "LIMA-OE"
    vectors = vectors_of(place / "embeddings" / "prompt_similar.npz", range(50))
    files = sorted((place / "outputs").glob("*nn-prompt_similar.jsonl.gz"))
    assert len(files) == 4
    for file in files:
        k = 5 if "5nn" in file.name else 3
        chosen = nearest_others(vectors, k, answered=range(50))
        for row in read_rows(file):
            told = row["metadata"]
            assert chosen[told["instance_id"]] == told["shot_ids"], file.name
