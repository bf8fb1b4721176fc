"""Graphs whose hunger only shows when they run, tried in a process that may break."""

import os
import resource
import subprocess
import sys
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from forearm.core.bundle import save_bundle
from forearm.core.errors import FileError
from forearm.deploy import graph_proof, onnx_policy
from forearm.deploy.graph_proof import prove_graph
from forearm.deploy.onnx_policy import OnnxPolicy

SIDE = 15_000
"""Side of a square of 900 MB: beyond the bound, and should the proof ever be missing,
the test fails without taking the computer along."""

GROWTH = 50_000
"""Most that a refusal may add to this process's peak [kB]; a square adds 900 000."""


@pytest.fixture
def refused(bundle, tmp_path):
    """Put nodes that end in ``big`` before the sample's, load; return the sentence."""

    def load(nodes, **constants):
        model = onnx.load(bundle.policy)
        for name, value in constants.items():
            tensor = numpy_helper.from_array(np.asarray(value), name)
            model.graph.initializer.append(tensor)
        # What is used is not optimized away: joint_command = wished + 0 max(big).
        zero = numpy_helper.from_array(np.float32([[0]]), "nought")
        model.graph.initializer.append(zero)
        del model.graph.node[-1]
        model.graph.node.extend(
            [
                *nodes,
                helper.make_node("ReduceMax", ["big"], ["top_of_big"], keepdims=0),
                helper.make_node("Mul", ["top_of_big", "nought"], ["none"]),
                helper.make_node("Add", ["wished", "none"], ["joint_command"]),
            ]
        )
        data = model.SerializeToString()
        test = bundle.selftest()
        copy = save_bundle(tmp_path / "copy", data, bundle.contract, test, "#")
        with pytest.raises(FileError) as caught:
            OnnxPolicy(copy)
        text = str(caught.value)
        assert "\n" not in text
        return text

    return load


def square():
    """joint_pos summed to (1, 1), times a column, times a row: an outer product."""
    return [
        helper.make_node("ReduceSum", ["joint_pos"], ["one"], keepdims=1),
        helper.make_node("Mul", ["one", "column"], ["tall"]),
        helper.make_node("Mul", ["tall", "row"], ["big"]),
    ]


def expand():
    """The shape is a product of constants, so no constant says what is asked for."""
    return [
        helper.make_node("Mul", ["half", "other"], ["shape"]),
        helper.make_node("ReduceSum", ["joint_pos"], ["one"], keepdims=1),
        helper.make_node("Expand", ["one", "shape"], ["big"]),
    ]


def doubling(times):
    names = ["joint_pos", *(f"x{k}" for k in range(times - 1)), "big"]
    return [helper.make_node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]


@pytest.mark.parametrize("hazard", ["outer product", "computed Expand", "Concat chain"])
def test_a_graph_that_asks_for_memory_is_refused_and_takes_none_here(refused, hazard):
    line = np.ones(SIDE, np.float32)
    nodes, constants = {
        "outer product": (square(), {"column": line[:, None], "row": line[None]}),
        "computed Expand": (
            expand(),
            {"half": np.int64([SIDE // 100] * 2), "other": np.int64([100] * 2)},
        ),
        "Concat chain": (doubling(25), {}),
    }[hazard]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "does not run within 512 MB and 5 s" in refused(nodes, **constants)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH


@pytest.mark.parametrize("kind", ["Expand", "Reshape"])
def test_a_shape_that_the_sensors_decide_is_refused(refused, kind):
    """On zeros it is harmless: a run would prove nothing about the next one."""
    nodes = [
        helper.make_node("ReduceSum", ["joint_pos"], ["one"], keepdims=1),
        helper.make_node("Cast", ["one"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Add", ["whole", "ones"], ["shape"]),
        helper.make_node(kind, ["one", "shape"], ["big"]),
    ]
    assert f"the shape of a {kind} depends on the inputs" in refused(
        nodes, ones=np.int64([[1]])
    )


def test_a_shape_taken_from_a_shape_runs(bundle, tmp_path):
    model = onnx.load(bundle.policy)
    del model.graph.node[-1]
    model.graph.node.extend(
        [
            helper.make_node("Shape", ["wished"], ["shape"]),
            helper.make_node("Reshape", ["wished", "shape"], ["joint_command"]),
        ]
    )
    data = model.SerializeToString()
    OnnxPolicy(
        save_bundle(tmp_path / "s", data, bundle.contract, bundle.selftest(), "#")
    )


def test_a_run_without_an_end_is_ended_by_its_processor_time(bundle, monkeypatch):
    """The bound holds even where onnxruntime would not look at the clock."""
    monkeypatch.setattr(graph_proof, "CPU_SECONDS", 1)
    side = 2500
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["x0"], keepdims=1),
        helper.make_node("Add", ["x0", "square"], ["m0"]),
        *(helper.make_node("MatMul", [f"m{k}"] * 2, [f"m{k + 1}"]) for k in range(60)),
    ]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])],
        [helper.make_tensor_value_info("m60", TensorProto.FLOAT, [side, side])],
        [numpy_helper.from_array(np.zeros((side, side), np.float32), "square")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    )
    with pytest.raises(FileError, match=r"1 s of processor time \(ended by signal"):
        prove_graph(bundle.policy, model.SerializeToString())


def test_no_policy_is_loaded_before_it_is_proved(bundle, monkeypatch):
    def no(path, graph):
        assert graph == bundle.policy.read_bytes()
        raise FileError(path, "not proved")

    def session(*_, **__):
        raise AssertionError("loaded")

    monkeypatch.setattr(onnx_policy, "prove_graph", no)
    monkeypatch.setattr(onnx_policy.onnxruntime, "InferenceSession", session)
    with pytest.raises(FileError, match="not proved"):
        OnnxPolicy(bundle)


def test_a_module_in_the_working_directory_is_not_run(bundle, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("open('executed', 'w')")
    monkeypatch.chdir(tmp_path)
    prove_graph(bundle.policy, bundle.policy.read_bytes())
    assert os.listdir(tmp_path) == ["numpy.py"]


def test_the_proof_imports_neither_ros_nor_the_rest_of_the_project():
    code = (
        "import sys, forearm.deploy.graph_proof\n"
        "print(*(m for m in sys.modules if m.startswith(('rclpy', 'forearm.', 'pyd'))))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert set(out.stdout.split()) == {
        "forearm.core",
        "forearm.core.errors",
        "forearm.deploy",
        "forearm.deploy.graph_proof",
    }
