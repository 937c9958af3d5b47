"""The benchmark."""

from retrievalheads.heads import needle_in_haystack
from retrievalheads.speed.compare import run_bench
from retrievalheads.speed.settings import BenchSettings

from ..conftest import wrong


def test_bench_prints_scoring_grid_and_memory(reader, monkeypatch):
    """The whole benchmark on a small grid; hits must agree or it raises."""
    monkeypatch.setattr(needle_in_haystack, "SUCCESS_ROUGE", -1.0)  # all count as found
    settings = BenchSettings(
        model=f"hf:{reader}",
        lengths="600",
        depths=2,
        needles=1,
        timed_tokens=1200,
        memory_tokens=128,
        threads="1",
    )
    found = run_bench(settings)
    assert set(found.values["threads_1"]["scoring"]) == {"600"}
    assert found.values["cells"] == 2 and "ours, --multi-needle" in found.text


def test_bench_refuses_lengths_whose_maps_do_not_fit():
    assert "attention maps take" in wrong("bench", "--lengths", "256,100000")
