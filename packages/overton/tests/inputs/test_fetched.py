import io
import json

import numpy as np
import pytest
from overton.inputs.fetched import import_official, make
from overton.inputs.overview import overview
from overton.recovery.prompts import Demo, render_prompt
from tenpapers.errors import UserError
from tenpapers.paper import load_paper
from tenpapers.testing import fetched, read_rows
from tenpapers.testing.rows import content_of

ASKED = ["Tea?", "Milk?"]


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def chat(text):
    """An output of the chat API, with the fields that say nothing."""
    message = {"content": text, "role": "assistant", "function_call": None, "tool_calls": None}
    return {"finish_reason": "stop", "index": 0, "logprobs": None, "message": message}


def published_form(name, path, queries):
    """What was published, and the rows that it makes, of any of our files."""
    count = len(queries)
    room = name.split("/")[1]
    ids = [{"metadata": {"instance_id": n}} for n in range(count)]
    if path.endswith("instances/data.jsonl"):
        rows = [{"messages": [{"role": "user", "content": query}]} for query in queries]
        return lines(*rows), [one | row for one, row in zip(ids, rows, strict=True)]
    if path.endswith(".npz"):
        stream = io.BytesIO()
        np.savez(stream, embeddings=np.eye(2), texts=np.array(queries))
        return stream.getvalue(), None
    pairs = {
        "ref_model": "r",
        "alt_model": "a",
        "instance_ids": [0, 0, 1, 1],
        "ref_sample_ids": [0] * 4,
        "alt_sample_ids": [0, 1, 0, 1],
        "alt_texts": ["a", "b", "c", "d"],
    }
    if room == "bertscore":
        scores = {name: [0.12345678912] * 4 for name in ("precision", "recall", "f1")}
        rows = [
            {
                "metadata": {
                    "instance_id": n // 2,
                    "ref_sample_index": 0,
                    "alt_sample_index": n % 2,
                },
                **dict.fromkeys(scores, 0.1234568),
            }
            for n in range(4)
        ]
        return json.dumps(pairs | {"results": scores}).encode(), rows
    if path.endswith(".json"):
        texts = [["a", "b"], ["c", "d"]]
        outputs = [{"outputs": [{"generated_text": text} for text in some]} for some in texts]
        return json.dumps(pairs).encode(), [a | b for a, b in zip(ids, outputs, strict=True)]
    if "/eval-" in path or "/extract-" in path:
        return verdicts(name, room, count)
    shown = any(part in name for part in ("-rand", "-knn-", "-5nn-"))
    given = [
        {
            "prompt": render_prompt("icl", query, [Demo(queries[1 - n], "x\n# Query:\ny")]),
            "outputs": [{"generated_text": "a\n```"}, {"error": "long", "error_type": "v"}],
        }
        for n, query in enumerate(queries)
    ]
    rows = [
        {
            "metadata": {"instance_id": n} | ({"shot_ids": [1 - n]} if shown else {}),
            "outputs": row["outputs"],
        }
        for n, row in enumerate(given)
    ]
    return lines(*given), rows


def verdicts(name, room, count):
    scores = {
        aspect: {"reason": "x", "score": "N/A" if aspect == "depth" else "4"}
        for aspect in ("helpfulness", "clarity", "factuality", "depth", "engagement")
    }
    said = json.dumps({"stance": "both"} if room == "eval-stance" else scores)
    given = [{"ok": True, "outputs": [chat(said)]} for _ in range(2 * count)]
    kept = {"finish_reason": "stop", "index": 0}
    kept["message"] = {"content": said, "role": "assistant"}
    rows = []
    for n in range(2 * count):
        metadata = {"instance_id": n // 2}
        if room in ("eval-missing", "extract-topics"):
            metadata |= {"ref_sample_index": 0, "alt_sample_index": n % 2}
        else:
            metadata |= {"sample_index": n % 2}
        row = {"metadata": metadata, "ok": True}
        if ".parsed" not in name:
            row["outputs"] = [kept]
        elif room == "eval-stance":
            row["stance"] = "both"
        else:
            row["scores"] = {aspect: given["score"] for aspect, given in scores.items()}
        rows.append(row)
    return lines(*given), rows


def all_forms():
    """Every published file in small, and what ours are then: by path, and by name."""
    paths, ours = {}, {}
    for home in load_paper("overton").data:
        for file in home.files:
            for name in file.makes:
                queries = [f"{name.split('/')[0]} {query}" for query in ASKED]
                paths[file.path], ours[name] = published_form(name, file.path, queries)
    return home.commit[:7], paths, ours


def test_the_published_files_make_ours(tmp_path):
    commit, paths, ours = all_forms()
    files = {f"{commit}/{path}": content for path, content in paths.items()}
    found = fetched("overton", make, files, tmp_path)
    vectors = ours.pop("LIMA-OE/embeddings/prompt_similar.npz")
    assert vectors is None and found.pop("LIMA-OE/embeddings/prompt_similar.npz")
    assert found == ours and len(ours) == 112
    with np.load(tmp_path / "data" / "LIMA-OE" / "embeddings" / "prompt_similar.npz") as stored:
        assert stored["embeddings"].dtype == np.float32 and list(stored) == ["embeddings"]


@pytest.fixture
def clone(tmp_path):
    """A clone of the paper's repository, in small."""
    _, paths, ours = all_forms()
    for path, content in paths.items():
        file = tmp_path / "clone" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "clone", ours


def imported(folder, out):
    def place(name):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        return out / name

    return import_official(folder, place)


def test_what_a_clone_lacks_is_listed_and_the_rest_is_imported(clone, tmp_path):
    folder, ours = clone
    lost = "data/LIMA-OE/outputs/zephyr/samples.jsonl"
    (folder / lost).unlink()
    elsewhere = "data/LIMA-OE/outputs/mistral/samples.jsonl"
    (folder / elsewhere).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    found = imported(folder, tmp_path / "out")
    assert (found.missing, found.pointers) == ((lost,), (elsewhere,))
    assert len(found.written) == 111
    name = "ConflictingQA/eval-stance/llama-2-chat.parsed.jsonl.gz"
    assert content_of(tmp_path / "out" / name) == ours[name]
    seen = overview(tmp_path / "out", found.written)
    assert {name: own["questions"] for name, own in seen.items()} == {
        "LIMA-OE": 2,
        "ConflictingQA": 2,
    }
    assert seen["LIMA-OE"]["runs"] == 32


def test_files_of_ours_are_taken_as_they_are(clone, tmp_path):
    imported(clone[0], tmp_path / "once")
    found = imported(tmp_path / "once", tmp_path / "twice")
    assert len(found.written) == 113 and not found.missing
    for name in found.written:
        assert content_of(tmp_path / "twice" / name) == content_of(tmp_path / "once" / name)


def test_a_folder_without_any_of_it_is_refused(tmp_path):
    with pytest.raises(UserError, match="nothing of the paper's data in it; wanted: a clone"):
        imported(tmp_path, tmp_path / "out")


def test_verdicts_that_are_not_as_many_for_each_question_are_refused(clone, tmp_path):
    folder, _ = clone
    file = folder / "data/LIMA-OE/eval-missing/outputs/ref_llama-2-chat--alt_llama-2-base"
    (file / "samples.jsonl").write_bytes(lines({"ok": True, "outputs": []}))
    with pytest.raises(UserError, match="1 verdicts on 2 questions"):
        imported(folder, tmp_path / "out")


@pytest.mark.acceptance
def test_the_data_at_hand_are_what_the_paper_published_in_part(data, tmp_path):
    found = imported(data, tmp_path / "out")
    seen = overview(tmp_path / "out", found.written)
    assert not found.missing
    assert (seen["LIMA-OE"]["questions"], seen["LIMA-OE"]["runs"]) == (35, 34)
    assert (seen["ConflictingQA"]["questions"], seen["ConflictingQA"]["runs"]) == (325, 7)
    assert seen["LIMA-OE"]["failed_samples"] == {
        "llama-2-icl-chat-5nn-prompt_similar": 170,
        "llama-2-icl-chat-knn-response_similar": 10,
    }
    rows = read_rows(tmp_path / "out/LIMA-OE/outputs/llama-2-icl-chat-5nn-prompt_similar.jsonl.gz")
    usable = [any("error" not in output for output in row["outputs"]) for row in rows]
    assert sum(usable) == 1
