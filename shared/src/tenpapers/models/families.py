"""The one table of model families: what transformers calls the parts of each, and who reads them.

To add a family, add its line here and its sizes to `shared/tests/models/test_layout.py`.
"""

from typing import Literal, NamedTuple


class Family(NamedTuple):
    """Facts about the classes of one architecture (`model_type`).

    Parameters
    ----------
    layers : list of the layers, from the text decoder on (`get_decoder()`).
    projection : output projection of the attention, from a layer on.
    values : projection of the values, from a layer on.
    fused : how queries, keys and values lie in `values`: "" apart, "blocks" (all queries, all keys,
        all values), "heads" (the three of a head, then those of the next).
    mlp : module of a layer whose output is that of its MLP.
    bias : of the output projection: "own" (always there), "switch" (`attention_bias=true` gives one
        to all projections), "none" (a checkpoint with one is read without it).
    vllm : whether vLLM 0.32 reads that bias.
    restartable : its decoder takes `inputs_embeds` as they are, so that a forward pass can begin at
        any layer; Gemma and Granite scale them, GPT-2 adds positions.
    like_llama : LlamaForCausalLM with biases computes the same.
    """

    layers: str = "layers"
    projection: str = "self_attn.o_proj"
    values: str = "self_attn.v_proj"
    fused: Literal["", "blocks", "heads"] = ""
    mlp: str = "mlp"
    bias: Literal["own", "switch", "none"] = "none"
    vllm: bool = False
    restartable: bool = False
    like_llama: bool = False

    @property
    def query_and_value(self) -> list[str]:
        """Last names of the modules that give queries and values."""
        values = self.values.rpartition(".")[2]
        return [values] if self.fused else ["q_proj", values]


_SWITCHED = Family(bias="switch")
FAMILIES = {
    "cohere": Family(bias="switch", restartable=True),
    "cohere2": Family(bias="switch", restartable=True),
    "gemma": _SWITCHED,
    "gemma2": Family(bias="switch", vllm=True),
    "gemma3_text": Family(bias="switch", vllm=True),
    "glm": Family(),
    "glm4": Family(),
    "gpt2": Family("h", "attn.c_proj", "attn.c_attn", "blocks", bias="own", vllm=True),
    "gpt_neox": Family(
        projection="attention.dense",
        values="attention.query_key_value",
        fused="heads",
        bias="switch",
        vllm=True,
    ),
    "gpt_oss": _SWITCHED,
    "granite": Family(bias="switch", vllm=True),
    "llama": Family(bias="switch", vllm=True, restartable=True),
    "mistral": Family(restartable=True, like_llama=True),
    "mixtral": Family(),
    "olmo": _SWITCHED,
    "olmo2": _SWITCHED,
    "olmo3": _SWITCHED,
    "opt": Family(projection="self_attn.out_proj", mlp="fc2", bias="own", vllm=True),
    "phi": Family(projection="self_attn.dense", bias="own"),
    "phi3": Family(values="self_attn.qkv_proj", fused="blocks"),
    "qwen2": Family(restartable=True, like_llama=True),
    "qwen3": Family(bias="switch", restartable=True),
    "qwen3_moe": _SWITCHED,
    "smollm3": Family(bias="switch", restartable=True),
    "stablelm": Family(),
    "starcoder2": Family(bias="own"),
}
