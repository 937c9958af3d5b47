import pytest
from tenpapers.testing import cli_fixture, data_fixture, tiny_checkpoint

data = data_fixture("codeupdatearena")
cli = cli_fixture("codeupdatearena")


@pytest.fixture(scope="session")
def real(data):
    from codeupdatearena.inputs.arena import load_arena

    return load_arena(data / "arena-grouped.jsonl.gz")


@pytest.fixture(scope="session")
def mini_file():
    """The arena that ships with the package."""
    from codeupdatearena.study.settings import bundled_arena

    return bundled_arena()


@pytest.fixture(scope="session")
def mini(mini_file):
    from codeupdatearena.inputs.arena import load_arena

    return load_arena(mini_file)


@pytest.fixture(scope="session")
def lm():
    """SmolLM2 as it is; a test that edits it takes a model of its own."""
    from tenpapers.models import load_causal_lm

    return load_causal_lm("smollm2")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Folder of a random Llama of two small layers."""
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"), num_hidden_layers=2)


@pytest.fixture
def allowed(monkeypatch):
    """Agree to run model-written code."""
    monkeypatch.setenv("TENPAPERS_ALLOW_CODE", "1")


def by_id(arena, start):
    """The first example whose id begins so."""
    return next(e for e in arena.examples if e.prog_syn_id.startswith(start))


def four_examples(arena):
    """The examples of the first update and one more, in the order of their index."""
    group = next(iter(arena.by_update().values()))
    name = group[0].prog_syn_id.replace("-0]", "-3]")
    return [*group, group[0].model_copy(update={"prog_syn_id": name})]


def references(arena, n=1, **change):
    """Rows of predictions: every example's reference solution, n times."""
    return [
        {"prog_syn_id": example.prog_syn_id, "sample": sample, "code": example.ref_solution}
        | change
        for example in arena.examples
        for sample in range(n)
    ]
