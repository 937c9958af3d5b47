import pytest
from tocot.solvers.logic_signs import from_signs
from tocot.solvers.python_syntax import from_python
from tocot.solvers.vocabulary import FormulaError, Vocabulary


def test_precedence_of_signs():
    words = Vocabulary(propositional=False)
    assert str(from_signs("¬P(a) ∧ Q(a) → R(a)", words)) == str(
        from_signs("((¬P(a)) ∧ Q(a)) → R(a)", words)
    )
    assert str(from_signs("P(a) → Q(a) → R(a)", words)) == str(
        from_signs("P(a) → (Q(a) → R(a))", words)
    )
    for wrong in ("P(a", "P(a))", "∀ (P(a))", "a", "P(a) &", ""):
        with pytest.raises(FormulaError):
            from_signs(wrong, words)


DEEP = ["(" * 300 + "a" + ")" * 300, "Not(" * 150 + "a" + ")" * 150]


@pytest.mark.parametrize("text", ["a + b", "(lambda: 1)()", "a.b", "And()", "[1]", "f(", *DEEP])
def test_no_text_is_executed(text):
    with pytest.raises(FormulaError):
        from_python(text, Vocabulary(propositional=True))
