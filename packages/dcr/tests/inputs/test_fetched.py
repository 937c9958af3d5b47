import json

from dcr.inputs.fetched import make
from tenpapers.paper import load_paper
from tenpapers.testing import fetched

from .test_faithbench import PUBLISHED
from .test_qmsum import MEETING


def content(path):
    """What a file of that name holds, as it was published."""
    if path.endswith(".csv"):
        return path.encode()
    published = MEETING if path.endswith(".jsonl") else {"samples": [PUBLISHED]}
    return json.dumps(published).encode()


def test_our_data_files_come_from_the_published_ones(tmp_path):
    names = {
        f"{home.commit[:7]}/{file.path}": file.path
        for home in load_paper("dcr").data
        for file in home.files
        if file.makes
    }
    files = {name: content(path) for name, path in names.items()}
    found = fetched("dcr", make, files, tmp_path)
    batches = [1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 14, 16]
    assert [row["id"] for row in found["faithbench.jsonl.gz"]] == [f"b{n}_4" for n in batches]
    (gold,) = found["faithbench.jsonl.gz"][0]["annotations"]
    assert gold == {
        "annotator": "Ann",
        "label": ["Unwanted"],
        "note": "no colour",
        "span": "red",
        "start": 8,
        "end": 11,
        "source_span": None,
        "source_start": None,
        "source_end": None,
    }
    (excerpt,) = found["qmsum_excerpts.jsonl.gz"]
    assert list(excerpt) == ["id", "topic", "document", "reference_summary", "n_words"]
    dev = found["tofueval_mediasum_dev.csv.gz"]
    assert dev == b"factual_consistency/mediasum_factual_eval_dev.csv"
