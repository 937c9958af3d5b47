import pytest
from cfr.scoring.wordnet import PARTS, WordNet, find_wordnet
from tenpapers.errors import UserError


@pytest.fixture(scope="module")
def wordnet(wordnet_folder):
    return WordNet(wordnet_folder)


def names(wordnet, word):
    return [[lemma.name() for lemma in synset.lemmas()] for synset in wordnet.synsets(word)]


def test_a_word_has_the_synsets_of_its_base_forms(wordnet):
    car = [["car", "auto", "automobile", "motor_car"]]
    assert names(wordnet, "Cars") == names(wordnet, "auto") == car
    assert names(wordnet, "ran") == names(wordnet, "runs") == [["run", "scat"]]
    assert names(wordnet, "tree") == []


def test_a_marker_of_use_is_no_part_of_an_adjective(wordnet):
    assert names(wordnet, "larger") == [["large", "big"], ["large", "prominent"]]


def test_an_irregular_form_is_no_regular_one(wordnet):
    # "bidden" is listed, but neither of its base forms is a word here
    assert wordnet.base_forms("bidden", "verb") == []
    assert wordnet.base_forms("dogs", "noun") == ["dog"]
    assert wordnet.base_forms("dogs", "adv") == []


def test_names_keep_their_case(wordnet):
    assert names(wordnet, "canis") == [["dog", "Canis"]]


def test_it_is_found_where_its_own_variable_says(wordnet_folder, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", str(wordnet_folder))
    found = find_wordnet()
    assert found is not None and found.folder == wordnet_folder


def test_without_any_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("cfr.scoring.wordnet.PLACES", ())
    monkeypatch.setattr("nltk.data.path", [str(tmp_path)])
    monkeypatch.delenv("WNSEARCHDIR", raising=False)
    monkeypatch.delenv("WNHOME", raising=False)
    assert find_wordnet() is None
    with pytest.raises(UserError, match=r"no WordNet: index\.noun is missing"):
        find_wordnet(tmp_path)


def test_base_forms_are_those_of_nltk(wordnet):
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    # its constructor wants files that Debian does not have; its morphology needs two tables alone
    reader = WordNetCorpusReader.__new__(WordNetCorpusReader)
    tags = dict(zip(PARTS, "nvar", strict=True))
    reader._exception_map = {tags[part]: wordnet._exceptions[part] for part in PARTS}
    reader._lemma_pos_offset_map = {
        word: {tags[part]: [0] for part in PARTS if word in wordnet._index[part]}
        for part in PARTS
        for word in wordnet._index[part]
    }
    for word in ("cars", "ran", "geese", "larger", "dogs", "bidden", "autos", "run", "quickly"):
        for part in PARTS:
            assert wordnet.base_forms(word, part) == reader._morphy(word, tags[part]), (word, part)
