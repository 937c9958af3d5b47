"""`run` through a server: vLLM behind its OpenAI-compatible address."""

import http.client
import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
from tenpapers.models import embedded_path
from tocot.answering.run import run

from .conftest import ask, kept, sums


@pytest.fixture(scope="module")
def address():
    """`vllm` serving the embedded model on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "vllm.entrypoints.openai.api_server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--model",
            str(embedded_path("smollm2")),
            "--served-model-name",
            "smollm2",
            "--enforce-eager",
            "--dtype",
            "float32",
            "--max-model-len",
            "1024",
        ],
        env=os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(400):
            assert process.poll() is None, "the server ended"
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(1)
        else:
            pytest.fail("the server does not answer")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


@pytest.mark.vllm
@pytest.mark.timeout(500)
@pytest.mark.skipif(not find_spec("vllm"), reason="vLLM is not installed")
@pytest.mark.parametrize("style", ["prefill", "unified"])
def test_a_server_with_vllm_answers_as_transformers_do(address, model, tmp_path, style):
    """With a prefill, stop strings and a stop pattern; a float tie may break one text."""
    items = [
        sums(n, question=f"Tom has {n} apples and buys {n + 2} more. How many are these?")
        for n in range(4)
    ]
    theirs = ask(f"openai:smollm2@{address}", items, tmp_path, "--style", style)
    given = {"style": style, "budgets": (8, 24), "progress": False}
    with kept(tmp_path / "hf.jsonl") as log:
        ours = run(model, items, ["zs_direct", "zs_cot"], log, **given)
    assert len(theirs) == len(ours) == 8
    same = 0
    for one in ours:
        row = theirs[one.setting, one.id]
        assert not row["errored"] and row["response"].startswith(one.prefill)
        assert row["prompt_tokens"] == one.prompt_tokens and row["new_tokens"] <= 24
        same += row["response"].strip() == one.response.strip() and row["answer"] == one.answer
    assert same >= 7
    assert (ours[0].prefill == "$\\boxed{") == (style == "prefill")
