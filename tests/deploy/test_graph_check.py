import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from forearm.core.bundle import load_bundle, save_bundle
from forearm.core.errors import FileError, MismatchError
from forearm.deploy.graph_check import check_graph
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
    assert check_graph(bundle.policy, bundle.contract).graph.name == "sample"


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
