"""The written MJCF is the calibrated arm, however the user's own file says it."""

from collections.abc import Iterator
from pathlib import Path

import mujoco
import numpy as np
import pytest

from forearm.calibration.mjcf import write_mjcf
from forearm.core.inertia import COORDINATES
from forearm.core.params import nominal_values
from forearm.core.robot import RobotSpec
from forearm.core.robots import OWN
from forearm.sim.model import build_model
from forearm.sim.user_robot import load_robot

ARM = """<mujoco><worldbody><body name="base"><geom type="sphere" size="0.05"/>
<body name="arm" pos="0 0 0.1"><joint name="lift" axis="0 1 0" range="-2 2"/>
<inertial mass="2" pos="0 0.01 0.2" diaginertia="0.03 0.02 0.012" euler="20 40 60"/>
<geom type="capsule" fromto="0 0 0.1 0 0 0.3" size="0.02"/>
</body></body></worldbody></mujoco>
"""

SPEC = """name: slanted
joints: [{name: lift, lower: -1.5, upper: 1.5, velocity: 2, acceleration: 5,
  jerk: 100, effort: 9, home: 0.5, kp: 100, kv: 10, armature: 0.1}]
tool: {name: tip, xyz: [0, 0, 0.4]}
payload_limit: 1
"""


@pytest.fixture
def own_arm(tmp_path: Path) -> Iterator[RobotSpec]:
    (tmp_path / "arm.xml").write_text(ARM)
    (tmp_path / "arm.yaml").write_text(SPEC)
    yield load_robot(tmp_path / "arm.xml", tmp_path / "arm.yaml")
    OWN.clear()


def inertia(model: mujoco.MjModel) -> np.ndarray:
    """Return the inertia of ``arm`` in its body's frame, shape (3, 3)."""
    turn = np.empty(9)
    mujoco.mju_quat2Mat(turn, model.body("arm").iquat)
    turn = turn.reshape(3, 3)
    return turn @ np.diag(model.body("arm").inertia) @ turn.T


def test_inertias_are_written_with_their_turn(
    own_arm: RobotSpec, tmp_path: Path
) -> None:
    theta = {name: np.array([0.05 * i]) for i, name in enumerate(COORDINATES)}
    values = {"armature": np.array([0.25]), **theta}
    written = tmp_path / "calibrated.xml"
    write_mjcf(written, own_arm, values)
    fitted = build_model(own_arm, {**nominal_values(own_arm), **values})
    after = mujoco.MjModel.from_xml_path(str(written))
    assert after.dof_armature[0] == 0.25
    np.testing.assert_allclose(inertia(after), inertia(fitted), rtol=1e-5, atol=1e-7)
    turned = np.abs(inertia(after) - inertia(mujoco.MjModel.from_xml_string(ARM)))
    assert turned.max() > 1e-3
