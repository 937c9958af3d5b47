"""A real cluster of several nodes on this machine."""

import logging

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling, open_generator

from .conftest import PROMPTS, greedy_requests, needs_ray


@pytest.fixture
def cluster(monkeypatch):
    """Ray's own cluster on loopback; nodes are added by the test."""
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def connect(cluster):
    import ray

    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_killed_ray_worker_loses_no_request(cluster, expected):
    nodes = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(2)]
    connect(cluster)
    requests = greedy_requests() + [
        Request(id=f"{i}b", prompt=f"{prompt} and", sampling=Sampling(max_tokens=24))
        for i, prompt in enumerate(PROMPTS)
    ]
    with open_generator("ray:smollm2?workers=2&per_worker=4", cache=False) as generator:
        stream = generator.stream(requests)
        done = [next(stream)]
        # The node of a worker goes without a goodbye; a new one takes its place later.
        cluster.remove_node(nodes[1], allow_graceful=False)
        done += list(stream)
        (score,) = generator.score("1, 2, 3,", [" 4"])
    assert sorted(c.id for c in done) == sorted(r.id for r in requests)
    assert not any(c.failed for c in done)
    texts = {c.id: c.text for c in done}
    assert {name: texts[name] for name in expected} == expected
    assert -3 < score.total < 0


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_cluster_without_room_says_what_is_missing_and_patience_ends(
    cluster, monkeypatch, caplog
):
    monkeypatch.setattr("tenpapers.generation.ray.LOOK_SECONDS", 0.5)
    cluster.add_node(num_cpus=0, num_gpus=1, include_dashboard=False)
    connect(cluster)
    wanted = "a worker needs 1 CPU and 1 GPU, the cluster has 0 of 0 CPUs and 1 of 1 GPUs free"
    with (
        caplog.at_level(logging.WARNING),
        open_generator("ray:smollm2", cache=False, patience=3) as generator,
        pytest.raises(UserError, match=f"ray: no room for 3 s: {wanted}; --patience waits longer"),
    ):
        generator.generate([Request(id="a", prompt="1, 2,")])
    assert caplog.text.count(f"waiting for room: {wanted}") == 1


def test_ray_runs_only_models_in_process():
    with pytest.raises(UserError, match="ray runs hf: and vllm:"):
        open_generator("ray:openai:m@http://h")
    for option in ("workers=0", "per_worker=many"):
        with pytest.raises(UserError, match=option):
            open_generator(f"ray:smollm2?{option}")
