from codeupdatearena.synth.finalize import clean, finalise
from codeupdatearena.synth.records import GeneratedExample


def test_finalising_drops_numbers_and_renames(mini):
    example = mini.examples[0]
    guarded = "def test_g():\n    try:\n        pass\n    except ValueError:\n        pass"
    four = example.model_copy(update={"unit_tests": [*example.unit_tests, guarded]})
    kept = clean(
        [
            GeneratedExample(example=four, tests_pass=[True] * 4),
            GeneratedExample(example=four, tests_pass=[False, True, True, True]),
        ]
    )
    assert [len(e.unit_tests) for e in kept] == [3]
    own = example.update.update_id
    group = [example.model_copy(update={"prog_syn_id": f"{own}:[prog_syn-{j}]"}) for j in (4, 7, 9)]
    other = [e for e in mini.examples if e.update.update_id != example.update.update_id][:2]
    done = finalise([*group, *other])
    assert [e.prog_syn_id[-3:] for e in done] == ["-0]", "-1]", "-2]"]
