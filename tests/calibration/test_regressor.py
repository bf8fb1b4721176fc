"""The regressor is MuJoCo's inverse dynamics; inertials stay bodies that can exist."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from forearm.calibration.chain import chain_of
from forearm.calibration.regressor import regressor
from forearm.core.inertia import COORDINATES, factor, inertials, principal, slopes
from forearm.core.robots import get_robot
from forearm.sim.model import FieldMap, apply_values, build_model

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["ur5e", "ur10e"])
@pytest.mark.parametrize("coordinates", [False, True])
def test_the_regressor_times_inertials_is_mujocos_inverse_dynamics(
    name: str, coordinates: bool
) -> None:
    robot = get_robot(name)
    model = build_model(robot)
    chain = chain_of(model, robot)
    theta = RNG.normal(0, 0.2, (robot.n, 10)) * coordinates
    numbers = inertials(factor(chain.inertials), theta)
    # The simulator reads the same coordinates from a params file.
    apply_values(model, robot, dict(zip(COORDINATES, theta.T, strict=True)))
    fields = FieldMap(model, robot)
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_LIMIT)
    model.dof_armature[:] = model.dof_damping[:] = model.dof_frictionloss[:] = 0
    model.body_gravcomp[:] = 0
    qpos, qvel, qacc = RNG.normal(size=(3, 20, robot.n))
    table = regressor(chain, qpos, qvel, qacc).reshape(20, robot.n, -1)
    torque = table @ (numbers + chain.welded).ravel()
    data = mujoco.MjData(model)
    for k in range(20):
        data.qpos[fields.qpos], data.qvel[fields.dof] = qpos[k], qvel[k]
        data.qacc[fields.dof] = qacc[k]
        mujoco.mj_inverse(model, data)
        # 1e-9 relative to hundreds of Nm: rounding, nothing else.
        np.testing.assert_allclose(
            torque[k], data.qfrc_inverse[fields.dof], atol=1e-7 if coordinates else 1e-9
        )


def test_every_coordinate_gives_a_body_that_can_exist() -> None:
    nominal = factor(np.tile([2.0, 0.1, 0, 0.2, 0.05, 0.06, 0.03, 0, 0, 0], (50, 1)))
    mass, _, _, moments = principal(inertials(nominal, RNG.normal(0, 2, (50, 10))))
    assert (mass > 0).all()
    assert (moments.min(axis=1) > 0).all()
    # Triangle inequality: no moment exceeds the sum of the others.
    assert (moments.sum(axis=1) >= 2 * moments.max(axis=1)).all()


def test_the_slopes_are_the_derivative_of_the_inertials() -> None:
    lower = factor(np.array([[2.0, 0.1, 0, 0.2, 0.05, 0.06, 0.03, 0.001, 0, 0]]))
    theta, step = RNG.normal(0, 0.3, (1, 10)), 1e-6
    for k in range(10):
        move = step * np.eye(10)[k]
        change = inertials(lower, theta + move) - inertials(lower, theta - move)
        slope = slopes(lower, theta)[..., k]
        np.testing.assert_allclose(change / (2 * step), slope, atol=1e-8)


def test_quadratic_viscous_friction_reaches_the_simulator() -> None:
    robot = get_robot("ur10e")
    model = build_model(robot)
    zero = np.zeros(robot.n)
    value = np.arange(1.0, robot.n + 1)
    apply_values(
        model, robot, {"viscous": zero, "coulomb": zero, "viscous_quadratic": value}
    )
    data, fields = mujoco.MjData(model), FieldMap(model, robot)
    for speed in (0.5, -2.0):
        data.qvel[fields.dof] = speed
        mujoco.mj_forward(model, data)
        torque = data.qfrc_damper[fields.dof]
        np.testing.assert_allclose(torque, -value * abs(speed) * speed)
