import pytest
from tenpapers.errors import UserError
from tenpapers.generation import Request, Sampling, open_generator

from .conftest import PROMPTS, greedy_requests, needs_ray


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_killed_ray_worker_loses_no_request(expected, monkeypatch):
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setattr("tenpapers.generation.ray.TASK_SIZE", 2)
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        nodes = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        requests = greedy_requests() + [
            Request(id=f"{i}b", prompt=f"{prompt} and", sampling=Sampling(max_tokens=24))
            for i, prompt in enumerate(PROMPTS)
        ]
        with open_generator("ray:smollm2?workers=2", cache=False) as generator:
            stream = generator.stream(requests)
            done = [next(stream)]
            # The node of a worker goes without a goodbye; a new one takes its place later.
            cluster.remove_node(nodes[1], allow_graceful=False)
            done += list(stream)
        assert sorted(c.id for c in done) == sorted(r.id for r in requests)
        assert not any(c.failed for c in done)
        texts = {c.id: c.text for c in done}
        assert {name: texts[name] for name in expected} == expected
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_ray_runs_only_models_in_process():
    with pytest.raises(UserError, match="ray runs hf: and vllm:"):
        open_generator("ray:openai:m@http://h")
    with pytest.raises(UserError, match="workers=0"):
        open_generator("ray:smollm2?workers=0")
