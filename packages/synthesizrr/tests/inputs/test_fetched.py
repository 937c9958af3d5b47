import csv
import io
import json

import pytest
from synthesizrr.inputs.fetched import make
from tenpapers.testing import exactly_published, fetched, read_rows

NEWS = "555590d/data/ag_news_csv/test.csv"
HUMOROUS, SERIOUS = "68f6b0a/Humorous.csv", "68f6b0a/Non-humorous-unbiased.csv"
REVIEWS = "3e1f903/Datasets/IMDb/imdb_additional_"
SST2, MR = "2fb8956/test/SST-2.json", "2fb8956/test/mr.json"
CORPUS = "37f90ec/gensim/test/test_data/lee_background.cor"
ATTRIBUTES = "3a05ffd/datasets/{}/attrprompt/gpt-3.5-turbo/{}/{}"


def table(*rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


HEAD = ["question", "product_description", "image_url", "label"]


def test_the_published_files_make_ours(tmp_path):
    files = {
        NEWS: table(["3", "Oil, up", "Oil rose "], ["4", "Robots", 'They said "yes".']),
        HUMOROUS: table(HEAD, ["Will it sing?", "A \nhorn", "http://i", "1"]),
        SERIOUS: table(HEAD, ["Is it blue?", "A cup", "", "0"], ["How big?", "A cup", "", "0"]),
        f"{REVIEWS}1.json": lines([{"text": "Dull.", "label": 0}, {"text": "Fine.", "label": 1}]),
        f"{REVIEWS}2.json": lines([{"text": "Great.", "label": 1}]),
        SST2: lines([{"_id": 1, "text": "a joy ."}]),
        MR: lines([{"_id": 0, "text": "a bore ."}]),
        CORPUS: b"Rain fell. \nSun shone.",
        ATTRIBUTES.format("agnews", "length", "length.txt"): b"30\n100",
        ATTRIBUTES.format("agnews", "subtopics", "sports.jsonl"): b"Soccer\nTennis\n",
        ATTRIBUTES.format("amazon", "brands", "baby.jsonl"): b"1. One\n 2. Two\n\n",
    }
    assert fetched("synthesizrr", make, files, tmp_path) == {
        "ag_news.jsonl.gz": [
            {"id": "agtest-0", "label": "Business", "title": "Oil, up", "text": "Oil rose "},
            {
                "id": "agtest-1",
                "label": "Sci/Tech",
                "title": "Robots",
                "text": 'They said "yes".',
            },
        ],
        "amazon_humor.jsonl.gz": [
            {"id": "hum-0", "label": "humorous", "text": "Will it sing?", "product": "A \nhorn"},
            {"id": "nonhum-0", "label": "non_humorous", "text": "Is it blue?", "product": "A cup"},
            {"id": "nonhum-1", "label": "non_humorous", "text": "How big?", "product": "A cup"},
        ],
        "imdb_llm_synthetic.jsonl.gz": [
            {"id": "s3-1-0", "label": "negative", "round": 1, "text": "Dull."},
            {"id": "s3-1-1", "label": "positive", "round": 1, "text": "Fine."},
            {"id": "s3-2-0", "label": "positive", "round": 2, "text": "Great."},
        ],
        "movie_sentences.jsonl.gz": [
            {"id": "sst2-0", "source": "sst2", "label": "positive", "text": "a joy ."},
            {"id": "mr-0", "source": "mr", "label": "negative", "text": "a bore ."},
        ],
        "abc_news_corpus.jsonl.gz": [
            {"id": "abc-0", "text": "Rain fell."},
            {"id": "abc-1", "text": "Sun shone."},
        ],
        "attrprompt_attributes.json": {
            "agnews": {
                "length": {"length": ["30", "100"]},
                "subtopics": {"sports": ["Soccer", "Tennis"]},
            },
            "amazon": {"brands": {"baby": ["1. One", " 2. Two"]}},
        },
    }


def ending(attribute):
    """Of the files of an attribute: those that all classes share are called otherwise."""
    return "txt" if attribute in ("length", "location", "style", "experience") else "jsonl"


@pytest.mark.acceptance
def test_rows_at_hand_come_back_from_their_published_forms(data, tmp_path):
    names = ("ag_news", "amazon_humor", "imdb_llm_synthetic", "movie_sentences", "abc_news_corpus")
    ours = {name: read_rows(data / f"{name}.jsonl.gz") for name in names}

    def at_its_place(rows, stand_in):
        """Published rows by their numbers, with a stand-in for each that is not at hand."""
        return [rows.get(number, stand_in) for number in range(max(rows) + 1)]

    def numbered(name, start, form):
        rows = (row for row in ours[name] if row["id"].startswith(start))
        return {int(row["id"].removeprefix(start)): form(row) for row in rows}

    classes = ["World", "Sports", "Business", "Sci/Tech"]
    news = numbered(
        "ag_news",
        "agtest-",
        lambda row: [str(classes.index(row["label"]) + 1), row["title"], row["text"]],
    )
    files = {NEWS: table(*at_its_place(news, ["1", "", ""]))}
    for path, start in ((HUMOROUS, "hum-"), (SERIOUS, "nonhum-")):
        rows = numbered("amazon_humor", start, lambda row: [row["text"], row["product"], "", ""])
        files[path] = table(HEAD, *at_its_place(rows, ["", "", "", ""]))
    polarity = ["negative", "positive"]
    for path, name, start, key in (
        (f"{REVIEWS}1.json", "imdb_llm_synthetic", "s3-1-", "label"),
        (f"{REVIEWS}2.json", "imdb_llm_synthetic", "s3-2-", "label"),
        (SST2, "movie_sentences", "sst2-", "_id"),
        (MR, "movie_sentences", "mr-", "_id"),
    ):
        rows = numbered(
            name,
            start,
            lambda row, key=key: {key: polarity.index(row["label"]), "text": row["text"]},
        )
        files[path] = lines(at_its_place(rows, {key: 0, "text": ""}))
    corpus = numbered("abc_news_corpus", "abc-", lambda row: row["text"])
    files[CORPUS] = "\n".join(at_its_place(corpus, "")).encode()
    attributes = json.loads((data / "attrprompt_attributes.json").read_text())
    lists = {
        ATTRIBUTES.format(data_set, attribute, f"{name}.{ending(attribute)}"): values
        for data_set, theirs in attributes.items()
        for attribute, classes in theirs.items()
        for name, values in classes.items()
    }
    for end in ("", "\n", "\n\n"):  # how a list ends is not at hand, only the hash of the file
        contents = {path: ("\n".join(values) + end).encode() for path, values in lists.items()}
        for path in exactly_published("synthesizrr", contents):
            files[path] = contents[path]
    assert files.keys() >= lists.keys()
    found = fetched("synthesizrr", make, files, tmp_path)
    assert found["attrprompt_attributes.json"] == attributes
    for name, rows in ours.items():
        made = {row["id"]: row for row in found[f"{name}.jsonl.gz"]}
        assert [made[row["id"]] for row in rows] == rows, name
