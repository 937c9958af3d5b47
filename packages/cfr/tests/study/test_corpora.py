import dataclasses

from cfr.study.corpora import synthetic_corpus, wice_corpus
from cfr.study.settings import Study


def test_a_synthetic_set_that_is_only_asked_has_the_same_questions_and_nothing_to_train_on():
    study = Study(synthetic=10)
    tuned = synthetic_corpus(study)
    asked = synthetic_corpus(dataclasses.replace(study, synthetic_tuned=False))
    assert (len(tuned.train), len(tuned.test)) == (8, 2)
    assert (asked.train, asked.test) == ([], tuned.test)
    assert len(asked.passages) <= 2 * 6 < len(tuned.passages)


def test_of_wice_the_first_rows_are_taken_and_the_first_of_them_trained_on(made_up):
    study = Study(wice_rows=5, wice_train_rows=3)
    corpus = wice_corpus(study, made_up)
    assert [one.query.claim for one in corpus.train + corpus.test] == [
        f"The {topic} number 1 is known."
        for topic in ("bread", "bridge", "whale", "comet", "violin")
    ]
    assert len(corpus.train) == 3
