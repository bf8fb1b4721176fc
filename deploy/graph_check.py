"""Graph check: an ONNX file is only loaded when nothing in it can do harm.

onnxruntime reads external weights through hard links and from the working directory,
runs endless loops and allocates what a model asks for. So a policy must be
self-contained, made of plain operators, and have exactly the contract's inputs and
output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx

from forearm.core.bundle import POLICY_CAP
from forearm.core.contract import Contract
from forearm.core.errors import FileError

_NAMES = """
Abs Acos Add And Asin Atan Cast Ceil Clip Concat Constant Cos Div Elu Equal Erf
Exp Expand Flatten Floor Gather Gelu Gemm Greater GreaterOrEqual HardSigmoid
HardSwish Identity LayerNormalization LeakyRelu Less LessOrEqual Log MatMul Max
Min Mish Mul Neg Not Or Pow Reciprocal ReduceMax ReduceMean ReduceMin ReduceSum
Relu Reshape Selu Shape Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt
Squeeze Sub Sum Swish Tan Tanh Transpose Unsqueeze Where
"""

OPERATORS = frozenset(_NAMES.split())
"""Operators a policy may use: no loops, no branches, nothing that sizes memory."""

INITIALIZER_CAP = 20_000_000
"""Most elements of all constants together; an arm's MLP has about 1e5."""

Ports = Mapping[str, tuple[int, tuple[int, ...]]]
"""Type and shape by name."""

SHAPE_CAP = 1_000_000
"""Most elements an ``Expand`` may ask for; batch 1 needs a few."""


def check_graph(path: Path, contract: Contract) -> Any:
    """Return the parsed model if it may be run.

    Raises:
        FileError: the file is too large, not ONNX, reaches outside itself, uses an
            operator that is not allowed, or does not fit the contract.
    """
    if path.stat().st_size > POLICY_CAP:
        raise FileError(path, f"larger than {POLICY_CAP} bytes")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        onnx.checker.check_model(model, full_check=False)
    except Exception as error:
        first = (str(error).splitlines() or ["unknown"])[0]
        raise FileError(path, f"is not a valid ONNX model ({first})") from error
    _check_tensors(path, model)
    _check_operators(path, model)
    _check_ports(path, model.graph, contract)
    return model


def _tensors(message: Any) -> Iterator[Any]:
    """Every TensorProto anywhere in a protobuf message."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        repeated = not hasattr(value, "ListFields")
        for child in value if repeated else (value,):
            yield from _tensors(child)


def _check_tensors(path: Path, model: Any) -> None:
    total = 0
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise FileError(
                path,
                f"constant {tensor.name!r} lives outside the file",
                "export with external_data=False",
            )
        size = 1
        for dimension in tensor.dims:
            size *= dimension
        total += size
    if total > INITIALIZER_CAP:
        raise FileError(
            path, f"{total} constants, at most {INITIALIZER_CAP} are allowed"
        )


def _check_operators(path: Path, model: Any) -> None:
    if model.functions:
        raise FileError(path, "defines functions of its own, which is not allowed")
    constants = {c.name: c for c in model.graph.initializer}
    for node in model.graph.node:
        name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            raise FileError(path, f"operator {name!r} is not on the allow-list")
        if any(a.HasField("g") or a.graphs for a in node.attribute):
            raise FileError(path, f"operator {name!r} holds a sub-graph")
        if node.op_type == "Expand":
            _check_expand(path, constants.get(node.input[1]))


def _check_expand(path: Path, shape: Any) -> None:
    if shape is None:
        return  # computed from static shapes of batch 1
    size = 1
    for dimension in onnx.numpy_helper.to_array(shape).ravel():
        size *= int(dimension)
    if size > SHAPE_CAP:
        raise FileError(path, f"an Expand asks for {size} elements")


def _check_ports(path: Path, graph: Any, contract: Contract) -> None:
    constants = {c.name for c in graph.initializer}
    found: Ports = {p.name: _port(p) for p in graph.input if p.name not in constants}
    float32 = onnx.TensorProto.FLOAT
    wanted: Ports = {i.name: (float32, (1, i.size)) for i in contract.inputs}
    if found != wanted:
        raise FileError(
            path, f"inputs are {_words(found)}, the contract says {_words(wanted)}"
        )
    found = {p.name: _port(p) for p in graph.output}
    wanted = {contract.output.name: (float32, (1, len(contract.joints)))}
    if found != wanted:
        raise FileError(
            path, f"outputs are {_words(found)}, the contract says {_words(wanted)}"
        )


def _port(value: Any) -> tuple[int, tuple[int, ...]]:
    tensor = value.type.tensor_type
    # A symbolic dimension reads as 0 and never equals a wanted one.
    return tensor.elem_type, tuple(d.dim_value for d in tensor.shape.dim)


def _words(ports: Ports) -> str:
    return ", ".join(f"{name}{list(shape)}" for name, (_, shape) in ports.items())
