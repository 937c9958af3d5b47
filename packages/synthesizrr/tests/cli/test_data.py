from ..conftest import command


def test_datasets_list(capsys):
    command("datasets", "list")
    out = capsys.readouterr().out
    assert "ag_news" in out and "toi_headlines" in out
