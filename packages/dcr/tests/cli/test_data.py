import pytest
from tenpapers.testing import command, fails, read_rows, write_rows

GOLD = [{"span": "red", "start": 8, "end": 11, "label": ["Unwanted"], "note": "no"}]
FAITHBENCH = [
    {"id": "a", "source": "Tea is hot.", "summary": " Tea is red.", "annotations": GOLD},
    {
        "id": "b",
        "source": "Then Ann Li met Cid in Rome.",
        "summary": "So then Ann Li met Cid.",
        "annotations": [],
    },
]


@pytest.fixture
def file(tmp_path):
    return write_rows(tmp_path / "faithbench.jsonl.gz", FAITHBENCH)


def test_published_files_become_instances_and_those_controlled_errors(tmp_path, file, capsys):
    command(
        "dcr", "data", "prepare", "faithbench", "--src", file, "--out", tmp_path / "p", "--json"
    )
    assert '"with_errors": 1' in capsys.readouterr().out
    first, _ = read_rows(tmp_path / "p" / "instances.jsonl")
    assert (first["document"], first["response"]) == ("Tea is hot.", " Tea is red.")
    assert first["gold"][0]["span"] == "red"

    prepared = tmp_path / "p" / "instances.jsonl"
    command("dcr", "data", "perturb", prepared, "--out", tmp_path / "c", "--with-clean")
    wrong, right = read_rows(tmp_path / "c" / "instances.jsonl")
    assert wrong["original"] == right["response"] == "So then Ann Li met Cid."
    assert (
        wrong["response"].replace(wrong["gold"][0]["span"], wrong["gold"][0]["fix"])
        == (wrong["original"])
    )
    assert right["gold"] == []


def test_tofueval_without_its_documents_is_told(tmp_path, file):
    fails(
        "dcr",
        "data",
        "prepare",
        "tofueval",
        "--src",
        file,
        "--out",
        tmp_path / "p",
        told=["its files have no documents", "--documents FILE"],
    )


def test_a_file_in_which_nothing_can_be_changed_is_told(tmp_path):
    plain = write_rows(tmp_path / "in.jsonl", [{"document": "tea", "response": "tea is hot."}])
    fails("dcr", "data", "perturb", plain, "--out", tmp_path / "c", told=["no sentence with"])


def test_the_small_detector_is_trained_and_used_by_its_file(tmp_path, data, capsys):
    file = data / "qmsum_excerpts.jsonl.gz"
    command("dcr", "data", "prepare", "qmsum", "--src", file, "--out", tmp_path / "q")
    prepared = tmp_path / "q" / "instances.jsonl"
    command("dcr", "data", "perturb", prepared, "--copied", 3, "--out", tmp_path / "c")
    controlled = tmp_path / "c" / "instances.jsonl"
    weights = tmp_path / "w.json"
    command("dcr", "train-lexical", controlled, "--out", weights, "--rows", "all")
    out = tmp_path / "d"
    command(
        "dcr", "detect", prepared, "--detector", f"lexical:{weights}", "--out", out, "--limit", 3
    )
    ours = read_rows(out / "detected.jsonl")
    command(
        "dcr", "detect", prepared, "--detector", "lexical", "--out", tmp_path / "s", "--limit", 3
    )
    shipped = read_rows(tmp_path / "s" / "detected.jsonl")
    for one, other in zip(ours, shipped, strict=True):
        assert one["support_prob"] == pytest.approx(other["support_prob"], abs=1e-6)
