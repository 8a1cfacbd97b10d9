"""A module that runs a recurrent cell over whole sequences, with the interface of torch.nn.LSTM."""

from collections.abc import Sequence
from inspect import Signature
from typing import Any, ClassVar, Generic, NamedTuple, cast, overload

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from tapehead._arguments import check_flag
from tapehead._state import State, hold_finished, map_state
from tapehead.cells.cell import Cell
from tapehead.cells.layers import update_hooked
from tapehead.models.cell_options import complete_options, model_docstring, model_signature
from tapehead.models.embedding import embed, make_embedding
from tapehead.models.masks import check_flags, check_lengths
from tapehead.models.resets import run_segments
from tapehead.models.saving import SavableModel

NOT_IN_CONFIG = {"backend", "device", "dtype"}
"""Options that set where and by what a model is run; they are not part of its saved configuration."""


class Trace(NamedTuple, Generic[State]):
    """The outputs of a model and its states after every step.

    Attributes:
        outputs: Logits, laid out as the model returns them: (T, B, O), with batch_first (B, T, O), or (T, O).
        states: Each tensor is a state's with an axis T in front, whatever `batch_first` is.
    """

    outputs: Tensor
    states: State


class SequenceModel(SavableModel, Generic[State]):
    """Runs a cell over whole sequences; called like torch.nn.LSTM.

    A subclass sets `cell_type`, from whose constructor the model's options, signature and documentation are made.

    Args:
        input_size: Channels of an input, or symbols where there is an embedding.
        output_size: Channels of an output.
        batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels).
        embedding_size: Width of a learned vector for each symbol; inputs are then token ids. None: there is none.
        **options: The options of the cell.

    Attributes:
        cell: The recurrent cell, which computes one time step.
        embedding: The vectors of the input symbols, of which the cell gets one at a time; None: it gets the inputs.
        input_size: I, as it was given; of a model with an embedding, the number of symbols.
        output_size: O, as it was given.
        cell_type: The type of the cell.
    """

    cell: Cell[State]
    cell_type: ClassVar[type[Cell[Any]]]
    __signature__: ClassVar[Signature | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "cell_type" in vars(cls):
            cls.__signature__ = model_signature(cls.cell_type)
            cls.__doc__ = model_docstring(cls.__doc__, cls.cell_type)
        elif "__init__" in vars(cls):
            cls.__signature__ = None

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        batch_first: bool = False,
        embedding_size: int | None = None,
        **options: object,
    ) -> None:
        super().__init__()
        check_flag("batch_first", batch_first)
        options = complete_options(type(self).__name__, self.cell_type, options)
        self.embedding = make_embedding(input_size, embedding_size, options)
        self.cell = cast(Any, self.cell_type)(embedding_size or input_size, output_size, **options)
        self.batch_first = batch_first
        self.input_size, self.output_size = input_size, output_size
        given = {"input_size": input_size, "output_size": output_size}
        self.config = given | {"batch_first": batch_first, "embedding_size": embedding_size}
        self.config |= {name: value for name, value in options.items() if name not in NOT_IN_CONFIG}

    @overload
    def forward(
        self,
        inputs: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Tensor, State]: ...

    @overload
    def forward(self, inputs: PackedSequence, state: State | None = None) -> tuple[PackedSequence, State]: ...

    def forward(
        self,
        inputs: Tensor | PackedSequence,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """Run over a batch of sequences, or over one sequence.

        NaN in a sequence or its state spoils that sequence alone, from there on, at the same places whatever the
        backend; so does infinity, unless the activations of the controller bound it, as they do an infinite input. But
        the gradients of the parameters are sums over all sequences, and become NaN.

        Args:
            inputs: (T, B, input_size), with batch_first (B, T, input_size), or (T, input_size); or a PackedSequence.
                Of a model with an embedding, token ids instead: torch.int64 from 0 to input_size - 1, (T, B), with
                batch_first (B, T), or (T,).
            state: The state before the first step; None: the initial state. For one sequence, without the batch axis.
            lengths: The number of steps of each sequence, 0..T, (B,); after them its state does not change and its
                outputs are zero. None: all have T.
            resets: Whether the state of a sequence is the initial one again before a step, as where an episode begins:
                torch.bool, laid out as the inputs, without channels. None: it never is.

        Returns:
            The outputs (logits), laid out as the inputs, with output_size channels; and the state after the last step.
            Both have the parameters' dtype, under autocast too: addressing is too sensitive to rounding for less.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument's shape or value does not fit.
            RuntimeError: Compiled or exported, where errors are torch's own: a length is not from 0 to T; or there are
                resets, which no graph has.
        """
        if isinstance(inputs, PackedSequence):
            if lengths is not None:
                raise ValueError(f"lengths: expected None with a PackedSequence, which has its own, not {lengths}")
            if resets is not None:
                raise ValueError("resets: expected None with a PackedSequence, not a tensor; pad it, and give lengths")
            return self._forward_packed(inputs, state)
        outputs, state, _ = self._run(inputs, state, lengths, resets, keep_states=False)
        return outputs, state

    def trace(
        self,
        inputs: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        resets: Tensor | None = None,
    ) -> Trace[State]:
        """Run as `forward` does and keep the state after every step, without gradients.

        Args:
            inputs: As for `forward`, but not packed.
            state: As for `forward`.
            lengths: As for `forward`.
            resets: As for `forward`.

        Returns:
            The outputs, and the states of all steps: for a batch, each tensor has the axes T and B in front.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument's shape or value does not fit.
        """
        if isinstance(inputs, PackedSequence):
            raise TypeError("inputs: expected a tensor, not a PackedSequence; trace what pad_packed_sequence returns")
        with torch.no_grad():
            outputs, _, states = self._run(inputs, state, lengths, resets, keep_states=True)
        return Trace(outputs, states)

    def initial_state(self, batch_size: int) -> State:
        """Return the initial state of a batch, in new tensors that may be changed in place.

        Args:
            batch_size: B, the number of sequences.
        """
        return self.cell.initial_state(batch_size)

    def reset(self, state: State, mask: Tensor) -> State:
        """Put sequences of a batch back to the initial state, between two calls; in a call, `resets` does.

        Args:
            state: The state of a batch.
            mask: Which sequences are put back, torch.bool, (B,).

        Returns:
            The new state; the one that was given stays as it is.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument's shape does not fit.
        """
        first: object = state[0] if isinstance(state, tuple) and state else None
        sequences = len(first) if isinstance(first, Tensor) and first.dim() else 0
        self.cell.check_state(state, sequences)
        check_flags("mask", mask, (sequences,), ("B",), state[0].device)
        initial = self.cell.expand_like(state, len(mask))
        return hold_finished(mask, initial, state)

    def reset_parameters(self) -> None:
        """Initialize all parameters and the initial state again, with torch's random generator."""
        if self.embedding is not None:
            self.embedding.reset_parameters()
        self.cell.reset_parameters()

    @property
    def hidden_size(self) -> int:
        """The units of each layer of the network, or of the controller of a model with a memory."""
        return int(self.config["hidden_size"])

    @property
    def num_layers(self) -> int:
        """The layers of the network, or of the controller of a model with a memory."""
        return int(self.config["num_layers"])

    @property
    def backend_in_use(self) -> str:
        """The name of the implementation that runs a sequence on the parameters' device."""
        return self.cell.backend_in_use

    def _forward_packed(self, inputs: PackedSequence, state: State | None) -> tuple[PackedSequence, State]:
        padded, lengths = pad_packed_sequence(inputs, batch_first=self.batch_first)
        outputs, state, _ = self._run(padded, state, lengths.to(padded.device), None, keep_states=False)
        if inputs.sorted_indices is not None:
            outputs = outputs.index_select(0 if self.batch_first else 1, inputs.sorted_indices)
            lengths = lengths[inputs.sorted_indices.cpu()]
        data = pack_padded_sequence(outputs, lengths, batch_first=self.batch_first).data
        return PackedSequence(data, inputs.batch_sizes, inputs.sorted_indices, inputs.unsorted_indices), state

    def _run(
        self,
        inputs: Tensor,
        state: State | None,
        lengths: Tensor | Sequence[int] | None,
        resets: Tensor | None,
        *,
        keep_states: bool,
    ) -> tuple[Tensor, State, Any]:
        """Check the arguments, transpose to (T, B, channels), run the cell, and transpose the outputs back."""
        axes = ("B", "T") if self.batch_first else ("T", "B")
        if self.embedding is not None:
            inputs = embed(self.embedding, inputs, axes)
        self.cell.check_inputs(inputs, axes)
        update_hooked("cell", self.cell)
        batched = inputs.dim() == 3
        batch_axis = 0 if batched and self.batch_first else 1
        steps = inputs.transpose(0, 1) if batch_axis == 0 else inputs if batched else inputs.unsqueeze(1)
        prepared = self.cell.prepare_state(state, steps.shape[1], batched)
        counts = None if lengths is None else check_lengths(lengths, steps, batched)
        if resets is not None:
            check_flags("resets", resets, tuple(inputs.shape[:-1]), axes if batched else ("T",), inputs.device)
            resets = resets.transpose(0, 1) if batch_axis == 0 else resets if batched else resets.unsqueeze(1)
        if resets is not None and (torch.compiler.is_compiling() or bool(resets.any())):
            passed = None if state is None else prepared
            outputs, state, states = run_segments(self.cell, steps, passed, resets, counts, keep_states=keep_states)
        else:
            outputs, state, states = self.cell.run(steps, prepared, counts, keep_states=keep_states)
        if not batched:
            outputs, state = outputs.squeeze(1), map_state(lambda tensor: tensor.squeeze(0), state)
            states = None if states is None else map_state(lambda tensor: tensor.squeeze(1), states)
        return outputs.transpose(0, 1) if batch_axis == 0 else outputs, state, states
