from dcr.records import Critique
from dcr.refine.feedback import feedback_of


def critique(number, raw, **more):
    return Critique(sentence_idx=number, sentence="s", raw=raw, verdict="unparsed", **more)


def test_critiques_stand_numbered_a_line_each_in_the_order_of_their_sentences():
    said = [critique(4, "Second,\n  it is so.</s>"), critique(1, "First."), critique(6, "No error")]
    assert feedback_of(said) == "1. First.\n2. Second, it is so.\n3. No error"


def test_what_a_critic_declined_to_say_is_no_feedback():
    said = [
        critique(0, "I cannot.", finish_reason="refused"),
        critique(1, "", finish_reason="stop"),
        critique(2, "Cut but", finish_reason="length"),
    ]
    assert feedback_of(said) == "1. Cut but"
    assert feedback_of(said[:1]) == ""
