"""Malformed calls: each gets a Type- or ValueError that names the argument, what was expected and what came.

Without the tests' own checks of the signatures, which a user does not have and which would get in first.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterator

import jaxtyping
import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

import tapehead
from tapehead import map_state
from tapehead.models import Model
from tests.small_models import KINDS, MEMORY_KINDS, drawn_inputs, made

pytestmark = pytest.mark.reliability(6)

T, B = 4, 3

Call = Callable[[], object]
Case = tuple[str, str, Call]
"""What the case is called, the argument that the message must name, and the malformed call."""

NO_COUNTS = [0, -1, 1.5, 2.0, "3", None, True, [3], math.nan, math.inf, (), {}, b"3", 3j, torch.tensor(3), 10**30]
NO_CHOICES = ["", "lstn", "LSTM", "constant ", "auto,", 3, None, True, ["onehot"], 0.5]
NO_FLAGS = [0, 1, "yes", 1.0, [], torch.tensor(True)]
NO_NUMBERS = ["1", [1.0], math.nan, math.inf, -math.inf, True, 1j, torch.tensor(1.0), 10**400]

COUNTS = ["input_size", "output_size", "hidden_size", "num_layers"]
NTM_COUNTS = [*COUNTS, "memory_slots", "memory_width", "read_heads", "write_heads"]
NTM_CHOICES = ["controller", "addressing", "memory_init", "head_init", "read_init", "backend"]
DNC_CHOICES = ["controller", "memory_init", "read_init", "backend"]
DNC_FLAGS = ["masked_content", "deallocate", "sharpen_links"]
NTM_NUMBERS = ["clip", "shift_bias", "sharpening_bias", "gate_bias", "strength_bias", "head_gain", "forget_bias"]


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off the checks that only the tests put into the signatures."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def making(model_type: type[Model], argument: str, *wrong: object, **options: object) -> Iterator[Case]:
    for value in wrong:
        arguments = {"input_size": 3, "output_size": 2, **options, argument: value}
        given = ", ".join(f"{name}={chosen!r:.20}" for name, chosen in {**options, argument: value}.items())
        yield f"{model_type.__name__}({given})", argument, lambda arguments=arguments: model_type(**arguments)


def malformed_constructions() -> Iterator[Case]:
    for argument in NTM_COUNTS:
        yield from making(tapehead.NTM, argument, *NO_COUNTS)
    yield from making(tapehead.NTM, "shift_range", *NO_COUNTS[1:])
    for argument in NTM_CHOICES:
        yield from making(tapehead.NTM, argument, *NO_CHOICES)
    yield from making(tapehead.NTM, "memory_trainable", *NO_FLAGS)
    for argument in NTM_NUMBERS:
        yield from making(tapehead.NTM, argument, *NO_NUMBERS)
    yield from making(tapehead.NTM, "clip", 0, -1, 0.0, -20.0)
    for slots, shift_range in [(1, 1), (2, 1), (4, 2), (6, 3), (128, 64), (128, 1000)]:
        ((what, _, call),) = making(tapehead.NTM, "shift_range", shift_range, memory_slots=slots)
        yield what, "memory_slots, shift_range", call
    yield from making(tapehead.NTM, "num_layers", 2, 3, controller="feedforward")
    yield from malformed_dncs()
    for model_type in (tapehead.LSTM, tapehead.RNN):
        for argument in COUNTS:
            yield from making(model_type, argument, *NO_COUNTS)
        yield from making(model_type, "state_init", *NO_CHOICES)
    for model_type in (tapehead.NTM, tapehead.DNC, tapehead.LSTM, tapehead.RNN):
        yield from making(model_type, "batch_first", *NO_FLAGS, None)
        yield from making(model_type, "embedding_size", *(wrong for wrong in NO_COUNTS if wrong is not None))
        yield from making(model_type, "dtype", torch.int64, torch.complex64, torch.bool, "float32", 32)
        yield from making(model_type, "device", "cua", "", 1.5, torch.float32, [])


def malformed_dncs() -> Iterator[Case]:
    for argument in NTM_COUNTS:
        yield from making(tapehead.DNC, argument, *NO_COUNTS)
    for argument in DNC_CHOICES:
        yield from making(tapehead.DNC, argument, *NO_CHOICES)
    for argument in DNC_FLAGS:
        yield from making(tapehead.DNC, argument, *NO_FLAGS, None)
    yield from making(tapehead.DNC, "memory_trainable", *NO_FLAGS)
    yield from making(tapehead.DNC, "clip", *NO_NUMBERS, 0, -1)
    yield from making(tapehead.DNC, "forget_bias", *NO_NUMBERS)
    yield from making(tapehead.DNC, "sparse_links", *(wrong for wrong in NO_COUNTS if wrong is not None))
    yield from making(tapehead.DNC, "num_layers", 2, 3, controller="feedforward")


def calling(kind: str, what: str, argument: str, call: Callable[[Model], object]) -> Case:
    return f"{kind}: {what}", argument, lambda: call(made(kind))


NESTED = torch.nested.nested_tensor([torch.ones(1), torch.ones(2)], layout=torch.jagged)


def malformed_inputs() -> Iterator[Case]:
    good = drawn_inputs(T, B)
    wrong = [
        None, 3, "inputs", good.tolist(), good.numpy(), (good,), good[0, 0], good[0, 0, 0], good[None], good[..., :4],
        torch.cat([good, good], -1), good[..., :0], good.float(), good.half(), good.bfloat16(), good.long(), good > 0,
        good.to(torch.complex128), good.to("meta"), good.to_sparse(), NESTED,
    ]  # fmt: skip
    for kind, inputs in itertools.product(KINDS, wrong):
        yield calling(kind, f"inputs {described(inputs)}", "inputs", lambda model, inputs=inputs: model(inputs))
    for kind in KINDS:
        for inputs in [None, good.tolist(), good, good[0][..., :2], good[0].float(), good[0].long(), good[0, 0, 0]]:
            what = f"step on {described(inputs)}"
            yield calling(kind, what, "inputs", lambda model, inputs=inputs: model.cell(inputs))
        packed = pack_sequence([good[:, 0, :2], good[:2, 1, :2]])
        yield calling(kind, "traced, packed", "inputs", lambda model, packed=packed: model.trace(packed))
        yield calling(kind, "packed, of too few channels", "inputs", lambda model, packed=packed: model(packed))


def described(value: object) -> str:
    if isinstance(value, torch.Tensor) and not value.is_nested:
        return f"{value.dtype} {value.layout} {tuple(value.shape)}"
    return f"{value!r:.20}"


def malformed_lengths() -> Iterator[Case]:
    wrong = [
        [T + 1, 1, 1], [1, 1, -1], [1, 1], [1, 1, 1, 1], [], [1.0, 2.0, 3.0], [1, 1, None], [True, True, False],
        ["1", "1", "1"], [[1, 1, 1]], "123", 4, 2.5, {1, 2, 3}, [2**70, 1, 1], [math.nan, 1, 1],
        torch.tensor([T + 1, 1, 1]), torch.tensor([-1, 1, 1]), torch.tensor([1, 1]), torch.tensor(1),
        torch.tensor([[1], [1], [1]]), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, True, False]),
        torch.tensor([1j, 1j, 1j]), torch.tensor([1, 1, 1]).to_sparse(), NESTED,
    ]  # fmt: skip
    for kind, lengths in itertools.product(KINDS, wrong):
        what = f"lengths {lengths!r:.40}"
        yield calling(kind, what, "lengths", lambda model, n=lengths: model(drawn_inputs(T, B), lengths=n))
    for kind in KINDS:
        packed = pack_sequence([drawn_inputs(4), drawn_inputs(2)])
        yield calling(kind, "lengths of one sequence", "lengths", lambda model: model(drawn_inputs(T), lengths=[2]))
        yield calling(kind, "lengths beside packed", "lengths", lambda model, p=packed: model(p, lengths=[4, 2]))


def with_field(field: str, spoil: Callable[[torch.Tensor], object]) -> Callable[[tuple], tuple]:
    """What puts something else in place of a state's field."""
    return lambda state: state._replace(**{field: spoil(getattr(state, field))})


def one_row_more(tensor: torch.Tensor) -> torch.Tensor:
    return torch.cat([tensor, tensor.new_zeros(B, 1, *tensor.shape[2:])], 1)


def only_one(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[:1]


def has_any_slots(kind: str) -> bool:
    """Say whether a state may have more memory slots than the model, as all but a random memory may."""
    return kind in MEMORY_KINDS and made(kind).cell.initial.memory_init != "random"


SPOILT_FIELDS = {
    "None": lambda tensor: None,
    "a number": lambda tensor: 0.0,
    "an array": lambda tensor: tensor.detach().numpy(),
    "in float32": torch.Tensor.float,
    "sparse": torch.Tensor.to_sparse,
    "elsewhere": lambda tensor: tensor.to("meta"),
    "a row longer": one_row_more,
    "of one sequence": lambda tensor: tensor[0],
    "of fewer sequences": only_one,
    "of more axes": lambda tensor: tensor[None],
}

SPOILT_STATES = {
    "as a tuple": tuple,
    "as a list": list,
    "as a dict": lambda state: state._asdict(),
    "as a tensor": lambda state: state[0],
    "as a number": lambda state: 0,
    "with a missing field": lambda state: tuple(state)[:-1],
}


def malformed_states() -> Iterator[Case]:
    def going_on(kind: str, what: str, spoil: Callable[[tuple], object], argument: str) -> Case:
        def call(model: Model) -> object:
            return model(drawn_inputs(T, B), spoil(model.initial_state(B)))

        return calling(kind, f"state {what}", argument, call)

    for kind in KINDS:
        for what, spoil in SPOILT_STATES.items():
            yield going_on(kind, what, spoil, "state")
        fields = made(kind).initial_state(1)._fields
        for field, (what, spoil) in itertools.product(fields, SPOILT_FIELDS.items()):
            resized = (field, what) == ("memory", "a row longer") and has_any_slots(kind)  # the next field does not fit
            blamed = fields[1] if resized else field
            yield going_on(kind, f"whose {field} is {what}", with_field(field, spoil), f"state.{blamed}")
        yield going_on(kind, "of another batch", lambda state: map_state(only_one, state), f"state.{fields[0]}")
        other = "rnn" if kind != "rnn" else "lstm"
        yield going_on(kind, f"of the model {other}", lambda _, other=other: made(other).initial_state(B), "state")


def malformed_sizes() -> Iterator[Case]:
    for kind, wrong in itertools.product(KINDS, NO_COUNTS[1:]):
        what = f"initial state for {wrong!r:.20}"
        yield calling(kind, what, "batch_size", lambda model, wrong=wrong: model.initial_state(wrong))
    for kind, wrong in itertools.product(MEMORY_KINDS, NO_COUNTS):
        what = f"{wrong!r:.20} memory slots"
        yield calling(kind, what, "memory_slots", lambda model, wrong=wrong: model.with_memory_slots(wrong))


CASES: list[Case] = [
    *malformed_constructions(),
    *malformed_inputs(),
    *malformed_lengths(),
    *malformed_states(),
    *malformed_sizes(),
]


def test_there_are_more_than_500_malformed_calls() -> None:
    assert len({name for name, _, _ in CASES}) == len(CASES)
    assert len(CASES) > 500


@pytest.mark.parametrize(("argument", "call"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_malformed_call_says_what_was_expected_and_what_came(argument: str, call: Call) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"(?s)^{re.escape(argument)}: expected .+, not .+"):
        call()


@pytest.mark.parametrize(
    ("argument", "misspelt", "meant"),
    [
        ("controller", "lstn", "lstm"),
        ("controller", "feed_forward", "feedforward"),
        ("addressing", "content_location", "content_and_location"),
        ("memory_init", "constnat", "constant"),
        ("head_init", "one-hot", "onehot"),
        ("read_init", "zeros", "zero"),
        ("backend", "refrence", "reference"),
    ],
)
def test_a_misspelt_choice_is_told_the_nearest(argument: str, misspelt: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"did you mean {meant}\?"):
        tapehead.NTM(3, 2, **{argument: misspelt})


def test_a_good_call_is_not_refused() -> None:
    """So that the refusals above are for what is wrong and not for everything."""
    for kind in KINDS:
        model = made(kind)
        outputs, state = model(drawn_inputs(T, B), model.initial_state(B), lengths=[T, 0, 1])
        assert outputs.isfinite().all()
        assert model.cell(drawn_inputs(B), state)[0].isfinite().all()
