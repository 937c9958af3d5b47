import pytest
from cfr.scoring.meteor import ENDINGS, Meteor
from cfr.scoring.wordnet import WordNet
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score

# Words with shared stems, synonyms in the small WordNet, and repetitions.
WORDS = st.sampled_from(
    [
        "car",
        "cars",
        "auto",
        "automobile",
        "Dog",
        "dogs",
        "canis",
        "run",
        "running",
        "runs",
        "scat",
        "big",
        "large",
        "largest",
        "prominent",
        "the",
        "The",
        "quickly",
        "speedily",
        ",",
    ]
)


@pytest.fixture(scope="module")
def wordnet(wordnet_folder):
    return WordNet(wordnet_folder)


class NoSynonyms:
    def synsets(self, word):
        return []


def test_identical_texts_lose_only_the_penalty_of_one_chunk():
    # 1 - 0.5 * (1/4)^3 and 1 - 0.5 * (1/6)^3
    assert Meteor().score("a b c d", "a b c d") == 0.9921875
    assert Meteor().score("a b c d e f", "a b c d e f") == pytest.approx(0.99768519, abs=1e-8)


def test_words_of_one_stem_are_equal():
    # two matches in one chunk: 1 - 0.5 * (1/2)^3
    assert Meteor().score("dogs run", "dog runs") == 0.9375


def test_synonyms_are_looked_up_for_stems(wordnet):
    assert Meteor(wordnet).score("car", "auto") == 0.5
    assert Meteor().score("car", "auto") == 0
    assert Meteor(wordnet).score("car", "automobile") == 0  # its stem is "automobil"
    assert Meteor(wordnet).score("large", "big") == 0  # "larg"


def test_synonyms_of_words_on_demand(wordnet):
    fixed = Meteor(wordnet, fix_stems=True)
    assert fixed.score("car", "automobile") == fixed.score("large", "big") == 0.5
    assert fixed.score("automobile", "cars") == 0.5


def test_an_empty_side_or_no_match_is_nothing():
    for reference, candidate in (("", "a"), ("a", ""), ("", ""), ("a", "b")):
        assert Meteor().score(reference, candidate) == 0


def test_recall_weighs_nine_times_as_much_as_precision():
    # of 2 words 1 is found, of 4: P = 1/2, R = 1/4, F = (1/8) / (0.45 + 0.025); penalty 1/2
    assert Meteor().score("a b c d", "a x") == pytest.approx(0.5 * 0.125 / 0.475, abs=1e-12)


def test_chunks_are_counted_in_both_orders():
    # a b | d c: three chunks of four matches
    assert Meteor().score("a b c d", "a b d c") == pytest.approx(1 - 0.5 * (3 / 4) ** 3, abs=1e-12)


def test_of_equal_words_the_last_is_taken_first():
    # "a" of the candidate goes with the second "a" of the reference: one chunk with b
    assert Meteor().score("a x a b", "a b") == pytest.approx(
        (1 - 0.5 / 8) * 0.5 / (0.9 + 0.1 * 0.5), abs=1e-12
    )


@given(st.lists(WORDS, max_size=12), st.lists(WORDS, max_size=12))
def test_scores_are_those_of_nltk(wordnet, reference, candidate):
    for synonyms, theirs in ((None, NoSynonyms()), (wordnet, wordnet)):
        ours = Meteor(synonyms)
        score = ours.score_words(ours.of_tokens(reference), ours.of_tokens(candidate))
        wanted = single_meteor_score(reference, candidate, stemmer=PorterStemmer(), wordnet=theirs)
        assert score == pytest.approx(wanted, abs=1e-12)


@given(st.text(st.sampled_from("abcdeilmnoprstuvyz'7é"), max_size=5), st.sampled_from(ENDINGS))
def test_stems_are_those_of_nltk(beginning, ending):
    porter = PorterStemmer().stem
    for word in (beginning, beginning + ending, beginning + ending[:-1]):
        assert Meteor().of_tokens([word]).stems == (porter(word),)


@pytest.mark.acceptance
def test_stems_of_real_words_are_those_of_nltk(data):
    import gzip
    import re

    with gzip.open(data / "wiki_passages_6119.jsonl.gz", "rt", encoding="utf-8") as lines:
        words = set(re.findall(r"[\w']+", "".join(lines.readlines(400_000)).lower()))
    porter = PorterStemmer().stem
    assert len(words) > 5000
    assert Meteor().of_tokens(sorted(words)).stems == tuple(map(porter, sorted(words)))


def test_a_matrix_has_a_row_for_each_candidate():
    found = Meteor().matrix(["a b", "c"], ["a b", "c", "d"])
    assert found.tolist() == [[0.9375, 0, 0], [0, 0.5, 0]]
    assert Meteor().matrix([], ["a"]).shape == (0, 1)


def test_a_score_says_which_it_is(wordnet):
    assert (Meteor().name, Meteor(wordnet).name) == ("meteor_nosyn", "meteor")
    assert Meteor().tokenizer == "NLTKWordTokenizer"
