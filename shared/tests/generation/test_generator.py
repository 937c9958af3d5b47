import pytest
from tenpapers.errors import UserError
from tenpapers.generation import (
    Completion,
    CompletionCache,
    Generator,
    Request,
    Sampling,
    Score,
    open_generator,
)
from tenpapers.generation.types import forget


class Counting:
    """A backend that answers with the prompt in capitals and counts what it is asked."""

    family, model, identity = "counting", "m", "1"
    reasons = {"bad": "error", "no": "refused", "hush": "filtered"}

    def __init__(self):
        self.asked = []
        self.closed = False

    def stream(self, requests, keep=forget):
        for request in requests:
            self.asked.append(request.id)
            reason = self.reasons.get(request.prompt, "length")
            completion = Completion(
                id=request.id, text=(request.prompt or "").upper(), finish_reason=reason
            )
            keep(completion)
            yield completion

    def score(self, prompt, continuations):
        self.asked += continuations
        return [Score(-float(len(text)), (-float(len(text)),)) for text in continuations]

    def close(self):
        self.closed = True


@pytest.fixture
def cache(tmp_path):
    return lambda: CompletionCache(tmp_path / "c.sqlite")


def test_a_second_run_asks_the_model_nothing(cache):
    requests = [Request(id=str(i), prompt=f"p{i}") for i in range(5)]
    for asked in (5, 0):
        backend = Counting()
        with Generator(backend, cache()) as generator:
            assert [c.text for c in generator.generate(requests)] == ["P0", "P1", "P2", "P3", "P4"]
            assert generator.calls == asked
        assert len(backend.asked) == asked and backend.closed


def test_equal_requests_are_asked_once_and_answered_under_each_id(cache):
    backend = Counting()
    requests = [Request(id="a", prompt="x"), Request(id="b", prompt="x")]
    with Generator(backend, cache()) as generator:
        assert [(c.id, c.text) for c in generator.generate(requests)] == [("a", "X"), ("b", "X")]
    assert backend.asked == ["a"]


def test_another_seed_is_another_question(cache):
    backend = Counting()
    first = Request(id="a", prompt="x")
    with Generator(backend, cache()) as generator:
        generator.generate([first])
        generator.generate([first.model_copy(update={"sampling": Sampling(seed=1)})])
    assert len(backend.asked) == 2


def test_what_is_no_answer_is_a_completion_and_is_asked_again(cache):
    backend = Counting()
    requests = [Request(id=prompt, prompt=prompt) for prompt in ("bad", "no", "hush", "good")]
    with Generator(backend, cache()) as generator:
        for _ in range(2):
            done = generator.generate(requests)
            assert [c.finish_reason for c in done] == ["error", "refused", "filtered", "length"]
            assert [c.text for c in done] == ["", "NO", "HUSH", "GOOD"]
    assert backend.asked == ["bad", "no", "hush", "good", "bad", "no", "hush"]


def test_an_answer_is_kept_though_whoever_reads_works_on_the_one_before(cache):
    class Eager(Counting):
        def stream(self, requests, keep=forget):
            yield from list(super().stream(requests, keep))

    requests = [Request(id=str(i), prompt=f"p{i}") for i in range(3)]
    with Generator(Eager(), cache()) as generator:
        next(generator.stream(requests))
    with Generator(Counting(), cache()) as generator:
        generator.generate(requests)
        assert generator.calls == 0


def test_scores_are_computed_once_and_come_in_the_order_asked_for(cache):
    backend = Counting()
    with Generator(backend, cache()) as generator:
        assert [s.total for s in generator.score("p", ["aa", "b", "aa"])] == [-2, -1, -2]
        assert [s.total for s in generator.score("p", ["ccc", "b"])] == [-3, -1]
    with Generator(backend, cache()) as generator:
        assert [s.total for s in generator.score("p", ["ccc"])] == [-3]
        assert [s.total for s in generator.score("q", ["ccc"])] == [-3]
    assert backend.asked == ["aa", "b", "ccc", "ccc"]


def test_without_a_cache_the_model_is_asked_every_time():
    backend = Counting()
    with Generator(backend) as generator:
        for _ in range(2):
            generator.generate([Request(id="a", prompt="x")])
    assert backend.asked == ["a", "a"]


def test_completions_keep_the_order_of_the_requests_though_cached_ones_come_first(cache):
    first, second = Request(id="a", prompt="x"), Request(id="b", prompt="y")
    with Generator(Counting(), cache()) as generator:
        generator.generate([second])
        assert [c.id for c in generator.stream([first, second])] == ["b", "a"]
        assert [c.id for c in generator.generate([first, second])] == ["a", "b"]


def test_two_requests_with_one_id_are_refused():
    with pytest.raises(UserError, match="same id"):
        Generator(Counting()).generate([Request(id="a", prompt="x"), Request(id="a", prompt="y")])


@pytest.mark.parametrize(
    ("pattern", "text", "reason"),
    [
        (r"C\d", "ABC1", "stop"),  # cut after the match
        (r"D", "ABC1D", "length"),  # the match ends the text: nothing to cut
        (r"Z", "ABC1D", "length"),
        ("", "ABC1D", "length"),
    ],
)
def test_a_text_ends_with_the_first_match_of_its_stop_pattern(pattern, text, reason):
    request = Request(id="a", prompt="abc1d", sampling=Sampling(stop_pattern=pattern))
    (completion,) = Generator(Counting()).generate([request])
    assert (completion.text, completion.finish_reason) == (text, reason)


def test_a_progress_bar_goes_to_standard_error_and_only_if_asked_for(capsys):
    generator = Generator(Counting())
    generator.generate([Request(id="a", prompt="x")])
    assert capsys.readouterr().err == ""
    generator.generate([Request(id="a", prompt="x")], progress="answers")
    shown = capsys.readouterr()
    assert "answers: 100%" in shown.err and shown.out == ""


def test_the_users_own_cache_is_used_unless_there_is_to_be_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TENPAPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with open_generator("openai:m") as generator:
        assert generator.cache.path == tmp_path / "cache" / "completions.sqlite"
    with open_generator("openai:m", cache=False) as generator:
        assert generator.cache is None
