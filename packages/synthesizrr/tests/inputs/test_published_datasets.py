import io
import tarfile

import pytest
from synthesizrr.inputs.published_datasets import prepare
from tenpapers.errors import UserError

from ..conftest import write_rows


def pairs(rows):
    return [(row.label, row.text) for row in rows]


def test_ag_news_from_its_csv(tmp_path):
    (tmp_path / "train.csv").write_text('"3","Oil up","Oil, it rose."\n' * 2 + '"1","T","War."\n')
    (tmp_path / "test.csv").write_text('Class Index,Title,Description\n"4","T","A chip."\n')
    splits = prepare("ag_news", tmp_path)
    assert sum(len(splits[name]) for name in ("train", "validation")) == 3
    assert pairs(splits["test"]) == [("Sci/Tech", "A chip.")]
    ids = [row.id for rows in splits.values() for row in rows]
    assert len(set(ids)) == 4
    (tmp_path / "test.csv").write_text('"7","T","x"\n')
    with pytest.raises(UserError, match="class '7' is not 1 to 4"):
        prepare("ag_news", tmp_path)
    with pytest.raises(UserError, match="no train.csv in it"):
        prepare("ag_news", tmp_path / "nothing")


def test_a_part_of_ag_news_leaves_rows_for_training(tmp_path):
    (tmp_path / "train.csv").write_text('"3","Oil up","Oil, it rose."\n' * 20)
    (tmp_path / "test.csv").write_text('"4","T","A chip."\n')
    sizes = {split: len(rows) for split, rows in prepare("ag_news", tmp_path).items()}
    assert sizes == {"train": 18, "validation": 2, "test": 1}


def test_hyperpartisan_and_own_splits(tmp_path):
    for split in ("train", "dev", "test"):
        write_rows(tmp_path / f"{split}.jsonl", [{"text": f"{split}.", "label": "true"}])
    splits = prepare("hyperpartisan", tmp_path)
    assert pairs(splits["validation"]) == [("true", "dev.")]


def test_toi_headlines(tmp_path):
    long = "A headline of more than forty characters, indeed"
    (tmp_path / "india-news-headlines.csv").write_text(
        f'publish_date,headline_category,headline_text\n1,home.sports.cricket,"{long}"\n'
        f'2,city.delhi,"{long}"\n3,unknown.x,"{long}"\n4,sports,"too short"\n'
    )
    splits = prepare("toi_headlines", tmp_path)
    assert sorted(pairs(splits["train"])) == [("city", long), ("sports", long)]


def test_polarity(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"{split}.csv").write_text('"2","T","Good."\n"1","T","Bad."\n')
    splits = prepare("polarity", tmp_path)
    assert sorted(pairs(splits["test"])) == [("negative", "Bad."), ("positive", "Good.")]


def test_category_reads_the_archive_with_both_encodings(tmp_path):
    def add(tar, name, content):
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))

    review = "<review>\n<review_text>\nCaf\u00e9  good.\n</review_text>\n</review>\n"
    with tarfile.open(tmp_path / "unprocessed.tar.gz", "w:gz") as tar:
        add(tar, "sorted_data/gourmet_food/negative.review", review.encode("cp1252"))
        add(tar, "sorted_data/grocery/positive.review", review.encode())
        add(tar, "sorted_data/books/unlabeled.review", review.encode())
        add(tar, "sorted_data/unknown/positive.review", review.encode())
    splits = prepare("category", tmp_path)
    assert pairs(splits["train"]) == [("grocery_and_gourmet_food", "Caf\u00e9 good.")] * 2


def test_humor_imdb_and_sst2(tmp_path):
    for name in ("Humorous.csv", "Non-humorous-biased.csv"):
        (tmp_path / name).write_text(f"question,product_description\nWhy {name[0]}?,p\n")
    humor = prepare("humor", tmp_path)
    assert sorted(pairs(humor["train"])) == [("humorous", "Why H?"), ("non_humorous", "Why N?")]
    for split in ("train", "test"):
        for kind in ("pos", "neg"):
            (tmp_path / split / kind).mkdir(parents=True)
            (tmp_path / split / kind / "1.txt").write_text(f"{kind}<br /><br />text")
    imdb = prepare("imdb", tmp_path)
    assert pairs(imdb["test"]) == [("negative", "neg text"), ("positive", "pos text")]
    (tmp_path / "train.tsv").write_text("sentence\tlabel\ngood one \t1\n")
    (tmp_path / "dev.tsv").write_text("sentence\tlabel\nbad one \t0\n")
    assert pairs(prepare("sst2", tmp_path)["test"]) == [("negative", "bad one")]


def test_without_files_the_hub_is_asked():
    with pytest.raises(UserError, match="pass --src"):
        prepare("ag_news", None)
    with pytest.raises(UserError, match="not on the hub"):
        prepare("category", None)
    with pytest.raises(UserError, match="dataset nope: unknown"):
        prepare("nope", None)


def test_rows_of_your_own(tmp_path):
    file = write_rows(
        tmp_path / "mine.jsonl",
        [{"text": "a", "label": "x"}, {"text": "b", "label": "y", "split": "test"}],
    )
    splits = prepare("jsonl", file)
    assert pairs(splits["train"]) == [("x", "a")] and pairs(splits["test"]) == [("y", "b")]
    (tmp_path / "mine.csv").write_text('text,label\n"a, b",x\n,y\n')
    with pytest.raises(UserError, match=r"mine.csv:3: missing field 'text'"):
        prepare("csv", tmp_path / "mine.csv")
    write_rows(
        file, [{"id": "1", "text": "a", "label": "x"}, {"id": "1", "text": "b", "label": "x"}]
    )
    with pytest.raises(UserError, match=r"mine.jsonl:2: id '1' repeats"):
        prepare("jsonl", file)
    with pytest.raises(UserError, match="label 'x' has no verbalizer"):
        write_rows(file, [{"text": "a", "label": "x"}])
        prepare("jsonl", file, task="ag_news")


def test_ones_own_rows_may_have_labels_that_are_numbers_and_fields_of_their_own(tmp_path):
    file = write_rows(tmp_path / "m.jsonl", [{"id": 0, "text": "t", "label": 0, "customer": "c"}])
    (row,) = prepare("jsonl", file)["train"]
    assert (row.id, row.label, row.unknown) == ("0", "0", {"customer": "c"})
