from tenpapers.testing import command, read_rows


def test_a_model_that_cannot_do_it_ends_well_and_every_response_is_kept(
    allowed, tiny, tmp_path, capsys
):
    options = ["--model", f"hf:{tiny}", "--function", "math.floor", "--type", "add-argument"]
    short = ["--max-tokens", "40", "--out", tmp_path]
    command("codeupdatearena", "synth", "update", *options, *short)
    assert "of 1 updates accepted" in capsys.readouterr().out
    assert len(read_rows(tmp_path / "responses.jsonl")) >= 2
    assert (tmp_path / "updates.rejected.jsonl").exists()
