from dcr.critique.critic import requests_of
from dcr.critique.language_model import LanguageModel
from dcr.critique.model_critic import ModelCritic
from dcr.critique.occlusion import Occlusion
from dcr.critique.stage import Counted, critiqued_rows
from tenpapers.testing import write_rows

from ..by_hand import SharedWords, detected


def test_flagged_sentences_alone_are_criticised_or_all_of_them():
    row = detected("He sat in Rome. Ann ran home. Bo sat in Oslo.", [0, 1, 0])
    assert [one.sentence_idx for one in requests_of(row)] == [0, 2]
    assert [one.sentence_idx for one in requests_of(row, all_sentences=True)] == [0, 1, 2]
    made = {
        recipe: list(
            critiqued_rows([row], Occlusion(SharedWords()), Counted(), all_sentences=every)
        )
        for recipe, every in (("dcr", False), ("feed_refine", True))
    }
    assert [len(made[recipe][0].critiques) for recipe in made] == [2, 3]
    assert [made[recipe][0].recipe for recipe in made] == ["dcr", "feed_refine"]
    assert made["dcr"][0].calls == 0


def test_a_response_without_a_critique_of_each_sentence_has_no_row(tmp_path):
    rows = [
        detected("Ann ran. Bo sat.", [0, 0], id="whole"),
        detected("Ann ran. Bo sat.", [0, 0], id="half"),
        detected("Ann ran.", [1], id="right"),
        detected("Ann ran.", [], id="lost", support_prob=[], error="busy", response_ok=False),
    ]
    said = [
        {"id": f"{name}|critique|{n}", "text": "no error"}
        for name, n in (("whole", 0), ("whole", 1), ("half", 0))
    ]
    model = LanguageModel.open(f"replay:{write_rows(tmp_path / 'said.jsonl', said)}")
    counted = Counted()
    made = {row.id: row for row in critiqued_rows(rows, ModelCritic(model), counted)}
    assert {name: (len(row.critiques), row.calls) for name, row in made.items()} == {
        "whole": (2, 2),
        "right": (0, 0),
    }
    assert counted.failed == {"half": "critic: error: not recorded"}
    assert counted.undetected == {"lost": "detector: busy"}
    assert made["whole"].critic == model.name


def test_a_critic_of_whole_responses_is_asked_once(tmp_path):
    row = detected("Ann ran. Bo sat.", [0, 0])
    said = write_rows(tmp_path / "said.jsonl", [{"id": "a|critique|-1", "text": "Bo stood."}])
    critic = ModelCritic(LanguageModel.open(f"replay:{said}"), kind="shepherd")
    (made,) = critiqued_rows([row], critic, Counted())
    assert [(one.sentence_idx, one.sentence, one.raw) for one in made.critiques] == [
        (-1, "Ann ran. Bo sat.", "Bo stood.")
    ]
