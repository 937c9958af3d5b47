from synthesizrr.baselines.run import generate_baseline

from .conftest import made


def test_s3_asks_for_rows_like_the_errors(run):
    one = run("s3", per_label=2, rounds=1)
    found = generate_baseline(one)
    errors = found["round 1"]["errors"]
    extra = [row for row in made(one) if row.id.startswith("s3-")]
    assert errors > 0 and len(extra) == 4
    assert all(row.icl_ids == [row.seed_id] for row in extra)
