import json

import pytest
import yaml
from tenpapers.errors import UserError
from tenpapers.paper import load_paper


def test_reproduce_on_the_shipped_data(tiny_spec, mini, tmp_path, lofit):
    """The whole study with a tiny model; a second run reuses everything."""
    study = {
        "model": tiny_spec,
        "data": str(mini),
        "tasks": ["mquake", "truthfulqa"],
        "split": "val",
        "seeds": [1, 2],
        "random_seeds": [0, 1],
        "epochs": 1,
        "k": 3,
        "max_tokens": 4,
        "alphas": [5.0, 15.0],
        "second_ranking": "clutrr",
        "second_size": 6,
    }
    file, out = tmp_path / "study.yaml", tmp_path / "out"
    file.write_text(yaml.safe_dump(study))
    said = lofit("reproduce", config=file, out=out)
    assert "offsets beat zero-shot" in said and "learned selection beats random" in said
    report = (out / "report.md").read_text()
    assert "truthfulqa, fold 1" in report and "heads_per_layer.png" in report
    assert {file.name for file in out.glob("*.*")} >= {
        "report.md",
        "table.csv",
        "results.json",
        "manifest.json",
        "heads_per_layer.png",
    }
    lines = (out / "table.csv").read_text().splitlines()
    columns = "em_normalized,+- em_normalized,em_strict,+- em_strict,numbers,seconds,paper: EM"
    assert lines[0].startswith(f"method,runs,{columns}")
    assert [line.split(",")[0] for line in lines[1:]] == [
        "zero-shot",
        "echo",
        "ITI",
        "random heads",
        "LoFiT",
    ]
    results = json.loads((out / "results.json").read_text())
    assert results["mquake"]["LoFiT"]["seeds"] == [1, 2]
    assert results["mquake"]["random heads"]["seeds"] == [0, 1]
    assert len(results["overlap"]["between"]) == 4 and len(results["overlap"]["within"]) == 2
    claims = results["claims"]
    assert [claim["id"] for claim in claims] == [claim.id for claim in load_paper("lofit").claims]
    assert all(claim["evidence"] for claim in claims)
    stamp = (out / "mquake" / "lofit-1" / "heads.json").stat().st_mtime_ns
    lofit("reproduce", config=out / "manifest.json", out=out)
    assert (out / "mquake" / "lofit-1" / "heads.json").stat().st_mtime_ns == stamp
    with pytest.raises(UserError, match="limit was 0 and is 2"):
        lofit("reproduce --limit 2", config=file, out=out)
