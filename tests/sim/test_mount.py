"""Tools hang where the tool site is, however the MJCF writes it."""

import mujoco
import numpy as np
import pytest

from forearm.core.errors import MismatchError
from forearm.core.kinematics import Kinematics
from forearm.core.robots import ROBOTS, get_robot
from forearm.sim.model import PAYLOAD, build_model
from forearm.sim.mount import add_at_site
from forearm.sim.servo import freeze_gripper
from forearm.sim.tasks import get_task

ARM = """<mujoco><compiler eulerseq="zyx"/><worldbody><body name="arm" euler="0 9 20">
<joint name="j"/><geom size=".1"/><site name="euler" pos=".1 0 0" euler="3 4 180"/>
<site name="zaxis" zaxis="1 1 0"/><site name="xyaxes" xyaxes="0 1 0 1 0 0"/>
<site name="axisangle" axisangle="0 1 1 40"/><site name="quat" quat="0 1 0 0"/>
<frame pos="0 .1 0" euler="0 0 90"><site name="frame" euler="1 2 3"/></frame>
</body></worldbody></mujoco>"""


def test_a_body_takes_the_pose_of_a_site_however_it_is_written():
    spec = mujoco.MjSpec.from_string(ARM)
    names = [site.name for site in spec.sites]
    for name in names:
        add_at_site(spec, name, f"on_{name}").add_geom(size=[0.01, 0, 0])
    data = mujoco.MjData(spec.compile())
    mujoco.mj_kinematics(data.model, data)
    assert len(names) == 6
    for name in names:
        site, body = data.site(name), data.body(f"on_{name}")
        np.testing.assert_allclose(body.xpos, site.xpos, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(body.xmat, site.xmat, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("task", ["push", "insert"])
def test_a_rod_leads_to_the_tool_frame_of_every_robot(robot, task):
    arm = get_task(task)(get_robot(robot), 1)
    model = build_model(arm.robot, hook=arm.hook())
    data = mujoco.MjData(model)
    data.qpos[[model.joint(n).qposadr[0] for n in arm.robot.joint_names]] = (
        arm.robot.home
    )
    mujoco.mj_kinematics(model, data)
    tip, rod = Kinematics(arm.robot)(arm.robot.home), data.geom("rod")
    # MuJoCo points a geom's z axis from the end of ``fromto`` to its beginning.
    end = rod.xpos - rod.xmat[2::3] * model.geom("rod").size[:2].sum()
    np.testing.assert_allclose(end, tip.position, atol=1e-6)
    payload = data.body(PAYLOAD).xmat.reshape(3, 3)
    np.testing.assert_allclose(payload, tip.rotation, atol=1e-6)


def test_a_site_that_is_missing_is_named():
    with pytest.raises(MismatchError, match="flange"):
        add_at_site(mujoco.MjSpec.from_string(ARM), "flange", "rod")


JAW = """<mujoco><worldbody><body name="arm" euler="0 9 20"><geom size=".1"/>
<frame pos="0 .1 0" euler="0 90 0"><body name="jaw" pos=".1 0 0" euler="90 0 0">
<joint name="gripper" axis="0 0 1"/><geom name="tip" size=".1" pos=".3 0 0"/>
</body></frame></body></worldbody></mujoco>"""


def test_a_frozen_gripper_stays_where_it_rests_however_the_mjcf_is_written():
    gripper = get_robot("so101").gripper
    spec = mujoco.MjSpec.from_string(JAW)
    free = mujoco.MjData(spec.compile())
    free.qpos[0] = gripper.joint.home
    freeze_gripper(spec, gripper)
    frozen = mujoco.MjData(spec.compile())
    for data in (free, frozen):
        mujoco.mj_kinematics(data.model, data)
    assert frozen.model.nq == 0
    np.testing.assert_allclose(frozen.geom("tip").xpos, free.geom("tip").xpos)
    np.testing.assert_allclose(frozen.geom("tip").xmat, free.geom("tip").xmat)
