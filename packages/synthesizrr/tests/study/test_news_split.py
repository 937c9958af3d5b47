from synthesizrr.inputs.made_up_news import made_up_news
from synthesizrr.study.news_split import split_news
from synthesizrr.study.settings import Study
from tenpapers.journal import Journal
from tenpapers.settings import load_scale

from ..conftest import read_lines


def test_parts_of_the_study_are_disjoint(tmp_path):
    study = load_scale(Study, "synthesizrr", "cpu")
    with Journal(tmp_path / "one", key={}) as journal:
        paths = split_news(study, None, journal)
    ids = [row["id"] for path in paths.values() for row in read_lines(path)]
    assert len(ids) == len(set(ids)) == len(made_up_news())
    assert "label" not in read_lines(paths["corpus"])[0]
    with Journal(tmp_path / "again", key={}) as journal:
        again = split_news(study, None, journal)
    assert [again[name].read_text() for name in paths] == [
        one.read_text() for one in paths.values()
    ]
