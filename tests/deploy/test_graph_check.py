import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from forearm.core.bundle import load_bundle, save_bundle
from forearm.core.errors import FileError, MismatchError
from forearm.deploy.graph_check import OPERATORS, check_graph
from forearm.deploy.onnx_policy import OnnxPolicy


@pytest.fixture
def spoil(bundle, tmp_path):
    """Return the path of the sample graph after a change."""

    def make(change):
        model = onnx.load(bundle.policy)
        change(model)
        path = tmp_path / "policy.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return make


def test_the_sample_graph_passes(bundle):
    assert check_graph(bundle.policy, bundle.contract) == bundle.policy.read_bytes()


def test_weights_outside_the_file_are_refused(spoil, bundle, tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 1024)

    def outside(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "secret"

    with pytest.raises(FileError):
        check_graph(spoil(outside), bundle.contract)


def test_weights_hidden_in_an_attribute_are_refused(spoil, bundle):
    def hide(model):
        tensor = TensorProto(name="hidden", data_type=1, dims=[1])
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "x"
        node = helper.make_node("Constant", [], ["unused"])
        node.attribute.append(helper.make_attribute("value", tensor))
        model.graph.node.insert(0, node)

    with pytest.raises(FileError):
        check_graph(spoil(hide), bundle.contract)


@pytest.mark.parametrize(
    "kind", ["Loop", "If", "Scan", "ConstantOfShape", "RandomNormal"]
)
def test_operators_that_are_not_plain_are_refused(spoil, bundle, kind):
    def add(model):
        model.graph.node[0].op_type = kind

    with pytest.raises(FileError, match=r"allow-list|valid ONNX"):
        check_graph(spoil(add), bundle.contract)


def test_a_foreign_operator_domain_is_refused(spoil, bundle):
    def add(model):
        model.opset_import.append(helper.make_opsetid("evil", 1))
        node = helper.make_node("Add", ["dt", "dt"], ["unused"], domain="evil")
        model.graph.node.insert(0, node)

    with pytest.raises(FileError, match=r"evil\.Add"):
        check_graph(spoil(add), bundle.contract)


def test_an_expand_that_eats_the_memory_is_refused(spoil, bundle):
    def add(model):
        shape = np.array([200000, 100000], np.int64)
        model.graph.initializer.append(onnx.numpy_helper.from_array(shape, "huge"))
        node = helper.make_node("Expand", ["dt", "huge"], ["unused"])
        model.graph.node.insert(0, node)

    with pytest.raises(FileError, match="Expand asks"):
        check_graph(spoil(add), bundle.contract)


def test_an_expand_by_a_constant_operator_is_refused(spoil, bundle):
    def add(model):
        shape = np.array([200000, 100000], np.int64)
        value = onnx.numpy_helper.from_array(shape)
        graph = model.graph
        graph.node.insert(0, helper.make_node("Expand", ["dt", "huge"], ["unused"]))
        graph.node.insert(0, helper.make_node("Constant", [], ["huge"], value=value))

    with pytest.raises(FileError, match="Expand asks"):
        check_graph(spoil(add), bundle.contract)


def test_a_sub_graph_in_any_attribute_is_refused(spoil, bundle):
    def add(model):
        inner = helper.make_graph([], "inner", [], [])
        model.graph.node[0].attribute.append(helper.make_attribute("body", inner))

    with pytest.raises(FileError, match="sub-graph"):
        check_graph(spoil(add), bundle.contract)


def test_functions_of_the_files_own_are_refused(spoil, bundle):
    def add(model):
        model.functions.add().name = "Add"

    with pytest.raises(FileError, match="field 25 is not allowed"):
        check_graph(spoil(add), bundle.contract)


def test_a_second_graph_hidden_behind_the_first_is_seen(spoil, bundle):
    """Parsers merge the two: so what the second one adds is there."""
    extra = onnx.ModelProto()
    extra.graph.node.add(op_type="Loop", output=["unused"])
    path = spoil(lambda _: None)
    path.write_bytes(path.read_bytes() + extra.SerializeToString())
    with pytest.raises(FileError, match="'Loop' is not on the allow-list"):
        check_graph(path, bundle.contract)


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_damaged_structure_is_refused_in_words_or_read_alike(bundle, at, patch):
    data = bytearray(bundle.policy.read_bytes())
    data[at : at + len(patch)] = patch
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.onnx"
        path.write_bytes(data)
        try:
            check_graph(path, bundle.contract)
        except FileError:
            return
    graph = onnx.load_model_from_string(bytes(data)).graph
    assert {p.name for p in graph.input} == {i.name for i in bundle.contract.inputs}
    assert {n.op_type for n in graph.node} <= OPERATORS
    assert not any(t.external_data for t in graph.initializer)


def test_other_inputs_than_the_contracts_are_refused(spoil, bundle):
    def rename(model):
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7

    with pytest.raises(FileError, match=r"contract says|valid ONNX"):
        check_graph(spoil(rename), bundle.contract)


@pytest.mark.parametrize("data", [b"", b"not onnx at all", bytes(range(256)) * 40])
def test_random_bytes_are_refused(bundle, tmp_path, data):
    path = tmp_path / "policy.onnx"
    path.write_bytes(data)
    with pytest.raises(FileError):
        check_graph(path, bundle.contract)


def test_one_flipped_bit_is_refused(bundle, tmp_path):
    copy = tmp_path / "bundle"
    copy.mkdir()
    for file in bundle.path.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    data = bytearray((copy / "policy.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "policy.onnx").write_bytes(data)
    with pytest.raises(FileError, match="altered"):
        load_bundle(copy)


def test_a_policy_that_computes_something_else_fails_its_self_test(bundle, tmp_path):
    test = bundle.selftest()
    test.output[2] += 0.01
    other = save_bundle(
        tmp_path / "b", bundle.policy.read_bytes(), bundle.contract, test, "#"
    )
    with pytest.raises(MismatchError, match="self-test 2"):
        OnnxPolicy(other)
