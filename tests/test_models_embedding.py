"""A model with an embedding: token ids in, and what it computes is what its cell computes of their vectors."""

from pathlib import Path

import jaxtyping
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import tapehead
from tests.processes import elsewhere
from tests.small_models import INPUT_SIZE, KINDS, MEMORY_KINDS, made

T, B, WIDTH = 5, 3, 6


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off the checks that only the tests put into the signatures."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


every_kind = pytest.mark.parametrize("kind", KINDS)


def drawn_ids(*shape: int) -> torch.Tensor:
    return torch.randint(INPUT_SIZE, shape, generator=torch.Generator().manual_seed(1))


@every_kind
def test_outputs_and_gradients_are_those_of_the_cell_on_the_vectors(kind: str) -> None:
    model = made(kind, embedding_size=WIDTH)
    assert model.cell.input_size == WIDTH
    ids = drawn_ids(T, B)
    outputs, state = model(ids)
    vectors = model.embedding.weight[ids].detach().requires_grad_()
    expected, expected_state, _ = model.cell.scan(vectors, model.cell.expand_initial_state(B))
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(tuple(state), tuple(expected_state))
    (outputs**2).sum().backward()
    (expected**2).sum().backward()
    gradient = torch.zeros_like(model.embedding.weight).index_add(0, ids.flatten(), vectors.grad.flatten(0, 1))
    torch.testing.assert_close(model.embedding.weight.grad, gradient)


@every_kind
def test_an_embedding_of_one_hot_vectors_is_no_embedding(kind: str) -> None:
    plain, model = made(kind), made(kind, embedding_size=INPUT_SIZE)
    model.cell.load_state_dict(plain.cell.state_dict())
    torch.nn.init.eye_(model.embedding.weight)
    ids = drawn_ids(T, B)
    channels = torch.nn.functional.one_hot(ids, INPUT_SIZE).double()
    torch.testing.assert_close(model(ids)[0], plain(channels)[0])


@every_kind
def test_ids_come_in_every_form_that_vectors_come_in(kind: str) -> None:
    model, ids = made(kind, embedding_size=WIDTH), drawn_ids(T, B)
    outputs, _ = model(ids)
    first = made(kind, embedding_size=WIDTH, batch_first=True)
    torch.testing.assert_close(first(ids.T)[0].transpose(0, 1), outputs)
    torch.testing.assert_close(model(ids[:, 0])[0], outputs[:, 0])
    before, middle = model(ids[:2])
    torch.testing.assert_close(torch.cat([before, model(ids[2:], middle)[0]]), outputs)
    torch.testing.assert_close(model.trace(ids).outputs, outputs)
    lengths = [5, 2, 4]
    packed = pack_padded_sequence(ids, torch.tensor(lengths), enforce_sorted=False)
    unpacked, _ = pad_packed_sequence(model(packed)[0])
    torch.testing.assert_close(unpacked, model(ids, lengths=lengths)[0])


@every_kind
def test_a_saved_model_comes_back_with_its_embedding(kind: str, tmp_path: Path) -> None:
    model, ids = made(kind, embedding_size=WIDTH), drawn_ids(T, B)
    model.save(tmp_path / "model.safetensors")
    loaded = tapehead.load(tmp_path / "model.safetensors")
    assert loaded.config == model.config
    assert torch.equal(loaded(ids)[0], model(ids)[0])


@pytest.mark.parametrize("kind", MEMORY_KINDS)
def test_heads_are_recomputed_from_ids(kind: str) -> None:
    model, ids = made(kind, embedding_size=WIDTH), drawn_ids(T, B)
    states = model.trace(ids).states
    from_ids, plain = model.interface(ids, states), made(kind, embedding_size=WIDTH)
    vectors = plain.embedding.weight[ids].detach()
    plain.embedding = None
    torch.testing.assert_close(from_ids.add, plain.interface(vectors, states).add)


@pytest.mark.parametrize("kind", [kind for kind in MEMORY_KINDS if KINDS[kind][1].get("memory_init") != "random"])
def test_a_larger_memory_keeps_the_embedding(kind: str) -> None:
    model, ids = made(kind, embedding_size=WIDTH), drawn_ids(T, B)
    larger = model.with_memory_slots(20)
    assert larger.config["embedding_size"] == WIDTH
    assert torch.equal(larger.embedding.weight, model.embedding.weight)
    assert larger(ids)[0].shape == model(ids)[0].shape


@every_kind
@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (drawn_ids(T, B).double(), TypeError, "torch.float64"),
        (torch.rand(T, B, INPUT_SIZE), TypeError, "torch.float32"),
        (drawn_ids(T, B).int(), TypeError, "torch.int32"),
        ([[1, 2]], TypeError, "list"),
        (drawn_ids(T, B, 2), ValueError, r"of shape \(5, 3, 2\)"),
        (torch.tensor(1), ValueError, r"of shape \(\)"),
        (drawn_ids(T, B) + 1, ValueError, "from 1 to 5"),
        (drawn_ids(T, B) - 1, ValueError, "from -1 to 3"),
    ],
)
def test_what_are_no_ids_is_refused(kind: str, wrong: object, error: type[Exception], said: str) -> None:
    model = made(kind, embedding_size=WIDTH)
    expected = rf"^inputs: expected token ids from 0 to 4, torch.int64 of shape \(T, B\) or \(T,\), not {said}$"
    with pytest.raises(error, match=expected):
        model(wrong)


def test_ids_on_another_device_are_refused() -> None:
    with pytest.raises(ValueError, match="^inputs: expected a tensor on cpu, where the parameters are, not on meta$"):
        made("lstm", embedding_size=WIDTH)(drawn_ids(T, B).to("meta"))


@every_kind
def test_no_sequences_and_no_steps_have_no_outputs(kind: str) -> None:
    model = made(kind, embedding_size=WIDTH)
    assert model(drawn_ids(T, 0))[0].shape[:2] == (T, 0)
    assert model(drawn_ids(0, B))[0].shape[:2] == (0, B)


def compile_and_run(kind: str) -> None:
    """Called in a process of its own, as the tests' checks of signatures cannot be compiled."""
    model, ids = made(kind, embedding_size=WIDTH), drawn_ids(T, B)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(ids)[0], model(ids)[0])
    with pytest.raises(IndexError):
        compiled(ids + 1)


def test_a_compiled_model_takes_ids() -> None:
    elsewhere(compile_and_run, "ntm addressing by content")
