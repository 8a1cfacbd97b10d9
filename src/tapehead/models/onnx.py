"""Models as ONNX files: one time step, or a whole sequence, in which an ONNX Scan runs that step."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tapehead._arguments import check_flag, check_installed
from tapehead._files import write_atomically
from tapehead.cells.memory_cell import MemoryCell
from tapehead.kernels.backend import UnsupportedError
from tapehead.models.files import check_path
from tapehead.models.sequence_model import SequenceModel

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

INPUTS, OUTPUTS, BEFORE, NEXT = "inputs", "outputs", "before_", "next_"
"""What the graph of one step takes and gives; a state's tensors have their names, with these in front."""


def export_onnx(model: SequenceModel[Any], path: str | Path, *, step: bool = False) -> None:
    """Write a model as an ONNX file, which onnxruntime and others run without torch and without tapehead.

    The graph takes `inputs`, laid out as the model takes them, and the tensors of the state before the first step by
    their names, as `memory`; each that is left out is that of the initial state. It gives `outputs` and the state after
    the last step, as `next_memory`. The batch B and the time steps T may be of any size from 1. Lengths and resets have
    no place in it, and a feedforward controller no `hidden` and `cell`, which are empty.

    Args:
        model: The model.
        path: The file to write; written atomically: a crash leaves the old file or the new one.
        step: Whether the graph runs one time step, of inputs without the axis T, rather than a whole sequence.

    Raises:
        ModuleNotFoundError: The packages of the extra `onnx` are not installed.
        TypeError: An argument is of the wrong type.
        ValueError: The path is empty or holds a NUL character, or the model is on the meta device.
        UnsupportedError: ONNX cannot express the model: a submodule has hooks, or a cell of one's own does what torch
            cannot translate.
        OSError: The file cannot be written.
    """
    if not isinstance(model, SequenceModel):
        raise TypeError(f"model: expected a model of tapehead, as tapehead.NTM, not {type(model).__name__}")
    path = check_path(path)
    check_flag("step", step)
    check_installed("export_onnx", "onnx", "onnx", "onnxscript")
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        raise ValueError("model: expected one with weights, not one on the meta device, which has none")
    one_step = _OneStep(model)
    axes = ("B",) if step else ("B", "T") if model.batch_first else ("T", "B")
    write_atomically(path, _complete(_translate(one_step), one_step, axes).SerializeToString())


class _OneStep(nn.Module):
    """One time step of a copy of a model on the reference, with a state of tensors one by one, the empty ones left out.

    Attributes:
        initial: The initial state of one sequence, by the names of its tensors.
    """

    def __init__(self, model: SequenceModel[Any]) -> None:
        super().__init__()
        try:
            copied = copy.deepcopy(model).cpu().eval()
        except RuntimeError as error:  # such as of weights that are computed from others
            raise UnsupportedError(
                f"export_onnx: torch cannot copy this model, as one that is pruned: {error}"
            ) from error
        self.embedding, self.cell = copied.embedding, copied.cell
        if isinstance(self.cell, MemoryCell):
            self.cell.backend = "reference"
        state = self.cell.initial_state(1)._asdict()
        self.initial = {name: tensor.detach() for name, tensor in state.items() if tensor.numel()}

    def forward(self, inputs: Tensor, *before: Tensor) -> tuple[Tensor, ...]:
        """Run the step on inputs of (B, input_size), or token ids (B,)."""
        vectors = inputs if self.embedding is None else self.embedding(inputs)
        initial = self.cell.expand_initial_state(inputs.shape[0])
        state = initial._replace(**dict(zip(self.initial, before, strict=True)))
        outputs, after, _ = self.cell.scan(vectors.unsqueeze(0), state)
        return outputs[0], *(getattr(after, name) for name in self.initial)

    def draw_arguments(self, batch_size: int) -> tuple[Tensor, ...]:
        """Make arguments of the right shapes and dtypes."""
        weight = next(self.cell.parameters())
        ids = torch.zeros(batch_size, dtype=torch.int64)
        inputs = weight.new_zeros(batch_size, self.cell.input_size) if self.embedding is None else ids
        return inputs, *(tensor.expand(batch_size, *tensor.shape[1:]) for tensor in self.initial.values())


def _translate(one_step: _OneStep) -> "ModelProto":
    """Let torch translate a step to ONNX.

    Raises:
        UnsupportedError: It cannot.
    """
    arguments = one_step.draw_arguments(2)  # torch takes a size of 1 for a constant
    batch = {0: torch.export.Dim("B", min=1)}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch's own code, which nobody here can change
            program = torch.export.export(
                one_step, arguments, dynamic_shapes=(batch, (batch,) * len(one_step.initial)), strict=False
            )
            exported = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=[INPUTS, *(BEFORE + name for name in one_step.initial)],
                output_names=[OUTPUTS, *(NEXT + name for name in one_step.initial)],
                custom_translation_table={torch.ops.aten.sort.stable: _sort_stably},
            )
    except RuntimeError as error:
        first: BaseException = error
        while first.__cause__ is not None:
            first = first.__cause__
        reason = str(first).strip().partition("\n")[0]
        raise UnsupportedError(f"export_onnx: torch cannot translate a step of this model to ONNX: {reason}") from error
    assert exported is not None
    return exported.model_proto


def _sort_stably(values: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:  # noqa: ARG001
    """Translate torch.sort(stable=True), which torch does not: ONNX's TopK puts the first of equal numbers first."""
    from onnxscript import opset18  # noqa: PLC0415 - of the extra `onnx`

    size = opset18.Gather(opset18.Shape(values), opset18.Constant(value_ints=[dim]))
    return opset18.TopK(values, size, axis=dim, largest=int(descending), sorted=1)


def _complete(translated: "ModelProto", one_step: _OneStep, axes: tuple[str, ...]) -> "ModelProto":
    """Put a step into a graph that knows the initial state and, if the inputs have the axis T, scans a sequence.

    Args:
        translated: The step.
        one_step: What was translated.
        axes: The axes of the inputs before the channels, B and perhaps T.
    """
    from onnx import checker, helper, numpy_helper  # noqa: PLC0415 - of the extra `onnx`

    step, initial, scanned = translated.graph, one_step.initial, "T" in axes
    inputs, *_ = one_step.draw_arguments(1)
    outputs = next(iter(initial.values())).new_zeros(1, one_step.cell.output_size)
    nodes = _expand_initial_state(initial, axes.index("B"), "first_" if scanned else BEFORE)
    graph = helper.make_graph(
        [*nodes, *([_scan(step, list(initial), axes.index("T"))] if scanned else step.node)],
        "tapehead",
        [_declare(INPUTS, inputs, axes), *(_declare(name, initial[name], ("1 or B",)) for name in initial)],
        [_declare(OUTPUTS, outputs, axes), *(_declare(NEXT + name, initial[name], ("B",)) for name in initial)],
        initializer=[
            *(numpy_helper.from_array(tensor.numpy(), name) for name, tensor in initial.items()),
            *([] if scanned else step.initializer),
        ],
    )
    versions = {"opset_imports": translated.opset_import, "ir_version": translated.ir_version}
    complete = helper.make_model(graph, producer_name="tapehead", functions=translated.functions, **versions)
    checker.check_model(complete, full_check=True)
    return complete


def _expand_initial_state(initial: Mapping[str, Tensor], batch_axis: int, prefix: str) -> "list[NodeProto]":
    """Make the nodes that expand a state to the batch, whether it is the initial one or comes from before."""
    from onnx import helper  # noqa: PLC0415 - of the extra `onnx`

    nodes = [helper.make_node("Shape", [INPUTS], ["batch"], start=batch_axis, end=batch_axis + 1)]
    for name, tensor in initial.items():
        nodes += [
            helper.make_node("Constant", [], [f"{name}_ones"], value_ints=[1] * (tensor.dim() - 1)),
            helper.make_node("Concat", ["batch", f"{name}_ones"], [f"{name}_shape"], axis=0),
            helper.make_node("Expand", [name, f"{name}_shape"], [prefix + name]),
        ]
    return nodes


def _scan(step: "GraphProto", names: Sequence[str], time_axis: int) -> "NodeProto":
    """Make the node that runs a step at every time step; it takes the state first, and then the inputs."""
    from onnx import compose, helper  # noqa: PLC0415 - of the extra `onnx`

    body = compose.add_prefix_graph(step, "step/")
    for values in (body.input, body.output):
        first, *rest = values
        del values[:]
        values.extend([*rest, first])
    return helper.make_node(
        "Scan",
        [*(f"first_{name}" for name in names), INPUTS],
        [*(NEXT + name for name in names), OUTPUTS],
        body=body,
        num_scan_inputs=1,
        scan_input_axes=[time_axis],
        scan_output_axes=[time_axis],
    )


def _declare(name: str, tensor: Tensor, axes: Sequence[str]) -> "ValueInfoProto":
    """Declare an input or output of the graph: a tensor's dtype and shape, with these axes in place of the first."""
    from onnx import helper  # noqa: PLC0415 - of the extra `onnx`

    kind = helper.np_dtype_to_tensor_dtype(tensor.numpy().dtype)
    return helper.make_tensor_value_info(name, kind, [*axes, *tensor.shape[1:]])
