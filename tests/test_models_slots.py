"""A state may have another number of memory slots than its model: the model then runs as one made with that number."""

from itertools import product

import numpy as np
import pytest
import torch

import tapehead
from tapehead.training.data import Purpose, make_generator
from tapehead.training.step import Learner
from tests.small_models import INPUT_SIZE, drawn_inputs
from tests.training.tiny import tiny_config

T, B, SLOTS = 6, 3, 7
MODELS = {"ntm": tapehead.NTM, "dnc": tapehead.DNC}
INITIAL = [
    {"memory_init": memory, "memory_trainable": trainable}
    for memory, trainable in (("constant", None), ("constant", True), ("learned", None), ("random", False))
]
HEADS = [{"head_init": heads, "read_init": "learned"} for heads in ("onehot", "uniform", "learned")]


def made(kind: str, **options: object) -> tapehead.NTM | tapehead.DNC:
    torch.manual_seed(1)
    sizes = {"hidden_size": 5, "memory_slots": SLOTS, "memory_width": 4, "dtype": torch.float64}
    return MODELS[kind](INPUT_SIZE, 2, **sizes, **options)


KINDS = [("ntm", initial | heads) for initial, heads in product(INITIAL, HEADS)] + [("dnc", each) for each in INITIAL]


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("slots", [3, 5, SLOTS, 12])
def test_a_state_of_other_slots_is_run_as_by_a_model_of_that_many(kind: str, options: dict, slots: int) -> None:
    model, inputs = made(kind, **options), drawn_inputs(T, B)
    if options["memory_init"] == "random" and slots > SLOTS:
        with pytest.raises(ValueError, match=f"memory_slots: expected at most {SLOTS}, as many as are drawn, not 12"):
            model.initial_state(B, slots)
        return
    outputs, state = model(inputs, model.initial_state(B, slots))
    expected, expected_state = model.with_memory_slots(slots)(inputs)
    torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)
    for name, ours, theirs in zip(state._fields, state, expected_state, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12, msg=name)
    again, _ = model(inputs, state)
    torch.testing.assert_close(again, model.with_memory_slots(slots)(inputs, expected_state)[0])


@pytest.mark.parametrize("slots", [3, SLOTS, 12])
def test_gradients_reach_a_learned_memory_and_its_weightings(slots: int) -> None:
    model = made("ntm", memory_init="learned", head_init="learned", read_init="learned")
    model(drawn_inputs(T, B), model.cell.expand_initial_state(B, slots))[0].sum().backward()
    used = min(slots, SLOTS)
    assert (model.cell.initial.memory.grad[:used] != 0).any(1).all()
    assert model.cell.initial.weightings.grad[:, :used].any()
    if used < SLOTS:
        assert not model.cell.initial.memory.grad[used:].any()


def test_an_unbatched_state_of_other_slots_is_run_too() -> None:
    model, inputs = made("ntm"), drawn_inputs(T)
    state = tapehead.map_state(lambda tensor: tensor[0], model.initial_state(1, 12))
    outputs, after = model(inputs, state)
    assert after.memory.shape == (12, 4)
    torch.testing.assert_close(outputs, model.with_memory_slots(12)(inputs)[0])
    assert model.trace(inputs, state).states.memory.shape == (T, 12, 4)


def test_too_few_slots_are_refused_by_name() -> None:
    for slots, least, options in (2, 3, {}), (4, 5, {"shift_range": 2}):
        with pytest.raises(ValueError, match=f"^memory_slots: expected a whole number >= {least}, not {slots}$"):
            made("ntm", **options).initial_state(B, slots)
    with pytest.raises(ValueError, match="^memory_slots: expected a whole number >= 1, not 0$"):
        made("dnc").initial_state(B, 0)


def slots_of(learner: Learner, step: int) -> int:
    state = learner._draw_initial_state(step, 4)
    assert state is not None
    return int(state.memory.shape[1])


def test_the_slots_of_a_training_step_are_drawn_evenly_in_the_reciprocal_by_seed_and_step() -> None:
    learner = Learner(tiny_config("ntm", memory_slots=64, min_memory_slots=8))
    drawn = np.array([slots_of(learner, step) for step in range(1, 3001)])
    assert (drawn.min(), drawn.max()) == (8, 64)
    shares = [((low <= drawn) & (drawn < high)).mean() for low, high in ((8, 16), (16, 32), (32, 65))]
    reciprocals = 1 / np.array([8, 16, 32, 65])
    assert np.allclose(shares, np.diff(reciprocals) / (1 / 65 - 1 / 8), atol=0.03)  # 3.3 standard errors
    again, other = (Learner(tiny_config("ntm", memory_slots=64, min_memory_slots=8, seed=seed)) for seed in (1, 2))
    assert [slots_of(again, step) for step in (9, 3, 5)] == drawn[[8, 2, 4]].tolist()
    assert [slots_of(other, step) for step in range(1, 20)] != drawn[:19].tolist()


@pytest.mark.parametrize(("least", "most", "longest", "expected"), [(8, 16, 12, 12), (22, 16, 12, 16), (8, 16, 20, 16)])
def test_the_drawn_slots_hold_the_longest_training_sequence_as_far_as_the_model_does(
    least: int, most: int, longest: int, expected: int
) -> None:
    config = tiny_config("ntm", max_length=longest, memory_slots=most, min_memory_slots=least)
    learner = Learner(config)
    drawn = [slots_of(learner, step) for step in range(1, 301)]
    assert (min(drawn), max(drawn)) == (expected, most)


def test_the_drawn_slots_have_random_numbers_of_their_own() -> None:
    batches = [
        Learner(tiny_config("ntm", memory_slots=8, min_memory_slots=least))._take_batch(1)[1] for least in (None, 4)
    ]
    assert torch.equal(batches[0].inputs, batches[1].inputs)
    assert make_generator(1, Purpose.MEMORY, 1).random() != make_generator(1, Purpose.TRAINING, 1).random()


def test_the_models_own_slots_as_the_fewest_change_nothing() -> None:
    weights = []
    for least in (None, 5):
        learner = Learner(tiny_config(memory_slots=5, min_memory_slots=least))
        for step in range(1, 6):
            learner.train_step(step)
        weights.append(learner.weights.detach())
    assert torch.equal(*weights)
