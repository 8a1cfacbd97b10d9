"""Compiles the Triton kernels for an H100: python -m tests.kernels.compile_triton MODEL OPTIONS.

There need not be one. OPTIONS are a model's, in JSON. Prints how long each program is. Not for a process that is told
to interpret.
"""

import json
import sys
from importlib import import_module
from typing import Any

import triton
from triton.backends.compiler import GPUTarget

from tests.kernels.oracle import DRAWINGS

INTEGERS = {"lengths": "*i64", "places": "*i32", "batch": "i32", "S": "constexpr"}
"""The types of the kernels' arguments that are not numbers of the model."""


def compile_kernels(model: str, options: dict[str, Any]) -> list[int]:
    """Compile both kernels as float32; gives how long their programs are."""
    given = DRAWINGS[model](0, **({"steps": 1, "sequences": 1, "slots": 128, "width": 20, "units": 100} | options))
    given = given.on([tensor.float() for tensor in given.tensors])
    backend = import_module(f"tapehead.kernels.{model}_scan.triton")
    prepared = backend.give(given.inputs, given.state, given.weights, given.options)
    sizes = backend.choose_sizes(*prepared, given.options, given.keep_states)
    lengths = []
    for name in ("forward", "backward"):
        kernel = getattr(import_module(f"{backend.__name__}.{name}"), name)
        types = {argument: INTEGERS.get(argument, "*fp32") for argument in kernel.arg_names}
        pointers = [place for place, name in enumerate(kernel.arg_names) if types[name].startswith("*")]
        aligned = {(place,): [["tt.divisibility", 16]] for place in pointers}
        source = triton.compiler.ASTSource(kernel, types, {"S": sizes}, aligned)
        compiled = triton.compile(
            source, target=GPUTarget("cuda", 90, 32), options={"num_warps": sizes.warps, "enable_fp_fusion": True}
        )
        lengths.append(len(compiled.asm["cubin"]))
    return lengths


if __name__ == "__main__":
    sys.stdout.write(json.dumps(compile_kernels(sys.argv[1], json.loads(sys.argv[2]))))
