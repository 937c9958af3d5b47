from importlib.resources import files
from pathlib import Path

import pytest
from tenpapers.errors import UserError
from tocot.literature import meta_analyse, plain_category, read_categories, read_results

META = "paper_id,dataset,category,direct,cot,delta\np,gsm,Math (arithmetic),10,30,20\n"


def test_meta_by_hand(tmp_path):
    file = tmp_path / "r.csv"
    more = [
        "p,sums,math,20,60,39",
        "q,gsm,math,50,50,0",
        "q,quiz,encyclopedic knowledge,70,71,1",
        "q,lost,,5,5,0",
        "q,mix,various,0,90,90",
    ]
    file.write_text(META + "\n".join(more) + "\n")
    found = meta_analyse(read_results([file]))
    means = found.categories.set_index("category")["mean"].to_dict()
    assert means["math"] == (30 + 0) / 2 and means["encyclopedic knowledge"] == 1
    assert found.mean_rows == pytest.approx((20 + 40 + 0 + 1) / 4)
    assert found.mean_cells == pytest.approx((30 + 0 + 1) / 3)
    assert any("1 data sets without a category: lost" in note for note in found.notes)
    assert any("1 stored deltas differ" in note for note in found.notes)
    assert found.outliers["category"].tolist() == ["encyclopedic knowledge"]
    assert plain_category("Math (arithmetic)") == "math"


def test_bad_meta_tables(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("paper_id,dataset,direct\np,x,3\n")
    with pytest.raises(UserError, match="missing column 'cot'"):
        read_results([file])
    file.write_text(META.replace("10,30", "10,130"))
    with pytest.raises(UserError, match=r"r.csv:2: cot 130 is not within 0 and 100"):
        read_results([file])
    cats = tmp_path / "c.csv"
    cats.write_text("Dataset,Category\ngsm,math\ngsm,other\n")
    with pytest.raises(UserError, match="data set 'gsm' has two categories"):
        read_categories(cats)
    with pytest.raises(UserError, match="no such file"):
        read_results([tmp_path / "none.csv"])


@pytest.mark.acceptance
def test_our_literature_is_the_published_sample(data):
    ours = files("tocot").joinpath("data/literature.csv").read_bytes()
    assert ours == (data / "meta" / "literature_mini.csv").read_bytes()


def test_the_literature_sample():
    found = meta_analyse(read_results([Path(str(files("tocot").joinpath("data/literature.csv")))]))
    assert (len(found.rows), len(found.cells)) == (53, 16)
    assert found.mean_rows == pytest.approx(20.674, abs=0.005)
    assert found.mean_cells == pytest.approx(19.761, abs=0.005)
    table = found.categories.set_index("category")
    wanted = {
        "symbolic & algorithmic": 42.278,
        "math": 35.357,
        "spatial & temporal reasoning": 22.980,
        "logical reasoning": 22.320,
        "commonsense reasoning": 13.273,
        "encyclopedic knowledge": 9.281,
        "meta-linguistic": 7.400,
        "text classification": -1.445,
        "other": -6.800,
    }
    for name, mean in wanted.items():
        assert table.loc[name, "mean"] == pytest.approx(mean, abs=0.005)
    assert table.loc["math", "median"] == pytest.approx(41.93, abs=0.005)
    named = found.top["named"]
    assert (named["cot"], named["direct"]) == pytest.approx((65.877, 30.386), abs=0.005)
    rest = found.top["named_others"]
    assert (rest["cot"], rest["direct"]) == pytest.approx((72.778, 62.454), abs=0.005)
