import pytest
import yaml
from tenpapers.errors import UserError
from tenpapers.paper import judged, load_paper, read_paper

PAPER = {
    "title": "A Paper",
    "authors": ["A. Author"],
    "year": 2024,
    "code": {"repository": "owner/code", "commit": "c0de", "licence": "MIT"},
    "data": [
        {
            "repository": "owner/data",
            "commit": "da7a",
            "files": [
                {"path": "a.jsonl", "sha256": "00", "bytes": 12, "makes": ["b.jsonl"]},
                {"path": "c.jsonl", "git_blob": "11"},
            ],
        }
    ],
    "hub_sets": [{"id": "o/pinned", "revision": "abc"}, {"id": "o/free"}],
    "claims": [
        {"id": "first", "sentence": "A is above B.", "section": "4.1"},
        {"id": "second", "sentence": "B is above C."},
    ],
    "numbers": [{"id": "task/ours", "value": 0.25, "unit": "accuracy", "where": "Table 2"}],
    "models": [{"spec": "hf:org/m", "memory_gib": 16}],
}


@pytest.fixture
def write(tmp_path):
    def written(**changes):
        file = tmp_path / "paper.yaml"
        file.write_text(yaml.safe_dump(PAPER | changes))
        return file

    return written


def test_a_paper_is_read_with_its_files_and_claims(write):
    paper = read_paper(write())
    assert (paper.title, paper.year, paper.code.commit) == ("A Paper", 2024, "c0de")
    files = [
        (file.path, file.sha256, file.git_blob, file.size, file.makes)
        for publication in paper.data
        for file in publication.files
    ]
    assert files == [("a.jsonl", "00", "", 12, ["b.jsonl"]), ("c.jsonl", "", "11", None, [])]
    assert [claim.id for claim in paper.claims] == ["first", "second"]
    assert paper.models[0].memory_gib == 16


def test_only_a_number_that_could_be_confirmed_is_given(write):
    paper = read_paper(write())
    assert paper.confirmed("task/ours") == 0.25
    assert paper.confirmed("task/theirs") is None


def test_only_a_pinned_set_has_a_revision(write):
    paper = read_paper(write())
    assert [paper.revision(name) for name in ("o/pinned", "o/free", "o/other")] == [
        "abc",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"titel": "x"}, "titel: Extra inputs are not permitted"),
        ({"year": "soon"}, "year: Input should be a valid integer"),
        ({"claims": [{"id": "a"}]}, "missing field 'claims.0.sentence'"),
        ({"numbers": [{"id": "a", "value": "about 3"}]}, "numbers.0.value: "),
    ],
)
def test_a_field_that_does_not_fit_is_named_in_one_line(write, changes, told):
    file = write(**changes)
    with pytest.raises(UserError) as error:
        read_paper(file)
    assert str(error.value).startswith(f"{file}: {told}") and "\n" not in str(error.value)


def test_what_is_not_yaml_is_told(tmp_path):
    (tmp_path / "paper.yaml").write_text("title: [")
    with pytest.raises(UserError, match=r"paper\.yaml: not YAML"):
        read_paper(tmp_path / "paper.yaml")


def test_a_package_ships_its_paper(write, tmp_path, monkeypatch):
    (tmp_path / "tool_with_paper").mkdir()
    (tmp_path / "tool_with_paper" / "__init__.py").touch()
    write().rename(tmp_path / "tool_with_paper" / "paper.yaml")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_paper("tool_with_paper").title == "A Paper"


def test_every_claim_is_judged_in_the_papers_order(write):
    paper = read_paper(write())
    verdicts = {"second": ("not shown", "B 0.3, C 0.4"), "first": ("shown", "A 0.4, B 0.3")}
    assert judged(paper, verdicts) == [
        {"id": "first", "verdict": "shown", "evidence": "A 0.4, B 0.3"},
        {"id": "second", "verdict": "not shown", "evidence": "B 0.3, C 0.4"},
    ]
    with pytest.raises(KeyError, match="second"):
        judged(paper, {"first": ("shown", "")})
    with pytest.raises(KeyError, match="no such claims: third"):
        judged(paper, verdicts | {"third": ("shown", "")})
