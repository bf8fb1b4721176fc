"""Graph check: an ONNX file is only loaded when nothing in it can do harm.

onnxruntime reads external weights through hard links and from the working directory,
runs endless loops and allocates what a model asks for. So a policy must be
self-contained, made of plain operators, and have exactly the contract's inputs and
output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forearm.core.bundle import POLICY_CAP
from forearm.core.contract import Contract
from forearm.core.errors import FileError

from .wire import Message

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

FLOAT, INT64 = 1, 7
"""``TensorProto.DataType``."""

MODEL = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 14))
GRAPH = frozenset((1, 2, 5, 10, 11, 12, 13, 14, 16))
NODE = frozenset((1, 2, 3, 4, 5, 6, 7, 9))
ATTRIBUTE = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 20))
TENSOR = frozenset((1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 16))
"""Fields of each message of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto that
may occur: no functions, training graphs, sparse tensors or whatever comes next."""

_SHAPED = """
Expand ReduceMax ReduceMean ReduceMin ReduceSum Reshape Slice Split Squeeze Unsqueeze
"""

SHAPED = frozenset(_SHAPED.split())
"""Operators whose further inputs say what shape comes out."""

SHAPE_CAP = 1_000_000
"""Most elements an ``Expand`` may ask for; batch 1 needs a few."""


@dataclass(frozen=True)
class _Tensor:
    name: str
    elements: int
    values: list[int]
    """Of an int64 tensor, as an ``Expand`` takes it."""


def check_graph(path: Path, contract: Contract) -> bytes:
    """Return the file's bytes if they may be run: these, not the file, are loaded.

    Raises:
        FileError: the file is too large, not ONNX, reaches outside itself, uses an
            operator that is not allowed, or does not fit the contract.
    """
    if path.stat().st_size > POLICY_CAP:
        raise FileError(path, f"larger than {POLICY_CAP} bytes")
    data = path.read_bytes()
    try:
        model = Message(data, MODEL)
        graph = Message(model.merged(7), GRAPH)
        if not graph.each(1):
            raise ValueError("it has no operators")
        _check_nodes(path, graph)
        _check_ports(path, graph, contract)
    except ValueError as error:
        raise FileError(path, f"is not a valid ONNX model ({error})") from error
    return data


def _check_nodes(path: Path, graph: Message) -> None:
    constants = [_tensor(path, raw) for raw in graph.each(5)]
    nodes = [Message(raw, NODE) for raw in graph.each(1)]
    for node in nodes:
        constants += _constants(path, node)
    total = sum(c.elements for c in constants)
    if total > INITIALIZER_CAP:
        raise FileError(
            path, f"{total} constants, at most {INITIALIZER_CAP} are allowed"
        )
    shapes = {c.name: c.values for c in constants}
    for node in nodes:
        if node.text(4) == "Expand":
            # A shape that is not constant is computed from those of batch 1.
            asked = int(np.prod(shapes.get(node.each(1)[1].decode(), []), dtype=object))
            if asked > SHAPE_CAP:
                raise FileError(path, f"an Expand asks for {asked} elements")
    _check_shapes(path, nodes, {_tensor(path, raw).name for raw in graph.each(5)})


def _check_shapes(path: Path, nodes: list[Message], fixed: set[str]) -> None:
    """Refuse shapes that what the robot senses decides: one run would prove nothing.

    ``fixed`` are the initializers' names; what is computed from them alone, or from
    shapes, which are all fixed then, is fixed too.
    """
    fixed |= {""}
    for node in nodes:
        kind, inputs = node.text(4), [raw.decode() for raw in node.each(1)]
        if kind in SHAPED and not fixed.issuperset(inputs[1:]):
            raise FileError(path, f"the shape of a {kind} depends on the inputs")
        if kind == "Shape" or fixed.issuperset(inputs):
            fixed |= {raw.decode() for raw in node.each(2)}


def _constants(path: Path, node: Message) -> list[_Tensor]:
    """Check one operator and return the constants it holds, by what it puts out."""
    domain, kind = node.text(7), node.text(4)
    name = f"{domain}.{kind}" if domain else kind
    if domain not in ("", "ai.onnx") or kind not in OPERATORS:
        raise FileError(path, f"operator {name!r} is not on the allow-list")
    output = (node.each(2) or [b""])[0].decode()
    found = []
    for raw in node.each(5):
        attribute = Message(raw, ATTRIBUTE)
        if 6 in attribute or 11 in attribute:
            raise FileError(path, f"operator {name!r} holds a sub-graph")
        for tensor in [attribute.merged(5)] if 5 in attribute else []:
            inner = _tensor(path, tensor)
            found.append(_Tensor(output, inner.elements, inner.values))
        found += [_tensor(path, tensor) for tensor in attribute.each(10)]
        if kind == "Constant" and 8 in attribute:
            values = attribute.integers(8)
            found.append(_Tensor(output, len(values), values))
    return found


def _tensor(path: Path, raw: bytes) -> _Tensor:
    tensor = Message(raw, TENSOR)
    name = tensor.text(8)
    if 13 in tensor or tensor.integer(14):
        raise FileError(
            path,
            f"constant {name!r} lives outside the file",
            "export with external_data=False",
        )
    size = 1
    for dimension in tensor.integers(1):
        if dimension < 0:
            raise ValueError(f"constant {name!r} has a negative size")
        size *= dimension
    values: list[int] = []
    if tensor.integer(2) == INT64:
        raw_data = tensor.merged(9)
        values = np.frombuffer(raw_data, "<i8").tolist() or tensor.integers(7)
    return _Tensor(name, size, values)


def _check_ports(path: Path, graph: Message, contract: Contract) -> None:
    constants = {Message(raw).text(8) for raw in graph.each(5)}
    ports = dict(_port(raw) for raw in graph.each(11))
    found: Ports = {n: p for n, p in ports.items() if n not in constants}
    wanted: Ports = {i.name: (FLOAT, (1, i.size)) for i in contract.inputs}
    if found != wanted:
        raise FileError(
            path, f"inputs are {_words(found)}, the contract says {_words(wanted)}"
        )
    found = dict(_port(raw) for raw in graph.each(12))
    wanted = {contract.output.name: (FLOAT, (1, len(contract.joints)))}
    if found != wanted:
        raise FileError(
            path, f"outputs are {_words(found)}, the contract says {_words(wanted)}"
        )


def _port(raw: bytes) -> tuple[str, tuple[int, tuple[int, ...]]]:
    port = Message(raw)
    tensor = Message(Message(port.merged(2)).merged(1))
    # A symbolic dimension reads as 0 and never equals a wanted one.
    dims = [Message(dim) for dim in Message(tensor.merged(2)).each(1)]
    shape = tuple(0 if 2 in dim else dim.integer(1) for dim in dims)
    return port.text(1), (tensor.integer(1), shape)


def _words(ports: Ports) -> str:
    return ", ".join(f"{name}{list(shape)}" for name, (_, shape) in ports.items())
