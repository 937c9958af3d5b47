import pytest
from synthesizrr.inputs.task import Task, load_task
from synthesizrr.records import Result, Retrieved
from synthesizrr.sourcing.pools import build_inputs
from tenpapers.errors import UserError

LONG = "The council met again on Monday and agreed on a budget for the coming year of work. "

AG = load_task("ag_news")


def found(scores, label="World", seed="s", metric="cosine", first=1, texts=None):
    """A seed with results at ranks first, first + 1, ..."""
    return Retrieved(
        seed_id=seed,
        text=f"Seed of {label}. It ends.",
        label=label,
        results=[
            Result(
                rank=rank,
                doc_id=f"{seed}-d{rank}",
                score=score,
                metric=metric,
                text=texts[place] if texts else LONG * 3,
            )
            for place, (rank, score) in enumerate(enumerate(scores, first))
        ],
    )


def pools(rows, tokenizer, mode="retricl", task=AG, **more):
    return build_inputs(rows, task, mode, tokenizer=tokenizer, **more)


def ids(rows):
    return [row.id for row in rows]


def test_windows_are_closed(tokenizer):
    row = found([0.39, 0.40, 0.90, 0.91], first=3)
    _, inputs, report = pools([row], tokenizer)
    assert [one.rank for one in inputs] == [4, 5]
    assert report.dropped == {"similarity": {"World": 2}}
    icl, inputs, _ = pools([found([0.49, 0.50]), found([0.6], seed="t", first=3)], tokenizer)
    assert ids(icl) == ["s#2"] and ids(inputs) == ["t#3"]
    assert icl[0].example_text == "Seed of World. It ends."


def test_no_row_is_in_both_pools(tokenizer):
    rows = [found([0.6] * 10, seed=f"s{i}") for i in range(3)]
    icl, inputs, report = pools(rows, tokenizer)
    assert not set(ids(icl)) & set(ids(inputs))
    assert (len(icl), len(inputs)) == (6, 24) == (report.icl["World"], report.inputs["World"])


def test_non_retricl_has_one_demonstration_a_seed_and_all_ranks(tokenizer):
    icl, inputs, _ = pools([found([0.45, 0.95, 0.5])], tokenizer, "non-retricl")
    assert ids(icl) == ["s"] and icl[0].context is None
    assert [row.rank for row in inputs] == [1, 3]


def test_a_document_of_19_tokens_is_dropped_and_one_of_20_kept(tokenizer):
    words = "go " * 30

    def tokens(n):
        text = words
        while len(tokenizer(text, add_special_tokens=False)["input_ids"]) > n:
            text = text[:-1]
        assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == n
        return text

    row = found([0.6, 0.6], first=3, texts=[tokens(19), tokens(20)])
    _, inputs, report = pools([row], tokenizer)
    assert [one.rank for one in inputs] == [4] and report.dropped == {"short": {"World": 1}}


def test_bm25_has_rank_windows_only_and_random_no_retricl(tokenizer):
    row = found([31.0, 12.0, 4.0, 0.0], metric="bm25")
    icl, inputs, report = pools([row], tokenizer)
    assert [one.rank for one in icl] == [1, 2] and [one.rank for one in inputs] == [3, 4]
    assert report.windows == {"metric": "bm25"}
    with pytest.raises(UserError, match="do not fit RetrICL"):
        pools([found([0.0], metric="random")], tokenizer)
    _, inputs, _ = pools([found([0.0] * 3, metric="random")], tokenizer, "non-retricl")
    assert len(inputs) == 3


def test_per_label_draws_and_reports_what_is_missing(tokenizer):
    rows = [found([0.6] * 10)]
    _, inputs, report = pools(rows, tokenizer, per_label=3)
    assert len(inputs) == 3 and not report.shortfall
    assert pools(rows, tokenizer, per_label=3)[1] == inputs
    _, inputs, report = pools(rows, tokenizer, per_label=20)
    assert len(inputs) == 8 and report.shortfall == {"World": 12}
    with pytest.raises(UserError, match="8 inputs, 20 were asked for"):
        pools(rows, tokenizer, per_label=20, strict=True)


def test_too_small_pools_and_empty_windows_are_errors(tokenizer):
    with pytest.raises(UserError, match="2 demonstrations for 3 shots"):
        pools([found([0.6] * 5)], tokenizer, shots=3)
    with pytest.raises(
        UserError, match=r"no document of label 'World' within \[0.4, 0.9\]; scores seen 0.10..0.20"
    ):
        pools([found([0.1, 0.2])], tokenizer)
    with pytest.raises(UserError, match="no verbalizer"):
        pools([found([0.6], label="Weather")], tokenizer)


def test_a_document_of_two_labels_stays_for_both(tokenizer):
    one, two = found([0.6], first=3), found([0.6], label="Sports", first=3)
    _, inputs, report = pools([one, two.model_copy(update={"seed_id": "t"})], tokenizer)
    assert len(inputs) == 2 and report.shared_documents == 1


def test_a_label_may_hold_quotes(tokenizer):
    label = 'it\'s "odd" {0}'
    task = Task(
        name="t",
        labels={label: "odd things"},
        document_header="Doc:",
        answer_prefix="Out:",
        instruction="About {{ label }}.",
        fewgen_instruction="Write {{ label }}.",
    )
    icl, inputs, report = pools([found([0.6] * 4, label=label)], tokenizer, task=task)
    assert (len(icl), len(inputs), report.inputs[label]) == (2, 2, 2)
