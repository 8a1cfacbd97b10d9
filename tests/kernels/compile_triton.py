"""Compiles the Triton kernels for an H100: python -m tests.kernels.compile_triton MODEL OPTIONS.

There need not be one. OPTIONS are a model's, in JSON. Prints how long each program is. Not for a process that is told
to interpret.
"""

import json
import sys
from typing import Any

import triton
from triton.backends.compiler import GPUTarget

from tapehead.kernels.ntm_scan import triton as ntm
from tapehead.kernels.ntm_scan.triton.backward import backward
from tapehead.kernels.ntm_scan.triton.forward import forward
from tests.kernels import drawn

KERNELS = {"ntm": (forward, backward)}


def compile_kernels(model: str, options: dict[str, Any]) -> list[int]:
    """Compile both kernels as float32; gives how long their programs are."""
    given = drawn.ntm(0, steps=1, sequences=1, slots=128, width=20, units=100, **options)
    given = given.on([tensor.float() for tensor in given.tensors])
    prepared = ntm.give(given.inputs, given.state, given.weights, given.options)
    sizes = ntm.choose_sizes(*prepared, given.options, given.keep_states)
    lengths = []
    for kernel in KERNELS[model]:
        types = dict.fromkeys(kernel.arg_names, "*fp32") | {"lengths": "*i64", "batch": "i32", "S": "constexpr"}
        pointers = [place for place, name in enumerate(kernel.arg_names) if types[name].startswith("*")]
        aligned = {(place,): [["tt.divisibility", 16]] for place in pointers}
        source = triton.compiler.ASTSource(
            kernel, {name: types[name] for name in kernel.arg_names}, {"S": sizes}, aligned
        )
        compiled = triton.compile(
            source, target=GPUTarget("cuda", 90, 32), options={"num_warps": sizes.warps, "enable_fp_fusion": True}
        )
        lengths.append(len(compiled.asm["cubin"]))
    return lengths


if __name__ == "__main__":
    sys.stdout.write(json.dumps(compile_kernels(sys.argv[1], json.loads(sys.argv[2]))))
