import pytest
from tenpapers.testing import read_rows
from tocot.solvers.logic import solve_bool, solve_fol

from ..conftest import body


def test_contexthub_formulas_by_hand():
    facts = "aaa is True.\naab is False.\n(aaa or aab) -> aac.\n"
    assert solve_bool(facts + "Deduce the result of aac.").value == "True"
    assert solve_bool("aaa is False.\n(aaa) -> aab.\nDeduce the result of aab.").value == "N/A"
    abduced = "(aaa or aab) -> aac.\nGiven aac is False, what is the value of aab?."
    assert solve_bool(abduced).value == "False"
    assert (
        solve_bool("(NOT aaa) -> aab.\nGiven aab is False, what is the value of aaa?").value
        == "True"
    )
    assert "contradiction" in solve_bool("a is True.\na is False.\nDeduce the result of b.").error
    assert "neither a fact" in solve_bool("Hello.").error and "no question" in solve_bool("").error


def test_plans_of_formulas():
    plan = body("rained", "Implies(Or(rained, hose), wet)", "return wet")
    assert solve_bool(plan).value == "True"
    assert solve_bool(body("not a or b", "a", "return b")).value == "True"
    assert solve_bool(body("a == b", "b = False", "return a")).status in ("ok", "error")
    fol = body("ForAll([x], Implies(Cat(x), Purrs(x)))", "Cat(tom)", "return Purrs(tom)")
    assert solve_fol(fol).value == "True"
    refuted = fol.replace("return Purrs(tom)", "return Not(Purrs(tom))")
    assert solve_fol(refuted).value == "False"
    assert solve_fol(body("Bird(kiki)", "return Sings(kiki)")).value == "Unknown"
    # A call is the name of a predicate, whatever it is called; nothing is run.
    assert solve_fol(body("return __import__('os')")).value == "Unknown"


def test_first_order_signs():
    given = {"premises": ["∀x (Cat(x) → Purrs(x))", "Cat(tom)"], "conclusion": "Purrs(tom)"}
    assert solve_fol(given).value == "True"
    assert solve_fol(given | {"conclusion": "¬Purrs(tom)"}).value == "False"
    assert solve_fol(given | {"conclusion": "∀x Purrs(x)"}).value == "Unknown"
    assert solve_fol(given | {"conclusion": "∀x Purrs(x)"}, "closed").value == "True"
    assert solve_fol(given | {"conclusion": "(Purrs(tom)"}).status == "error"
    assert solve_fol({"premises": "x"}).error.startswith("a first-order plan has")
    assert solve_fol({"premises": ["P(a) ∧ ¬P(a)"], "conclusion": "P(b)"}).error.startswith(
        "contra"
    )
    assert solve_fol({"premises": ["∀x ∀y (x = y)", "P(a)"], "conclusion": "P(b)"}).value == "True"


@pytest.mark.parametrize(
    ("premises", "conclusion"),
    [
        (["∀x,y (Likes(x,y) => Likes(y,x))", "Likes(a,b)"], "Likes(b,a)"),
        (["∀x (Cat(x) & ~Dog(x) | Bird(x) -> Purrs(x))", "Bird(tom)"], "Purrs(tom)"),
        (["∀x (Cat(x) ⇒ Purrs(x))", "Cat('Tom Jones')"], 'Purrs("Tom Jones")'),
        (["forall x. Cat(x) -> Purrs(x)", "Cat(tom)"], "Purrs(tom)"),
        (["∀x: Cat(x) → Purrs(x)", "Cat(tom)"], "Purrs(tom)"),
        (["Exists([x], Cat(x))", "∀x (Cat(x) → Purrs(a))"], "Purrs(a)"),
        (["∀x (Cat(x) → Purrs(x))", "Implies(Bird(a), Cat(a))", "Bird(a)"], "Purrs(a)"),
        (["a = b", "Cat(a)"], "Cat(b)"),
        # A variable that nothing binds stands for whatever there is; any other name is a thing.
        (["Implies(Cat(x), Purrs(x))", "Cat(tom)"], "Purrs(tom)"),
        (["Purrs(c)", "ForAll([c], Implies(Purrs(c), Cat(c)))"], "Cat(tom)"),
        # A quantifier reaches as far as its variable is used.
        (["∀x Cat(x) → Purrs(x)", "Cat(tom)"], "Purrs(tom)"),
        (["a = b ∧ ∀x Cat(x)"], "Cat(b)"),
    ],
)
def test_formulas_as_people_write_them(premises, conclusion):
    given = {"premises": premises, "conclusion": conclusion}
    assert solve_fol(given).value == "True"


@pytest.mark.parametrize(
    ("premises", "conclusion", "told"),
    [
        (["Cat(tom) > Dog(tom)"], "Cat(tom)", "'>' is no sign of a formula"),
        (["Cat(tom) + Dog(tom)"], "Cat(tom)", "'+' is no sign of a formula"),
        (["Cat(tom - jones)"], "Cat(tom)", "'-' is no sign of a formula"),
        (["∀x (Cat(x) @ Dog(x))"], "Cat(tom)", "'@' is no sign of a formula"),
        (["∀x (ForAll([y], Cat(y)))"], "Cat(tom)", "'[' is no sign of a formula"),
        (["Cat(tom) if Dog(tom)"], "Cat(tom)", "not a formula"),
        (["not " * 50_000 + "Cat(tom)"], "Cat(tom)", "not a formula: MemoryError"),
        (["[Cat(tom)]"], "Cat(tom)", "'[Cat(tom)]' is no formula"),
    ],
)
def test_what_is_no_formula_is_named(premises, conclusion, told):
    result = solve_fol({"premises": premises, "conclusion": conclusion})
    assert result.status == "error" and told in result.error


def test_many_quantifiers_are_read_once():
    text = "".join(f"∀v{n} " for n in range(90)) + "P(v0) ∧ " + " ∧ ".join("P(v1)" for _ in "ab")
    assert solve_fol({"premises": [text], "conclusion": "P(a)"}).value == "True"


def test_plans_in_the_words_of_models():
    broken = body("ForAll([x], Implies(", "    Cat(x)", "    , Purrs(x)", "))", "Cat(tom)")
    assert solve_fol(broken + "    return Purrs(tom)\n").value == "True"
    result = body("rained", "Implies(rained, wet)", "result = wet", "return result")
    assert solve_bool(result).value == "True"
    signs = body("rained", "rained -> wet", "wet ⇒ ¬dry", "return dry")
    assert solve_bool(signs).value == "False"


@pytest.mark.acceptance
def test_contexthub_gold_labels(data):
    right = total = 0
    for part in ("deductive_l1", "deductive_l2", "abductive_l1", "abductive_l2"):
        for row in read_rows(data / "tasks" / f"contexthub_{part}.jsonl.gz"):
            right += solve_bool(row["abstract"]).value == row["gold"]
            total += 1
    assert right == total == 1280


@pytest.mark.acceptance
def test_folio_annotations(data):
    found = [
        (
            solve_fol(
                {"premises": row["premises-FOL"].splitlines(), "conclusion": row["conclusion-FOL"]}
            ),
            row["label"],
        )
        for row in read_rows(data / "tasks" / "folio.jsonl.gz")
    ]
    assert len(found) == 95 and all(one.status in ("ok", "error", "timeout") for one, _ in found)
    assert sum(one.status == "ok" for one, _ in found) >= 75
    assert sum(one.value == label for one, label in found) >= 55


def test_a_name_that_is_used_again_is_a_definition_and_no_premise():
    stated = ("rained", "Implies(rained, wet)")
    assert solve_bool(body(*stated, "result = wet", "return result")).value == "True"
    assert solve_bool(body("result = wet", "return result")).value == "N/A"
    assert (
        solve_bool(body("f1 = rained", "r1 = Implies(rained, wet)", "return wet")).value == "True"
    )
    both = body("both = And(a, b)", "Implies(both, c)", "a", "b", "return c")
    assert solve_bool(both).value == "True"
    assert solve_bool(both.replace("    b\n", "")).value == "N/A"


def test_formulas_over_several_lines_and_names_in_quotes():
    plan = body(
        "Cat('Tom Jones')",
        "ForAll([x], Implies(",
        "    Cat(x),",
        "    Purrs(x)",
        "))",
        "return Purrs('Tom Jones')",
    )
    assert solve_fol(plan).value == "True"


@pytest.mark.parametrize(
    ("premises", "conclusion", "value"),
    [
        (["∀x,y (Loves(x, y) ⇒ Loves(y, x))", "Loves(tom, ann)"], "Loves(ann, tom)", "True"),
        (["Cat(tom) & ~Dog(tom)", "Cat(tom) -> Purrs(tom)"], "Purrs(tom) | Dog(ann)", "True"),
        (["Cat(tom) <-> Purrs(tom)", "!Purrs(tom)"], "Cat(tom)", "False"),
        (["tom = ann", "Cat(ann)"], "Cat(tom)", "True"),
        (["Cat(tom) & ~Dog(tom)"], "Dog(tom)", "False"),
        (["Cat(x)"], "Cat(x)", "True"),
    ],
)
def test_other_signs_for_the_same(premises, conclusion, value):
    assert solve_fol({"premises": premises, "conclusion": conclusion}).value == value


def test_a_sign_that_is_none_is_named():
    for premise in ("Cat(tom) ? Dog(tom)", "∀x (Cat(x) ? Dog(x))"):
        found = solve_fol({"premises": [premise], "conclusion": "Cat(tom)"})
        assert (found.status, found.error) == ("error", "'?' is no sign of a formula")
