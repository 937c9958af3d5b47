import numpy as np
import pytest
from tenpapers.testing import command, fails, read_rows, write_rows


def test_prompts_are_embedded_and_their_neighbours_found(tmp_path):
    rows = [
        {"id": name, "prompt": text}
        for name, text in (("a", "a red car"), ("b", "deep blue sea"), ("c", "a red bus"))
    ]
    file = write_rows(tmp_path / "prompts.jsonl", rows)
    command("overton", "embed", file, "--out", tmp_path / "emb.npz", "--no-cache")
    with np.load(tmp_path / "emb.npz") as arrays:
        assert arrays["embeddings"].shape == (3, 384)
        assert arrays["ids"].tolist() == ["a", "b", "c"]
    out = tmp_path / "n.jsonl"
    command("overton", "neighbours", tmp_path / "emb.npz", "-k", "1", "--out", out)
    found = {row["id"]: row["neighbours"] for row in read_rows(out)}
    assert (found["a"], found["c"]) == (["c"], ["a"])


def test_vectors_without_ids_are_known_by_their_rows(tmp_path):
    np.savez(tmp_path / "emb.npz", embeddings=np.array([[1.0, 0], [0, 1], [1, 1]]))
    command("overton", "neighbours", tmp_path / "emb.npz", "-k", "2", "--out", tmp_path / "n.jsonl")
    assert read_rows(tmp_path / "n.jsonl") == [
        {"id": 0, "neighbours": [2, 1]},
        {"id": 1, "neighbours": [2, 0]},
        {"id": 2, "neighbours": [0, 1]},
    ]


@pytest.mark.parametrize(
    ("content", "told"), [(b"no archive", "no file of vectors"), (None, "no such file")]
)
def test_a_file_that_is_none_is_one_line(content, told, tmp_path):
    file = tmp_path / "emb.npz"
    if content is not None:
        file.write_bytes(content)
    fails("overton", "neighbours", file, "--out", tmp_path / "n.jsonl", told=[told])


def test_one_array_alone_is_one_line(tmp_path):
    np.save(tmp_path / "emb.npy", np.eye(3))
    words = [tmp_path / "emb.npy", "-k", 1, "--out", tmp_path / "n.jsonl"]
    fails("overton", "neighbours", *words, told=["an .npz with `embeddings` is wanted"])


@pytest.mark.parametrize("array", [np.float32(3), np.array([["a"]]), np.eye(2) * 1j])
def test_what_is_no_rows_of_numbers_is_one_line(array, tmp_path):
    np.savez(tmp_path / "emb.npz", embeddings=array)
    words = [tmp_path / "emb.npz", "-k", 1, "--out", tmp_path / "n.jsonl"]
    fails("overton", "neighbours", *words, told=["rows of numbers are wanted"])


def test_vectors_that_are_no_directions_and_too_many_neighbours_are_one_line(tmp_path):
    np.savez(tmp_path / "emb.npz", embeddings=[[1, 0], [0, 0], [np.nan, 1]])
    words = ["neighbours", tmp_path / "emb.npz", "--out", tmp_path / "n.jsonl", "-k"]
    fails("overton", *words, 2, told=["rows 1, 2 are zero or no numbers"])
    fails("overton", *words, 3, told=["-k 3: of 3 texts each has 2 neighbours"])
