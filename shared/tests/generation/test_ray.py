"""A real cluster of several nodes on this machine."""

import logging

import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling, open_generator
from tenpapers.testing import tiny_checkpoint

from .conftest import greedy_requests, needs_ray
from .loopback import free_port

# A node is lost once three looks at it failed, so that a test need not wait for half a minute.
QUICK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 200,
    "health_check_failure_threshold": 3,
}


@pytest.fixture(scope="module")
def cluster():
    """Ray's own cluster on loopback, whose first node has a GPU and no CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        import ray
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "num_gpus": 1, "include_dashboard": False, "_system_config": QUICK}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """A tiny model, which a worker loads in no time."""
    return f"hf:{tiny_checkpoint(tmp_path_factory.mktemp('tiny'))}?device=cpu"


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_cluster_without_room_says_what_is_missing_and_patience_ends(
    cluster, monkeypatch, caplog
):
    monkeypatch.setattr("tenpapers.generation.ray.LOOK_SECONDS", 0.5)
    wanted = "a worker needs 1 CPU and 1 GPU, the cluster has 0 of 0 CPUs and 1 of 1 GPUs free"
    with (
        caplog.at_level(logging.WARNING),
        open_generator("ray:smollm2", cache=False, patience=2) as generator,
        pytest.raises(UserError, match=f"ray: no room for 2 s: {wanted}; --patience waits longer"),
    ):
        generator.generate([Request(id="a", prompt="1, 2,")])
    assert caplog.text.count(f"waiting for room: {wanted}") == 1


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nobody_waits_for_the_slowest_and_a_killed_worker_loses_no_request(cluster, spec):
    with open_generator(spec, cache=False) as alone:
        expected = {c.id: c.text for c in alone.stream(greedy_requests(6))}
    nodes = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(2)]
    with open_generator(f"ray:{spec}&workers=2&per_worker=2", cache=False) as generator:
        generator.generate(greedy_requests(1))
        while not all(hired.opened for hired in generator.backend._hired):
            generator.generate(greedy_requests(2))
        slow = Request(id="slow", prompt="1, 2,", sampling=Sampling(max_tokens=400))
        done = [c.id for c in generator.stream([slow, *greedy_requests(2)])]
        # The request that its worker had beside it may come after it.
        assert done.index("slow") >= len(done) - 2 and set(done) == {"slow", *expected}
        stream = generator.stream(greedy_requests(6))
        found = [next(stream)]
        # The node of a worker goes without a goodbye.
        cluster.remove_node(nodes[1], allow_graceful=False)
        found += list(stream)
        (score,) = generator.score("1, 2, 3,", [" 4"])
    assert {c.id: c.text for c in found} == expected and len(found) == len(expected)
    assert -30 < score.total < 0


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
