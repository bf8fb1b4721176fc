"""Tool and gripper are part of the arm: all of them stays inside and off its links."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.contract import JointLimits
from forearm.core.errors import LimitError
from forearm.core.geometry import Tool, Workspace
from forearm.core.kinematics import Kinematics, mount
from forearm.core.robots import get_robot
from forearm.deploy.fence import Fence, make_fence
from forearm.deploy.limiter import Limiter
from forearm.deploy.margins import Margins
from forearm.deploy.sample import sample_contract
from forearm.sim.geometry import arm_geometry
from forearm.sim.model import build_model
from forearm.sim.tasks import Insert, PickPlace, Push
from forearm.sim.user_robot import load_robot

DT = 0.02


class Held:
    """An arm with what it carries, in the simulator, and its fence's geometry."""

    def __init__(self, name, task=None):
        alone = get_robot(name)
        made = task(alone, 1) if task else None
        self.robot = made.robot if made else alone
        hook = made.hook() if made else None
        self.geometry = arm_geometry(self.robot, hook)
        self.moving = alone.with_gripper() if alone.gripper else self.robot
        self.model = build_model(self.moving, hook=hook)
        self.data = mujoco.MjData(self.model)
        self.arm = self.robot.arm
        self.tool = self._geoms(lambda link: link == self.arm.n)
        self.far = self._geoms(lambda link: link < self.arm.n - 1)

    def _geoms(self, wanted):
        model, found = self.model, []
        joints = {model.joint(name).id for name in self.arm.joint_names}
        root = model.body_rootid[model.jnt_bodyid[min(joints)]]
        for g, body in enumerate(model.geom_bodyid):
            collides = model.geom_contype[g] | model.geom_conaffinity[g]
            link, at = 0, body
            while at:
                first = model.body_jntadr[at]
                link += len(joints & set(range(first, first + model.body_jntnum[at])))
                at = model.body_parentid[at]
            if collides and model.body_rootid[body] == root and wanted(link):
                found.append(g)
        return found

    def pose(self, joint_pos, opening):
        """Put the arm somewhere, its gripper opened by a share of its travel."""
        for name, value in zip(self.arm.joint_names, joint_pos, strict=False):
            self.data.joint(name).qpos[0] = value
        gripper = self.moving.gripper
        if gripper is not None:
            low, high = gripper.joint.lower, gripper.joint.upper
            for name in (gripper.joint.name, *gripper.mimic):
                self.data.joint(name).qpos[0] = low + opening * (high - low)
        mujoco.mj_kinematics(self.model, self.data)

    def extent(self):
        """Return the corners of what tool and gripper span now [m]."""
        model, low, high = self.model, [], []
        for g in self.tool:
            turn, size = self.data.geom_xmat[g].reshape(3, 3), model.geom_size[g]
            kind = model.geom_type[g]
            if kind == mujoco.mjtGeom.mjGEOM_BOX:
                reach = np.abs(turn) @ size
            elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
                reach = np.abs(turn[:, 2]) * size[1] + size[0]
            else:  # a cylinder's rim
                across = np.sqrt(np.maximum(1 - turn[:, 2] ** 2, 0))
                reach = np.abs(turn[:, 2]) * size[1] + across * size[0]
            low.append(self.data.geom_xpos[g] - reach)
            high.append(self.data.geom_xpos[g] + reach)
        return np.min(low, axis=0), np.max(high, axis=0)

    def nearest(self):
        """Return the least distance of tool and gripper from a link that is no
        neighbour [m], where the MJCF does not exclude the pair."""
        best = 1.0
        for g in self.tool:
            for h in self.far:
                bodies = sorted(int(self.model.geom_bodyid[k]) for k in (g, h))
                if (bodies[0] << 16) + bodies[1] in self.model.exclude_signature:
                    continue
                apart = mujoco.mj_geomDistance(self.model, self.data, g, h, 1.0, None)
                best = min(best, apart)
        return best


KINDS = {
    "panda": ("panda", None),
    "so101": ("so101", None),
    "ur5e with a gripper": ("ur5e", PickPlace),
    "ur5e with a rod": ("ur5e", Push),
    "panda with a peg": ("panda", Insert),
}


@pytest.fixture(scope="module", params=KINDS)
def held(request):
    return Held(*KINDS[request.param])


def limits(robot):
    names = JointLimits.model_fields
    return [JointLimits(**{n: getattr(j, n) for n in names}) for j in robot.joints]


def drive(held, fence, seed):
    """Yield every command towards random wishes, the way to rest included."""
    robot, rng = held.robot, np.random.default_rng(seed)
    limiter = Limiter(limits(robot), DT)
    limiter.reset(list(robot.home))
    for _ in range(5):
        wish = rng.uniform(robot.lower, robot.upper)
        for _ in range(15):
            fence.step(limiter, list(wish))
            yield limiter.position
    while not limiter.at_rest:
        fence.step(limiter, None)
        yield limiter.position


@given(seed=st.integers(0, 2**32 - 1), room=st.tuples(*[st.floats(0.01, 0.1)] * 6))
@settings(max_examples=12, deadline=None)
def test_every_point_of_tool_and_gripper_stays_in_the_box(held, seed, room):
    # Room is left around all that the capsules span at home.
    wide = Workspace(lower=(-9, -9, -9), upper=(9, 9, 9))
    far = Margins(held.geometry, [wide], None)(held.robot.home[None])[0]
    box = Workspace(
        lower=tuple(far[:3] - 9 - np.array(room[:3])),
        upper=tuple(9 - far[3:] + np.array(room[3:])),
    )
    fence, rng = Fence(Margins(held.geometry, [box], None)), np.random.default_rng(seed)
    for command in drive(held, fence, seed):
        held.pose(command, rng.uniform())
        low, high = held.extent()
        assert (low >= np.array(box.lower) - 1e-9).all()
        assert (high <= np.array(box.upper) + 1e-9).all()


@given(seed=st.integers(0, 2**32 - 1), clearance=st.floats(0.002, 0.02))
@settings(max_examples=8, deadline=None)
def test_tool_and_gripper_stay_off_the_arm_in_every_opening(held, seed, clearance):
    margins = Margins(held.geometry, [], clearance)
    assert margins(held.robot.home[None]).min() > 0  # it can be asked for
    rng = np.random.default_rng(seed)
    for k, command in enumerate(drive(held, Fence(margins), seed)):
        if k % 3 == 0:
            held.pose(command, rng.uniform())
            # MuJoCo's distances come from an iteration that ends within a micrometre.
            assert held.nearest() >= clearance - 1e-5


def test_the_fence_knows_where_the_tasks_tool_ends(held):
    tip = Kinematics(held.geometry)(np.array(held.arm.home)).position
    assert tip == pytest.approx(Kinematics(held.robot)(held.arm.home).position)
    held.pose(held.arm.home, 1.0)
    low, high = held.extent()
    wide = Workspace(lower=(-9, -9, -9), upper=(9, 9, 9))
    found = Margins(held.geometry, [wide], None)(held.robot.home[None])[0]
    # A capsule around a box is thicker than it, by no more than this.
    assert ((found[:3] - 9 <= low + 1e-9) & (found[:3] - 9 > low - 0.08)).all()
    assert ((9 - found[3:] >= high - 1e-9) & (9 - found[3:] < high + 0.08)).all()


def test_a_tool_that_only_the_operator_knows_is_kept_like_the_arm():
    robot, tool = get_robot("ur5e"), Tool(length=0.3, radius=0.04)
    geometry = mount(arm_geometry(robot), tool)
    pose = robot.home.copy()
    tip = Kinematics(robot)(pose)
    end = tip.position + 0.3 * tip.rotation[:, 2]
    wide = Workspace(lower=(-9, -9, -9), upper=(9, 9, 9))
    margins = Margins(geometry, [wide], 0.01)(pose[None])[0]
    assert margins[2] - 9 == pytest.approx(min(end[2], tip.position[2]) - 0.04)
    folded = np.array([0.0, -1.5, 2.6, -1.1, -1.57, 0.0])
    bare = Margins(arm_geometry(robot), [], 0.01)(folded[None]).min()
    loaded = Margins(geometry, [], 0.01)(folded[None])
    assert loaded.min() < 0 < bare
    contract = sample_contract(robot, DT, geometry=arm_geometry(robot))
    fence = make_fence(contract, None, 0.01, tool)
    problem = fence.judge(at_rest(robot, pose), list(folded))
    assert "mounted tool" in problem.text
    with pytest.raises(LimitError, match="neither --workspace nor --clearance"):
        make_fence(contract, None, None, tool)


def at_rest(robot, pose):
    limiter = Limiter(limits(robot), DT)
    limiter.reset(list(pose))
    return limiter


HAND = """
<mujoco><compiler angle="radian"/><worldbody>
<body name="base"><geom name="foot" type="sphere" size="0.05"/>
<body name="arm" pos="0 0 0.1"><joint name="lift" axis="0 1 0" range="-2 2"/>
<geom name="rod" type="capsule" fromto="0 0 0.1 0 0 0.3" size="0.02"/>
<body name="finger" pos="0 0 0.4"><joint name="grasp" axis="1 0 0" range="0 1.5"/>
<geom name="nail" type="capsule" fromto="0 0 0 0 0 0.1" size="0.01"/>
</body></body></body></worldbody></mujoco>
"""


@pytest.fixture
def own_arm(tmp_path):
    from forearm.core.robots import OWN

    joint = "{name: lift, lower: -1.5, upper: 1.5, velocity: 2, acceleration: 5, "
    joint += "jerk: 100, effort: 9, home: 0.5, kp: 100, kv: 10, armature: 0.1}"
    (tmp_path / "arm.xml").write_text(HAND)
    (tmp_path / "arm.yaml").write_text(
        f"name: handy\njoints: [{joint}]\ntool: {{name: tip, xyz: [0, 0, 0.4]}}\n"
        "payload_limit: 1\n"
    )
    yield load_robot(tmp_path / "arm.xml", tmp_path / "arm.yaml")
    OWN.clear()


def test_the_fingers_of_a_users_own_arm_count_over_their_whole_travel(own_arm):
    geometry = arm_geometry(own_arm)
    assert {c.name for c in geometry.capsules} == {"foot", "rod", "nail"}
    nails = [c for c in geometry.capsules if c.name == "nail"]
    for angle in np.linspace(0.0, 1.5, 31):
        tip = np.array([0.0, -np.sin(angle), np.cos(angle)]) * 0.1 + [0, 0, 0.4]
        ends = [(end, c.radius - 0.01) for c in nails for end in (c.start, c.end)]
        off = [np.linalg.norm(tip - end) - grown for end, grown in ends]
        assert min(off) <= 1e-9
    assert max(c.radius for c in nails) <= 0.021  # and not much more
