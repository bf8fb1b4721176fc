"""A bundle comes back exactly, or not at all where anything was touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from forearm.core import bundle as module
from forearm.core.bundle import SelfTest, load_bundle, save_bundle
from forearm.core.contract import Contract, Evaluation, Input, JointLimits, Output
from forearm.core.errors import FileError, MismatchError

GRAPH = b"not a graph, but bytes with a hash"
SELF_TEST = SelfTest(
    {"joint_pos": np.float32([[0.1, 0.2], [np.float32(1) / 3, -4e-38]])},
    np.float32([[0.5, 0.25], [1e-7, 3.0]]),
)


def contract(**changes: object) -> Contract:
    """Return a small contract with floats that need every digit."""
    limit = JointLimits(
        lower=-np.pi,
        upper=1 / 3,
        velocity=0.1 + 0.2,
        acceleration=9,
        jerk=5e2,
        effort=7,
    )
    fields = {
        "robot": "ur5e",
        "joints": ["a", "b"],
        "control_dt": 0.02,
        "inputs": [
            Input(name="joint_pos", size=2, unit="rad", kind="robot", max_age=0.1)
        ],
        "output": Output(
            controller="forward", message="std_msgs/msg/Float64MultiArray"
        ),
        "limits": [limit, limit],
        "task": "reach",
        "evaluation": Evaluation(episodes=7, success=6 / 7, wilson_95=(0.48, 0.97)),
    }
    return Contract(**{**fields, **changes})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A bundle on disk."""
    return save_bundle(tmp_path / "b", GRAPH, contract(), SELF_TEST, "# Card\n").path


def change_contract(path: Path, **changes: object) -> None:
    file = path / "contract.json"
    content = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps(content))


def test_a_contract_survives_json_exactly() -> None:
    assert Contract.model_validate_json(contract().model_dump_json()) == contract()


def test_a_bundle_loads_to_what_was_saved(saved: Path) -> None:
    loaded = load_bundle(saved)
    assert loaded.contract.model_copy(update={"sha256": {}}) == contract()
    assert loaded.policy.read_bytes() == GRAPH
    vectors = loaded.selftest()
    np.testing.assert_array_equal(vectors.output, SELF_TEST.output)
    assert set(vectors.inputs) == {"joint_pos"}
    np.testing.assert_array_equal(
        vectors.inputs["joint_pos"], SELF_TEST.inputs["joint_pos"]
    )
    assert sorted(p.name for p in saved.iterdir()) == [
        "MODEL_CARD.md",
        "contract.json",
        "policy.onnx",
        "selftest.npz",
    ]


@pytest.mark.parametrize("name", ["policy.onnx", "selftest.npz", "MODEL_CARD.md"])
def test_an_altered_file_is_refused(saved: Path, name: str) -> None:
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / name).write_bytes(data)
    with pytest.raises(FileError, match=f"{name}.*altered"):
        load_bundle(saved)


@pytest.mark.parametrize("name", ["policy.onnx", "selftest.npz", "MODEL_CARD.md"])
def test_a_missing_or_linked_file_is_refused(saved: Path, name: str) -> None:
    (saved / name).rename(saved.parent / name)
    with pytest.raises(FileError, match=f"{name} is missing"):
        load_bundle(saved)
    (saved / name).symlink_to(saved.parent / name)
    with pytest.raises(FileError, match="not a plain file"):
        load_bundle(saved)


def test_a_folder_without_a_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a bundle"):
        load_bundle(tmp_path)
    with pytest.raises(FileError, match="is not a bundle"):
        load_bundle(tmp_path / "none")


def test_a_newer_format_says_so(saved: Path) -> None:
    change_contract(saved, format=2)
    with pytest.raises(FileError, match="format 2, this forearm reads up to 1"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"limits": []}, "2 joints need as many limits"),
        ({"joints": ["a", "a"]}, "unique"),
        ({"control_dt": 0}, "greater than 0"),
        ({"colour": "red"}, "colour"),
        ({"sha256": {}}, "no hash of policy.onnx"),
        ({"inputs": "none"}, "inputs"),
    ],
)
def test_a_contract_that_contradicts_itself_is_one_sentence(
    saved: Path, changes: dict[str, object], reason: str
) -> None:
    change_contract(saved, **changes)
    with pytest.raises(FileError, match=reason) as error:
        load_bundle(saved)
    assert "\n" not in str(error.value)


def test_a_contract_with_nan_is_refused(saved: Path) -> None:
    file = saved / "contract.json"
    file.write_text(file.read_text().replace("0.02", "NaN"))
    with pytest.raises(FileError, match="control_dt"):
        load_bundle(saved)


def test_a_hash_cannot_name_a_file_outside_the_bundle(saved: Path) -> None:
    hashes = json.loads((saved / "contract.json").read_text())["sha256"]
    change_contract(saved, sha256={**hashes, "../b/policy.onnx": hashes["policy.onnx"]})
    with pytest.raises(FileError, match="not a plain file"):
        load_bundle(saved)


@pytest.mark.parametrize("content", ["[1, 2]", "3", "null", '"text"'])
def test_a_contract_that_is_no_object_is_refused(saved: Path, content: str) -> None:
    (saved / "contract.json").write_text(content)
    with pytest.raises(FileError, match=r"contract\.json"):
        load_bundle(saved)


def test_a_failed_save_keeps_the_old_bundle(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(module, "write_json", fail)
    with pytest.raises(OSError, match="disk full"):
        save_bundle(saved, b"new", contract(), SELF_TEST, "new")
    assert load_bundle(saved).policy.read_bytes() == GRAPH
    assert [p.name for p in saved.parent.iterdir()] == ["b"]


def test_a_save_replaces_a_bundle_but_nothing_else(saved: Path, tmp_path: Path) -> None:
    save_bundle(saved, b"new", contract(), SELF_TEST, "new")
    assert load_bundle(saved).policy.read_bytes() == b"new"
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileError, match="is not a bundle"):
        save_bundle(tmp_path / "mine", GRAPH, contract(), SELF_TEST, "")


def test_a_self_test_of_other_inputs_is_refused(tmp_path: Path) -> None:
    other = SelfTest({"joint_vel": SELF_TEST.output}, SELF_TEST.output)
    with pytest.raises(MismatchError, match="joint_vel"):
        save_bundle(tmp_path / "b", GRAPH, contract(), other, "")
    assert not (tmp_path / "b").exists()
