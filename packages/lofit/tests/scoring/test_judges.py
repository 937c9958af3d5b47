from lofit.scoring.judges import verdict


class AlwaysYes:
    def score(self, question, answer):
        return 0.5 if answer == "maybe" else 0.4


def test_an_empty_answer_is_true_and_not_informative():
    judge = AlwaysYes()
    assert verdict(judge, "q", "  ", "true") == 1 and verdict(judge, "q", "", "informative") == 0
    assert verdict(judge, "q", "maybe", "true") == 1 and verdict(judge, "q", "no", "true") == 0
