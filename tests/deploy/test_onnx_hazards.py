"""Every hazard of a hostile or broken graph, tried on the real loaders."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from forearm.core.bundle import SelfTest, save_bundle
from forearm.core.errors import FileError, MismatchError
from forearm.deploy import onnx_policy
from forearm.deploy.graph_check import check_graph
from forearm.deploy.onnx_policy import OnnxPolicy
from forearm.deploy.requirements import check_rate
from forearm.deploy.runtime import Runtime


@pytest.fixture
def load(bundle, tmp_path):
    """Change the sample graph, sign it off with right hashes, load it."""

    def make(change, output=None):
        model = onnx.load(bundle.policy)
        change(model)
        test = bundle.selftest()
        if output is not None:
            test = SelfTest(test.inputs, np.full_like(test.output, output))
        path = tmp_path / "changed"
        data = model.SerializeToString()
        return OnnxPolicy(save_bundle(path, data, bundle.contract, test, "#"))

    return make


def first(model, *nodes):
    for node in reversed(nodes):
        model.graph.node.insert(0, node)


def constant(name, value):
    tensor = numpy_helper.from_array(np.asarray(value), name)
    return helper.make_node("Constant", [], [name], value=tensor)


def external(model, location):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", str(location)


@pytest.mark.parametrize("where", ["hard link", "working directory", "absolute"])
def test_weights_are_never_read_from_elsewhere(load, tmp_path, monkeypatch, where):
    """onnxruntime follows a hard link, and reads relative paths from the cwd."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x01" * 4_000_000)
    monkeypatch.chdir(tmp_path)
    location = {"absolute": secret, "working directory": "secret"}.get(where)
    if location is None:
        os.link(secret, tmp_path / "weights.bin")
        location = "weights.bin"
    with pytest.raises(FileError, match=r"outside the file|valid ONNX"):
        load(lambda model: external(model, location))


def loop(model):
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Identity", ["x"], ["y"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]),
        ],
    )
    trips, go = constant("trips", np.int64(2**62)), constant("cond", np.bool_(True))
    node = helper.make_node("Loop", ["trips", "cond", "dt"], ["unused"], body=body)
    first(model, trips, go, node)


def test_a_loop_without_an_end_is_refused_before_it_runs(load):
    with pytest.raises(FileError, match="'Loop' is not on the allow-list"):
        load(loop)


def test_a_run_that_does_not_end_is_broken_off(load, monkeypatch):
    """Were a loop ever let through: the first run is on a leash, here too."""
    monkeypatch.setattr(onnx_policy, "PATIENCE", 0.5)
    monkeypatch.setattr(onnx_policy, "check_graph", lambda path, _: path.read_bytes())
    monkeypatch.setattr(onnx_policy, "prove_graph", lambda *_: None)
    with pytest.raises(FileError, match=r"within 0\.5 s"):
        load(loop)


def test_a_constant_of_any_shape_is_refused(load):
    shape = constant("shape", np.int64([200000, 100000]))
    node = helper.make_node("ConstantOfShape", ["shape"], ["unused"])
    with pytest.raises(FileError, match="allow-list"):
        load(lambda model: first(model, shape, node))


def test_a_policy_that_commands_nan_is_refused(load):
    def change(model):
        model.graph.node[-1].CopyFrom(
            helper.make_node("Identity", ["nan"], ["joint_command"])
        )
        bad = np.full((1, 6), np.nan, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(bad, "nan"))

    with pytest.raises((FileError, MismatchError), match=r"NaN|self-test"):
        load(change)


def test_a_policy_that_is_nan_only_at_the_joint_limits_is_refused(load):
    """0 Log(6.2 - |q|) is finite near home and NaN at +-2 pi; its self-test passes."""

    def change(model):
        four = np.float32([6.2])
        model.graph.initializer.append(numpy_helper.from_array(four, "edge"))
        zero = np.float32([0.0])
        model.graph.initializer.append(numpy_helper.from_array(zero, "nought"))
        del model.graph.node[-1]
        model.graph.node.extend(
            [
                helper.make_node("Abs", ["joint_pos"], ["far"]),
                helper.make_node("Sub", ["edge", "far"], ["left"]),
                helper.make_node("Log", ["left"], ["log"]),
                helper.make_node("Mul", ["log", "nought"], ["none"]),
                helper.make_node("Add", ["wished", "none"], ["joint_command"]),
            ]
        )

    with pytest.raises(FileError, match="at the lower joint limits"):
        load(change)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_graph_is_refused(bundle, tmp_path, keep):
    data = bundle.policy.read_bytes()
    path = tmp_path / "policy.onnx"
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(FileError):
        check_graph(path, bundle.contract)


def test_a_file_swapped_after_the_check_is_not_run(bundle, tmp_path):
    """What is run is what was hashed, not what is there a moment later."""
    data = bundle.policy.read_bytes()
    test = bundle.selftest()
    copy = save_bundle(tmp_path / "copy", data, bundle.contract, test, "#")
    swapped = bytearray(data)
    swapped[len(data) // 2] ^= 1
    copy.policy.write_bytes(swapped)
    with pytest.raises(FileError, match="altered"):
        OnnxPolicy(copy)


def test_pickled_golden_vectors_are_never_unpickled(bundle, tmp_path):
    from forearm.core.files import sha256

    class Boom:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "executed"),))

    test = bundle.selftest()
    copy = save_bundle(
        tmp_path / "copy", bundle.policy.read_bytes(), bundle.contract, test, "#"
    )
    np.savez(copy.path / "selftest.npz", output=np.array([Boom()], object))
    copy.contract.sha256["selftest.npz"] = sha256(copy.path / "selftest.npz")
    with pytest.raises(FileError, match="cannot be read"):
        Runtime(copy)
    assert not (tmp_path / "executed").exists()


def test_a_rate_this_computer_cannot_keep_is_refused():
    check_rate(0.002, 0.0005)
    with pytest.raises(MismatchError, match="got 100 Hz, expected at most 50 Hz"):
        check_rate(0.01, 0.01)
    with pytest.raises(MismatchError, match="at most 1000 Hz"):
        check_rate(0.0001, 0.00002)
