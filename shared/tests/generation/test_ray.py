"""A real cluster of several nodes on this machine."""

import logging

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, open_generator
from tenpapers.testing import free_port

from .conftest import greedy_requests, needs_ray


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
    requests = greedy_requests(6)
    with open_generator("ray:smollm2?workers=2&per_worker=2", cache=False) as generator:
        stream = generator.stream(requests)
        done = [next(stream)]
        # The node of a worker goes without a goodbye; a new one takes its place later.
        cluster.remove_node(nodes[1], allow_graceful=False)
        done += list(stream)
        (score,) = generator.score("1, 2, 3,", [" 4"])
    assert sorted(c.id for c in done) == sorted(r.id for r in requests)
    assert not any(c.failed for c in done)
    assert all(expected[c.id].startswith(c.text) for c in done)
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


def test_a_cluster_that_is_gone_is_told_at_once_and_a_note_of_one_is_passed_over(
    tmp_path, monkeypatch
):
    from tenpapers.generation.ray import _living_cluster

    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert _living_cluster() is None
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(address)
    assert _living_cluster() == "local"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UserError, match=f"RAY_ADDRESS={address}: no cluster there"):
        _living_cluster()
