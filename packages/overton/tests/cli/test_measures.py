import json

import pytest
from tenpapers.testing import command, fails, write_rows

from ..conftest import YES_AND_NO

BASE = [
    {"outputs": ["red car", "blue bus", "```"]},
    {"outputs": ["old tree", {"error": "busy"}, ""]},
]
ALIGNED = [{"outputs": ["red car, blue bus", "red car"]}, {"outputs": ["old green tree", "tree"]}]


@pytest.fixture
def files(tmp_path):
    return [
        write_rows(tmp_path / "base.jsonl.gz", BASE),
        write_rows(tmp_path / "aligned.jsonl", ALIGNED),
    ]


def printed(capsys, *words):
    command("overton", *words, "--json")
    return json.loads(capsys.readouterr().out)


def test_diversity_is_one_object(files, capsys):
    found = printed(capsys, "diversity", *files)
    keys = ["questions", "errors", "empty", "words", "content_types", "union_types", "jaccard"]
    assert set(found) == {"base", "aligned"}
    assert set(found["base"]) == {*keys, "jaccard_all_words", "distinct1", "distinct2"}
    assert [found["base"][key] for key in keys[:3]] == [2, 1, 2]


def test_coverage_is_one_object(files, capsys):
    found = printed(capsys, "coverage", "--aligned", files[1], "--base", files[0])
    assert found["each"] == 1.0 and found["words_in_ge1"] == [1.0, 2]
    assert found["ref_types"] == 3.5 and found["union_sizes"][0] == 2.0
    assert set(found) == {
        "each",
        "words_in_ge1",
        "words_in_ge2",
        "words_in_ge3",
        "union_sizes",
        "ref_types",
        "sample_equivalents",
    }


def test_similarity_has_the_ceiling_and_the_gap(files, capsys):
    words = ["similarity", "--reference", files[1], *files, "--metric", "jaccard"]
    found = printed(capsys, *words)
    assert found["aligned"] == {
        "pairs": 2,
        "jaccard": pytest.approx((2 / 4 + 1 / 3) / 2),
        "jaccard_max": pytest.approx((2 / 4 + 1 / 3) / 2),
    }
    assert found["base"]["pairs"] == 5
    found = printed(capsys, *words, "--base", files[0])
    assert (found["base"]["jaccard_gap_closed"], found["aligned"]["jaccard_gap_closed"]) == (0, 1)


def test_pluralism_counts_and_tells_what_it_could_not_read(tmp_path, capsys):
    rows = [
        {"metadata": {"instance_id": 0, "sample_index": n}, "outputs": [text]}
        for n, text in enumerate(('{"stance": "yes"}', '{"stance": "no"}', '{"stance": "'))
    ]
    file = write_rows(tmp_path / "base.jsonl", rows)
    assert printed(capsys, "pluralism", file)["base"] == YES_AND_NO
    command("overton", "pluralism", file, "--out", tmp_path / "run")
    assert "base: 1 bad_json" in capsys.readouterr().out
    assert (tmp_path / "run" / "stances.png").exists()


def test_another_judges_verdicts_are_refused(tmp_path):
    rows = [{"metadata": {"instance_id": 0}, "outputs": ['{"score": 2}']}]
    file = write_rows(tmp_path / "m.jsonl", rows)
    fails("overton", "pluralism", file, told=["no verdict of the stance judge"])


def test_a_reference_of_one_sample_has_no_ceiling(tmp_path):
    greedy = write_rows(tmp_path / "greedy.jsonl", [{"outputs": ["red car"]}])
    fails("overton", "similarity", "--reference", greedy, greedy, told=["no ceiling is possible"])


def test_questions_that_differ_are_told_with_both_counts(files, tmp_path):
    short = write_rows(tmp_path / "short.jsonl", BASE[:1])
    fails("overton", "coverage", "--aligned", files[1], "--base", short, told=["1 questions", "2"])


def test_a_seed_below_zero_is_refused(files):
    words = ["similarity", "--reference", files[1], files[0], "--seed", -1]
    fails("overton", *words, told=["--seed", "greater than or equal to 0"])


def test_a_folder_that_is_not_ours_is_left_alone(files, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.json").write_text("mine")
    fails("overton", "diversity", *files, "--out", tmp_path / "run", told=["was not made by"])
    assert (tmp_path / "run" / "results.json").read_text() == "mine"


def test_responses_in_other_letters_are_counted(tmp_path, capsys):
    """Nothing of a Russian answer is read, and German words are cut; café alone is no matter."""
    texts = ["Да, вредно.", "Ja, schädlich.", "A café of " + "many " * 30, "Yes, it is."]
    mine = write_rows(tmp_path / "mine.jsonl", [{"outputs": texts}])
    other = write_rows(tmp_path / "other.jsonl", [{"outputs": ["Yes.", "No."]}])
    assert printed(capsys, "diversity", other, mine)["mine"]["other_letters"] == 2
    pair = ["--aligned", other, "--base", mine]
    assert printed(capsys, "coverage", *pair)["other_letters"] == {"mine": 2}
    words = ["similarity", "--reference", other, mine]
    assert printed(capsys, *words)["mine"]["other_letters"] == 2
    command("overton", *words)
    assert "one such word in 20: mine 2." in capsys.readouterr().out


def test_diversity_says_which_model_has_one_response_a_question(files, tmp_path, capsys):
    rows = [{"custom_id": f"q0-{n}", "text": "red"} for n in (0, 1)]
    command("overton", "diversity", files[1], write_rows(tmp_path / "batch.jsonl", rows))
    assert "so no diversity: batch. Samples of one question are rows" in capsys.readouterr().out
