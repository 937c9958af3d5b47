import pytest
from tenpapers.generation import Completion, Sampling
from tenpapers.generation.answers import read_ending, settle, split_thought


@pytest.mark.parametrize(
    ("words", "reason", "error"),
    [
        ("stop", "stop", ""),
        (None, "stop", ""),
        ("eos_token", "stop", ""),
        ("end_turn", "stop", ""),
        ("length", "length", ""),
        ("model_length", "length", ""),
        ("MAX_TOKENS", "length", ""),
        ("refusal", "refused", ""),
        ("content_filter", "filtered", ""),
        ("SAFETY", "filtered", ""),
        ("error", "error", "error"),
        ("abort", "error", "abort"),
        ("tool_calls", "error", "tool_calls"),
        ("MALFORMED_FUNCTION_CALL", "error", "MALFORMED_FUNCTION_CALL"),
    ],
)
def test_how_an_answer_ended_is_one_of_five_and_unknown_words_are_kept(words, reason, error):
    assert read_ending(words) == (reason, error)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>\n2 + 2 is 4.\n</think>\n\nIt is 4.", "2 + 2 is 4.", "It is 4."),
        (" <think>a</think><think>b</think> c", "a\n\nb", "c"),
        ("[THINK]a[/THINK]b", "a", "b"),
        ("<think></think>\n\nno thought", "", "no thought"),
        ("<think>cut off in the midd", "cut off in the midd", ""),
        ("the prompt opened it</think>\nSo: B", "the prompt opened it", "So: B"),
        ("the tag <think> opens, </think> closes", "", "the tag <think> opens, </think> closes"),
        (" \nplain text ", "", " \nplain text "),
        ("", "", ""),
    ],
)
def test_a_thought_is_split_off_the_head_of_a_text(text, reasoning, answer):
    assert split_thought(text) == (reasoning, answer)


def answered(text, reason="stop", **fields):
    return Completion(id="a", text=text, finish_reason=reason, **fields)


@pytest.mark.parametrize(
    ("said", "sampling", "settled"),
    [
        # Stops are searched in what is visible, never in the thought.
        (
            answered("<think>A\nB</think>\n\nC\nD", "length"),
            Sampling(stop=("\n",)),
            answered("C", reasoning="A\nB"),
        ),
        # A truncated thought is an empty answer.
        (answered("<think>A", "length"), Sampling(), answered("", "length", reasoning="A")),
        (
            answered("<think>b</think>c", reasoning="a"),
            Sampling(),
            answered("c", reasoning="a\n\nb"),
        ),
        (
            answered("half", "error", error="abort"),
            Sampling(),
            answered("", "error", error="abort"),
        ),
    ],
)
def test_an_answer_is_settled_before_anyone_grades_it(said, sampling, settled):
    assert settle(said, sampling) == settled


def test_half_a_surrogate_is_replaced_and_a_pair_is_joined():
    assert answered("a\ud800b").text == "a\ufffdb"
    assert answered("\ud83d\ude00").text == "\U0001f600"
    assert answered("", "error", error="\udc00").error == "\ufffd"
    assert Completion.model_validate_json(answered("\ud800").model_dump_json()).text == "\ufffd"
