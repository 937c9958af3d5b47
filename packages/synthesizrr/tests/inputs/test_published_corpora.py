import gzip
import json
import tarfile

import pytest
from synthesizrr.inputs.published_corpora import open_corpus, product_text
from tenpapers.errors import UserError

from ..conftest import write_rows


def test_realnews_by_domain(tmp_path):
    file = write_rows(
        tmp_path / "realnews.jsonl",
        [
            {"domain": domain, "text": f"from {domain}", "title": "t"}
            for domain in ("big.com", "town.com", "india.in")
        ],
    )
    domains = tmp_path / "domains.json"
    domains.write_text(json.dumps({"regional": ["town.com", "india.in"], "india": ["india.in"]}))

    def texts(name):
        return [one.text for one in open_corpus(name, file, domains)]

    assert texts("realnews-dominant") == ["from big.com"]
    assert texts("realnews-regional") == ["from town.com", "from india.in"]
    assert texts("realnews-india") == ["from india.in"]
    with pytest.raises(UserError, match="pass --domains"):
        open_corpus("realnews-india", file)
    write_rows(file, [{"text": "x"}])
    with pytest.raises(UserError, match=r"realnews.jsonl:1: missing field 'domain'"):
        texts("realnews-india")


def test_products_without_html_and_doubles(tmp_path):
    file = tmp_path / "meta.json.gz"
    lines = ["1.Bright &amp; 2.5 W", " new\n"]
    lamp = {"asin": "1", "title": "A <b>lamp</b>", "description": lines}
    rows = [lamp, {"asin": "1", "title": "again"}, {"asin": "2", "title": ""}]
    with gzip.open(file, "wt") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    made = list(open_corpus("products", file))
    assert [(one.id, one.text) for one in made] == [("1", "A lamp 1. Bright & 2.5 W new")]
    assert product_text("x", "2.y") == "x 2. y"


def test_movies_are_joined_by_their_id(tmp_path):
    folder = tmp_path / "MovieSummaries"
    folder.mkdir()
    (folder / "movie.metadata.tsv").write_text('1\t/m/1\tOne "film\n2\t/m/2\tTwo\n')
    (folder / "plot_summaries.txt").write_text("1\tA plot.\n3\tNo film.\n")
    wanted = [("movie-1", "A plot.", 'One "film')]
    assert [(d.id, d.text, d.title) for d in open_corpus("cmu-movies", folder)] == wanted
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as tar:
        tar.add(folder, "MovieSummaries")
    found = open_corpus("cmu-movies", tmp_path / "m.tar.gz")
    assert [(d.id, d.text, d.title) for d in found] == wanted


def test_corpora_of_your_own(tmp_path):
    (tmp_path / "docs.csv").write_text("text,title\nHello.,T\n")
    assert [d.text for d in open_corpus("csv", tmp_path / "docs.csv")] == ["Hello."]
    file = write_rows(tmp_path / "docs.jsonl", [{"text": "a"}, {"id": "z", "text": "b"}])
    assert [d.id for d in open_corpus("jsonl", file)] == ["1", "z"]
    with pytest.raises(UserError, match="corpus web: unknown"):
        open_corpus("web", file)
    with pytest.raises(UserError, match="no such file"):
        open_corpus("jsonl", tmp_path / "none")
