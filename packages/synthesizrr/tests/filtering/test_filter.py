import numpy as np
import pytest
from synthesizrr.filtering.cartography import Filter
from synthesizrr.filtering.filter import filter_rows, final_sample, parse_filter
from synthesizrr.records import Synthetic
from tenpapers.errors import UserError

from ..conftest import WORDS, fails, rows, write_rows


def test_cartography_finds_the_rows_with_wrong_labels(tmp_path, spec):
    good = rows(16, Synthetic)
    wrong = [Synthetic(id=f"w{i}", text=f"{WORDS['b']} {i}", label="a") for i in range(3)]
    found = filter_rows(
        [*good, *wrong], spec, [Filter("confidence", top=0.83)], epochs=4, progress=None
    )
    table = {row.id: row for row in found.table}
    assert all(len(row.probs) == 4 for row in found.table)
    assert max(table[row.id].confidence for row in wrong) < np.mean(
        [table[row.id].confidence for row in good]
    )
    assert not {row.id for row in wrong} & {row.id for row in found.rows}
    assert {row.id for row in found.rows} == {row.id for row in found.table if row.kept}
    file = write_rows(tmp_path / "s.jsonl", [row.model_dump() for row in good])
    fails("filter", file, "--read", "title", "--out", tmp_path / "f", told=["--read", "title"])


def test_the_student_of_the_map_may_read_the_documents(spec):
    swapped = [
        Synthetic(id=row.id, text="same", label=row.label, context=row.text)
        for row in rows(16, Synthetic)
    ]
    by_text = filter_rows(swapped, spec, epochs=8, progress=None)
    by_context = filter_rows(swapped, spec, epochs=8, read="context", progress=None)
    confidence = [np.mean([row.confidence for row in one.table]) for one in (by_text, by_context)]
    assert confidence[0] == pytest.approx(0.5, abs=0.1) and confidence[1] > 0.7


def test_filters_of_the_command_line():
    assert parse_filter("confidence:top=0.83") == Filter("confidence", top=0.83)
    assert parse_filter("variability:0.1..", "overall") == Filter(
        "variability", low=0.1, scope="overall"
    )
    assert parse_filter("correctness:bottom=0.5").bottom == 0.5
    for wrong in ("confidence", "confidence:best=1", "confidence:top=x", "confidence:a..b"):
        with pytest.raises(UserError, match="not a filter"):
            parse_filter(wrong)


def test_the_final_sample_has_the_gold_mix():
    made = rows(10, Synthetic)
    final = final_sample(made, {"a": 0.25, "b": 0.75}, 8)
    assert [row.label for row in final].count("a") == 2 and len(final) == 8
