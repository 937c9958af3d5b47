"""Builders, leak guard, needles, metrics, depths (checks 13, 15, 16, 17)."""

import gzip
import hashlib
import json
import re
from collections import Counter

import pytest
from retrievalheads.heads.needle_in_haystack import Haystack, insertion_points
from retrievalheads.inputs.builders.build import BuildConfig, build, load_tokenizer, split_items
from retrievalheads.inputs.fact_writers import (
    CacheWriter,
    ModelWriter,
    Need,
    TemplateWriter,
    UnwrittenError,
    checked_passage,
)
from retrievalheads.inputs.prompt_rendering import ChatFrame, Draft, Span, compose, render
from retrievalheads.inputs.published_files import Fact, read_source, wh_word
from retrievalheads.records import SYNTHETIC, load_examples
from retrievalheads.scoring.metrics import (
    citation,
    exact_match,
    f1,
    normalise,
    rouge1_recall,
    subspan_em,
)
from tenpapers.errors import UserError


def test_check_13_answers():
    """F1 and exact match of the specification's examples."""
    assert f1("the Wilhelm Röntgen", ["Wilhelm Conrad Röntgen"]) == pytest.approx(0.8)
    assert f1("", ["x"]) == 0 and f1("", [""]) == 1
    assert f1("Paris\nParis is", ["Paris"]) == 1
    assert exact_match("The Beatles!", ["beatles"]) == 1
    assert exact_match("x y", ["y x", "y"]) == 0
    assert subspan_em("It was the Beatles then", ["The Beatles"]) == 1
    assert subspan_em("anything", ["the"]) == 0
    assert rouge1_recall("He was eating sandwiches", "eat a sandwich") == pytest.approx(2 / 3)


def test_check_13_citations():
    """Numbers in brackets only; repeated and impossible ones."""
    found = citation("[1, 3] see [7]", {1, 7, 9}, 20)
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert citation("1 and 7", {1, 7}, 20).f1 == 0 and not citation("1 and 7", {1}, 20).parsed
    found = citation("[7][7][99]", {7}, 20)
    assert (found.precision, found.recall, found.f1) == pytest.approx((0.5, 1, 2 / 3))
    with pytest.raises(ValueError, match="gold citations"):
        citation("[1]", set(), 20)


def write(path, rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return path


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Facts of our own: a source that needs no published file."""
    rows = [
        {
            "id": f"f{i}",
            "entity": f"Harbour {i:03d}",
            "relation": "colour of the gate",
            "value": f"shade {i:03d}",
        }
        for i in range(60)
    ]
    return write(tmp_path_factory.mktemp("facts") / "facts.jsonl", rows)


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    """Published form of Lost in the Middle, with distractors; one of them leaks an answer."""
    rows = []
    for i in range(30):
        gold = f"The lamp of hall {i} was lit by Person{i:02d} in spring. " + "Rain fell. " * 8
        leak = f"Some say Person{i:02d} was never there."
        rows.append(
            {
                "id": f"q{i}",
                "question": f"who lit the lamp of hall {i}",
                "answers": [f"Person{i:02d}"],
                "ctxs": [
                    {"title": f"Hall {i}", "text": gold, "isgold": True, "hasanswer": True},
                    {"title": "Leak", "text": leak, "isgold": False, "hasanswer": True},
                    {
                        "title": f"Other {i}",
                        "text": f"Barrel {i} was full. " + "It stood. " * 9,
                        "isgold": False,
                        "hasanswer": False,
                    },
                ],
            }
        )
    return write(tmp_path_factory.mktemp("nq") / "nq.jsonl.gz", rows)


def built(tmp_path, source, task="mdqa", variant="hh", **more):
    config = {"n": 8, "n_dev": 1, "n_test": 2, "context_tokens": 600, "chat": False} | more
    build(BuildConfig(task=task, variant=variant, source=str(source), **config), tmp_path)
    return load_examples(tmp_path / "train.jsonl")


def digests(folder):
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob("*.jsonl")}


@pytest.mark.parametrize("variant", ["hh", "symbolic"])
def test_check_15_equal_seeds_give_equal_bytes(variant, facts, tmp_path):
    """With one and two workers; and the first ten of more are the ten of fewer."""
    small = {"n": 10, "n_dev": 1, "n_test": 1}
    built(tmp_path / "a", facts, variant=variant, **small)
    built(tmp_path / "b", facts, variant=variant, workers=2, **small)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["sha256"] == digests(tmp_path / "a")
    more = built(tmp_path / "c", facts, variant=variant, **(small | {"n": 30}))
    assert more[:10] == load_examples(tmp_path / "a" / "train.jsonl")
    other = built(tmp_path / "d", facts, variant=variant, seed=1, **small)
    assert other != more[:10]


def check_needles(examples, tokenizer, budget, full=False):
    for example in examples:
        texts = example.meta["needle_texts"]
        assert example.needles and len(texts) == len(example.needles)
        for needle, text in zip(example.needles, texts, strict=True):
            assert example.prompt[needle.start : needle.end] == text
            document = example.documents[needle.doc_id - 1]
            assert document.doc_id == needle.doc_id
            assert text in document.text or needle.kind == "doc_id"
        assert example.n_tokens <= budget
        if full and example.variant in ("hh", "lh", "real-full"):
            assert example.n_tokens >= 0.85 * budget
        if example.variant == "symbolic" and example.task == "mdqa":
            key = re.search(r"key (\d+)", example.query)[1]
            context = example.prompt.split("Question:")[0]
            assert len(re.findall(rf"\b{key}\b", context)) == 1 and context.count(key) == 1
        if example.variant == "symbolic" and example.task == "musique":
            assert solutions(example) == [example.answers[0]]


def solutions(example):
    """All values that the links lead to, searched over every document."""
    links = {}
    for document in example.documents:
        key, value = re.fullmatch(r"\{(\d+): (\d+)\}", document.text).groups()
        links.setdefault(key, []).append(value)
    ends = [re.search(r"key (\d+)", example.query)[1]]
    for _ in range(example.meta["depth"]):
        ends = [value for key in ends for value in links.get(key, [])]
    return ends


SOURCES = {
    "mdqa": "nq_open_oracle",
    "musique": "musique_ans_dev_questions",
    "summhay": "summhay_eval_benchmark",
}


@pytest.mark.acceptance
@pytest.mark.parametrize("task", SOURCES)
@pytest.mark.parametrize("variant", SYNTHETIC)
def test_check_15_needles_of_every_variant(task, variant, data, tmp_path, lm):
    """Real sources: 200 examples a variant (SummHay: what its training topics give)."""
    few = task == "summhay"
    examples = built(
        tmp_path,
        data / f"{SOURCES[task]}.jsonl.gz",
        task,
        variant,
        allow_fewer=few,
        n=200,
        n_dev=1,
        n_test=1,
        context_tokens=1024,
    )
    assert len(examples) == (85 if few else 200)
    check_needles(examples, lm.tokenizer, 1024, full=True)
    for example in examples:
        if example.task == "summhay":
            cited = [d.doc_id for d in example.documents if d.role == "gold"]
            assert example.target == " " + "".join(f"[{i}]" for i in sorted(cited))


@pytest.mark.acceptance
def test_check_16_no_passage_gives_the_answer_away(data, tmp_path, lm):
    """200 real MDQA contexts; and MuSiQue contexts with each supporting paragraph once."""
    examples = built(
        tmp_path / "nq",
        data / "nq_open_oracle.jsonl.gz",
        variant="real-full",
        n=200,
        context_tokens=1024,
    )
    assert len(examples) == 200
    check_needles(examples, lm.tokenizer, 1024, full=True)
    for example in examples:
        assert Counter(d.role for d in example.documents)["gold"] == 1
        for document in example.documents:
            if document.role != "gold":
                text = normalise(f"{document.title} {document.text}")
                assert not any(normalise(answer) in text for answer in example.answers)
    source = data / "musique_ans_train_sample.jsonl.gz"
    items = {item.id: item for item in read_source("musique", source)}
    examples = built(
        tmp_path / "mq",
        source,
        "musique",
        "real-full",
        n=40,
        n_dev=3,
        n_test=5,
        hops="any",
        context_tokens=2048,
        allow_fewer=True,
    )
    assert len(examples) >= 35
    check_needles(examples, lm.tokenizer, 2048)
    for example in examples:
        item = items[example.meta["source"]]
        texts = Counter(d.text for d in example.documents)
        for hop in item.hops:
            assert texts[item.paragraphs[hop.paragraph].text] == 1
        for document in example.documents:
            if document.role == "filler":
                text = normalise(f"{document.title} {document.text}")
                assert not any(normalise(hop.answer) in text for hop in item.hops)


def test_leaking_distractors_stay_out(questions, tmp_path, lm):
    examples = built(tmp_path, questions, variant="real-full", context_tokens=300)
    check_needles(examples, lm.tokenizer, 300)
    for example in examples:
        assert not any(document.title == "Leak" for document in example.documents)
        assert sum(example.answers[0] in d.text for d in example.documents) == 1
        assert example.documents[example.needles[0].doc_id - 1].role == "gold"


def test_real_limited_keeps_one_kind_of_question(questions, data_rows, tmp_path):
    assert {wh_word(q) for q in ("Who is it", "in which town", "when was that")} == {
        "who",
        "which",
        "when",
    }
    with pytest.raises(UserError, match="0 usable examples, 8 wanted"):
        built(tmp_path / "none", questions, variant="real-limited", wh="when")
    source = write(tmp_path / "m.jsonl", data_rows)
    kept = built(tmp_path / "m", source, "musique", "real-limited", allow_fewer=True, hops="any")
    assert all("natural" not in example.id for example in kept)


@pytest.fixture
def data_rows():
    """Two-hop questions in MuSiQue's form; paragraphs of some as a Python literal."""
    rows = []
    for i in range(20):
        natural = i % 4 == 0
        paragraphs = [
            {
                "idx": 0,
                "title": f"Band {i}",
                "paragraph_text": f"Band {i} was led by Singer{i:02d} "
                "for years. " + "They toured. " * 5,
                "is_supporting": True,
            },
            {
                "idx": 1,
                "title": f"Singer{i:02d}",
                "paragraph_text": f"Singer{i:02d} was born in "
                f"Village{i:02d} by the sea. " + "It is small. " * 5,
                "is_supporting": True,
            },
            {
                "idx": 2,
                "title": "Extra",
                "paragraph_text": f"Nothing number {i} happened here.",
                "is_supporting": False,
            },
        ]
        first = f"Who led Band {i}?" if natural else f"Band {i} >> performer"
        rows.append(
            {
                "id": f"2hop__{'natural' if natural else 'arrow'}{i}",
                "question": f"Where was the leader of Band {i} born?",
                "answer": f"Village{i:02d}",
                "answer_aliases": [],
                "paragraphs": repr(paragraphs) if i % 2 else paragraphs,
                "question_decomposition": [
                    {"question": first, "answer": f"Singer{i:02d}", "paragraph_support_idx": 0},
                    {
                        "question": "#1 >> place of birth",
                        "answer": f"Village{i:02d}",
                        "paragraph_support_idx": 1,
                    },
                ],
            }
        )
    return rows


def test_musique_spans_and_literals(data_rows, tmp_path, lm):
    """Bridge and answer spans, also where the paragraphs are a Python literal in a string."""
    source = write(tmp_path / "m.jsonl", data_rows)
    examples = built(
        tmp_path / "m", source, "musique", "real-full", n=10, context_tokens=400, hops="2hop"
    )
    check_needles(examples, lm.tokenizer, 400)
    for example in examples:
        kinds = {(needle.kind, needle.hop) for needle in example.needles}
        assert kinds == {("bridge", 1), ("answer", 2)}
    data_rows[1]["paragraphs"] = "__import__('os').getcwd()"
    with pytest.raises(UserError, match=r"m\.jsonl:2: a field is no list"):
        read_source("musique", write(tmp_path / "m.jsonl", data_rows))


def test_haystacks_in_their_published_form(tmp_path, lm):
    """SummHay's real variant: every document with the insight, cited by number."""
    documents = [
        {
            "document_id": f"d{i}",
            "document_text": f"Talk {i}. " + "We met. " * 10,
            "insights_included": ["in0"] if i in (1, 4) else ["in1"] if i == 2 else [],
        }
        for i in range(8)
    ]
    rows = [
        {
            "topic_id": t,
            "topic": f"meeting {t}",
            "documents": documents,
            "subtopics": [
                {
                    "query": "what",
                    "insights": [
                        {"insight_id": f"in{k}", "insight": f"Insight {k} of {t}"}
                        for k in (0, 1, 2)
                    ],
                }
            ],
        }
        for t in range(3)
    ]
    for row in rows:
        for number, insight in enumerate(row["subtopics"][0]["insights"]):
            insight["insight_id"] = f"in{number}"
    source = tmp_path / "haystacks.json"
    source.write_text(json.dumps(rows))
    made = built(tmp_path / "s", source, "summhay", "real-full", n=4, allow_fewer=True)
    check_needles(made, lm.tokenizer, 600)
    for example in made:
        gold = {d.doc_id for d in example.documents if d.role == "gold"}
        assert {int(a) for a in example.answers} == gold
        assert {n.kind for n in example.needles} == {"doc_id", "insight"}
    reasons = json.loads((tmp_path / "s" / "manifest.json").read_text())["dropped"]
    assert "the source has no haystack documents" in str(reasons)
    topics = [
        {item.topic for item in part}
        for part in split_items(read_source("summhay", source), "summhay", 0).values()
    ]
    assert not topics[0] & topics[2]


def test_a_context_that_is_too_small_is_dropped_or_told(questions, tmp_path):
    with pytest.raises(UserError, match=r"0 usable.*8 wanted.*need \d+ tokens, -?\d+ of 100"):
        built(tmp_path, questions, variant="real-full", context_tokens=100)


def test_prompts_follow_the_users_templates_and_the_chat_frame(tmp_path, lm):
    (tmp_path / "document.jinja").write_text("<{{ number }}> {{ text }} ({{ title }})\n")
    span = Span("answer", 4, 8)
    prompt = compose(
        "mdqa",
        "why?",
        [Draft("the cake here", "gold", "T", None, (span,))],
        folder=tmp_path,
        chat=ChatFrame.of(lm.tokenizer),
    )
    assert "<1> the cake here (T)" in prompt.text and prompt.needle_texts == ("cake",)
    assert prompt.text.count("<|im_start|>user") == 1 and prompt.text.endswith("Answer:")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "document.jinja").write_text("{{ text }}")
    with pytest.raises(UserError, match="number, then text"):
        compose("mdqa", "why?", [Draft("x", "gold", "U")], folder=tmp_path / "other")


def test_render_gives_prompt_and_target_again(facts, tmp_path):
    example = built(tmp_path, facts)[0]
    assert render(example) == (example.prompt, example.target)


def test_check_17_depths(lm):
    """Ten different, increasing places in 2,000 tokens, after a sentence or a blank."""
    from retrievalheads.heads.needle_in_haystack import default_haystack

    haystack = Haystack(lm.tokenizer, default_haystack())
    places = haystack.points(2000, 10)
    assert len(set(places)) == 10 and places == sorted(places)
    assert places[0] == 0 and places[-1] == 2000
    for place in places[1:-1]:
        start = haystack.offsets[place][0]
        assert haystack.text[start] == " " or haystack.text[start - 1].isspace()
        assert haystack.text[:start].rstrip()[-1] in ".!?"
    assert insertion_points("one two three four", 3) == [0, 8, 18]
    assert insertion_points("abcdefgh", 3) == [0, 4, 8]


FACT = Fact("Lake Orrin", "depth", "41 metres")
GOOD = "Lake Orrin lies low. " + "Reeds grow on its shore. " * 9 + "It goes down 41 metres there."


def test_texts_of_a_model_are_checked_and_asked_for_again():
    """Broken JSON first, then a value that is missing, then a good one; and one that never is."""
    seeds = []

    def generate(asked):
        replies = []
        for _, prompt, opening, seed in asked:
            assert opening == '{"passage": "'
            assert "Lake Orrin" in prompt or "Hill" in prompt
            seeds.append(seed)
            good = json.dumps({"passage": GOOD})
            bad = ["{broken", json.dumps({"passage": "no value " * 50}), "Sure! " + good]
            replies.append(bad[seed] if "Lake Orrin" in prompt.split("Reply")[0] else "no")
        return replies

    writer = ModelWriter(generate)
    other = Fact("Hill", "height", "9")
    writer.prepare([Need("passage", fact=FACT), Need("passage", fact=other)])
    written = writer.passage(FACT, None)
    assert written.text[slice(*written.spans[0])] == "41 metres"
    with pytest.raises(UnwrittenError):
        writer.passage(other, None)
    assert seeds == [0, 0, 1, 1, 2, 2] and sum(writer.failed.values()) == 5
    assert [row.passage for row in writer.rows] == [GOOD]


def test_cached_texts_are_read_and_checked(tmp_path):
    row = {"entity": "Lake Orrin", "relation": "depth", "value": "41 metres", "passage": GOOD}
    writer = CacheWriter.read(write(tmp_path / "c.jsonl", [row]))
    assert writer.passage(FACT, None).text == GOOD
    write(tmp_path / "c.jsonl", [row, row | {"passage": GOOD + " 41 metres"}])
    with pytest.raises(UserError, match=r"c\.jsonl:2: .* 2 times"):
        CacheWriter.read(tmp_path / "c.jsonl")
    with pytest.raises(ValueError, match="words"):
        checked_passage("41 metres", FACT)


def test_the_shipped_passages_are_a_source_of_their_own(tmp_path, lm):
    """Sixty facts with their texts; contexts of other passages, the same relation among them."""
    from retrievalheads.inputs.fact_writers import shipped_passages

    assert len(CacheWriter.read(shipped_passages()).passages) >= 60
    examples = built(tmp_path, "", generator="cache", n=20, context_tokens=1024)
    check_needles(examples, lm.tokenizer, 1024, full=True)
    for example in examples:
        roles = Counter(document.role for document in example.documents)
        assert roles["gold"] == 1 and roles["distractor"] >= 4
        assert sum(example.answers[0] in document.text for document in example.documents) == 1
    with pytest.raises(UserError, match="--source FILE"):
        built(tmp_path, "", "musique")


def test_braces_in_texts_mean_nothing():
    import random

    fact = Fact("The {entity} of {value}", "{relation}", "{0}")
    written = TemplateWriter().passage(fact, random.Random(0))
    assert written.text[slice(*written.spans[0])] == "{0}"
    assert "The {entity} of {value}" in written.text


def test_tokenizers_that_do_not_exist_are_told():
    with pytest.raises(UserError, match="--tokenizer"):
        load_tokenizer("hf:/no/such/folder")
