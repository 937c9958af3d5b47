import torch
from cfr.contrast.gradient_cache import backward_in_chunks
from cfr.contrast.losses import info_nce


def network(dropout):
    torch.manual_seed(5)
    return torch.nn.Sequential(
        torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Dropout(dropout), torch.nn.Linear(9, 4)
    ).train()


def chunked_gradients(model, queries, documents, target, size):
    chunks = [(model, part) for given in (queries, documents) for part in given.split(size)]
    split = len(queries.split(size))

    def loss_of(vectors):
        return info_nce(torch.cat(vectors[:split]), torch.cat(vectors[split:]), target).loss

    return backward_in_chunks(chunks, loss_of)


def texts(seed):
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(16, 6, generator=noise), torch.randn(48, 6, generator=noise)


def test_chunks_of_4_of_a_batch_of_16_give_the_gradients_of_one_pass():
    queries, documents = texts(0)
    target = torch.arange(16)
    direct, cached = network(0.0), network(0.0)
    loss, _ = info_nce(direct(queries), direct(documents), target)
    loss.backward()
    other = chunked_gradients(cached, queries, documents, target, 4)
    assert abs(float(loss) - float(other)) < 1e-5
    for one, two in zip(direct.parameters(), cached.parameters(), strict=True):
        assert torch.allclose(one.grad, two.grad, atol=1e-5)


def test_the_second_pass_drops_out_what_the_first_did():
    """One chunk with dropout: its gradient is that of the loss that was told."""
    queries, documents = texts(1)
    target = torch.arange(16)
    direct, cached = network(0.4), network(0.4)
    torch.manual_seed(11)
    loss, _ = info_nce(direct(queries), direct(documents), target)
    loss.backward()
    torch.manual_seed(11)
    other = chunked_gradients(cached, queries, documents, target, 48)
    assert abs(float(loss) - float(other)) < 1e-6
    for one, two in zip(direct.parameters(), cached.parameters(), strict=True):
        assert torch.allclose(one.grad, two.grad, atol=1e-5)


def test_random_numbers_go_on_after_it_as_if_texts_were_encoded_once():
    queries, documents = texts(2)
    model = network(0.4)
    torch.manual_seed(7)
    model(queries), model(documents)
    wanted = torch.rand(1)
    torch.manual_seed(7)
    chunked_gradients(model, queries, documents, torch.arange(16), 48)
    assert torch.equal(torch.rand(1), wanted)
