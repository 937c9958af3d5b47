from tenpapers.testing import command


def test_an_update_and_an_example_are_shown(mini, mini_file, capsys):
    example = mini.examples[0]
    command("codeupdatearena", "data", "show", example.prog_syn_id, "--arena", mini_file)
    shown = capsys.readouterr().out
    assert "math.hypot = hypot" in shown and "def distance_in_metres" in shown
    command("codeupdatearena", "data", "show", example.update.update_id, "--arena", mini_file)
    shown = capsys.readouterr().out
    assert "math.hypot = hypot" in shown and "def distance_in_metres" not in shown


def test_statistics_stand_beside_the_papers(mini_file, tmp_path, capsys):
    command("codeupdatearena", "data", "stats", mini_file, "--out", tmp_path)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["updates", "5", "161"] in rows
    assert ["updates", "in", "math", "2", "(40%)", "26%"] in rows
    assert (tmp_path / "updates.png").read_bytes().startswith(b"\x89PNG")


def test_importing_tells_what_was_repaired(mini_file, tmp_path, capsys):
    out = tmp_path / "arena.jsonl"
    command("codeupdatearena", "data", "import", mini_file, "--out", out)
    assert capsys.readouterr().out.splitlines() == [
        f"15 examples of 5 updates, 45 tests -> {out}",
        "  examples whose joined tests were split by parsing: 0",
        "  of these, broken by splitting on blank lines: 0",
        "  signatures that do not begin with def (kept): 0",
    ]
    assert out.read_bytes() == mini_file.read_bytes()
