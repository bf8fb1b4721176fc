"""No sequence of wishes leads out of the box or the arm into itself."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forearm.core.contract import JointLimits
from forearm.core.geometry import Workspace
from forearm.core.kinematics import Kinematics
from forearm.core.robots import get_robot
from forearm.deploy.fence import Fence
from forearm.deploy.limiter import Limiter
from forearm.deploy.margins import Margins
from forearm.sim.geometry import arm_geometry
from forearm.sim.model import build_model

ROBOT = get_robot("ur5e")
GEOMETRY = arm_geometry(ROBOT)
MODEL = build_model(ROBOT)
FK = Kinematics(ROBOT)
LIMITS = [
    JointLimits(**{name: getattr(joint, name) for name in JointLimits.model_fields})
    for joint in ROBOT.joints
]

moves = st.lists(
    st.tuples(
        st.sampled_from(["far", "near", "edge", "nan", "stop"]),
        st.integers(0, 2**32 - 1),
        st.integers(1, 20),
    ),
    min_size=1,
    max_size=8,
)


def wishes(sequence, limiter):
    """Yield wishes of every kind, also such that no policy would have."""
    for kind, seed, times in sequence:
        rng = np.random.default_rng(seed)
        goal = rng.uniform(ROBOT.lower, ROBOT.upper)
        push = rng.normal(size=ROBOT.n) * 0.05
        for _ in range(times):
            if kind == "stop":
                yield None
            elif kind == "near":
                yield list(np.array(limiter.position) + push)
            elif kind == "edge":
                yield list(np.where(goal > 0, ROBOT.upper, ROBOT.lower) * 3)
            else:
                yield [np.nan, *goal[1:]] if kind == "nan" else list(goal)


def drive(fence, sequence, start, dt):
    """Return every command that is sent, the way to rest at the end included."""
    limiter = Limiter(LIMITS, dt)
    limiter.reset(start)
    sent = [list(start)]
    for wish in wishes(sequence, limiter):
        fence.step(limiter, wish)
        sent.append(limiter.position)
    while not limiter.at_rest:
        fence.step(limiter, None)
        sent.append(limiter.position)
    return np.array(sent)


def start_near_home(seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(
        np.maximum(ROBOT.home - 0.8, ROBOT.lower), np.minimum(ROBOT.home + 0.8, 2.9)
    )


@given(
    moves,
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.floats(-0.02, 0.3)] * 6),
    st.sampled_from([0.005, 0.02, 0.05]),
)
@settings(max_examples=80, deadline=None)
def test_the_tool_never_leaves_its_box_nor_goes_farther_out(sequence, seed, room, dt):
    start = start_near_home(seed)
    home = FK(start).position
    lower, upper = home - np.array(room[:3]), home + np.array(room[3:]) + 0.045
    box = Workspace(lower=tuple(lower), upper=tuple(upper))
    sent = drive(Fence(Margins(GEOMETRY, [box], None)), sequence, start, dt)
    data = mujoco.MjData(MODEL)
    spans = np.array([extent(data, pose, least=ROBOT.n) for pose in sent])
    room = np.minimum(spans[:, 0] - lower, upper - spans[:, 1]).min(axis=1)
    # A nanometre is what rounding may come to; the way to rest is inside as well.
    assert room.min() >= min(0.0, room[0]) - 1e-9


def apart(data, joint_pos):
    """Return MuJoCo's own distance of every pair [m]."""
    data.qpos[:] = joint_pos
    mujoco.mj_kinematics(MODEL, data)
    names = [capsule.name for capsule in GEOMETRY.capsules]
    return [
        mujoco.mj_geomDistance(
            MODEL, data, MODEL.geom(names[i]).id, MODEL.geom(names[j]).id, 2.0, None
        )
        for i, j in GEOMETRY.pairs
    ]


def test_distances_are_those_of_the_simulator():
    rng, data = np.random.default_rng(0), mujoco.MjData(MODEL)
    poses = rng.uniform(ROBOT.lower, ROBOT.upper, (60, ROBOT.n))
    ours = Margins(GEOMETRY, [], 0.01)(poses) + 0.01
    theirs = np.array([apart(data, pose) for pose in poses])
    kinds = [MODEL.geom(c.name).type[0] for c in GEOMETRY.capsules]
    capsule = [int(mujoco.mjtGeom.mjGEOM_CAPSULE)] * 2
    same = [[kinds[i], kinds[j]] == capsule for i, j in GEOMETRY.pairs]
    clear = theirs > 0.001
    assert np.abs(ours - theirs)[:, same][clear[:, same]].max() < 1e-6
    # A cylinder counts with round ends, so it is never taken for farther off.
    assert (ours < theirs + 1e-6)[clear].all()


@given(moves, st.integers(0, 2**32 - 1), st.floats(0.001, 0.02))
@settings(max_examples=40, deadline=None)
def test_no_two_links_come_closer_than_the_clearance(sequence, seed, clearance):
    start = start_near_home(seed)
    margins = Margins(GEOMETRY, [], clearance)
    first = float(margins(start[None]).min())
    sent, data = drive(Fence(margins), sequence, start, 0.02), mujoco.MjData(MODEL)
    least = min(min(apart(data, pose)) for pose in sent)
    # MuJoCo's distances come from an iteration that ends within a micrometre.
    assert least >= clearance + min(0.0, first) - 1e-6


@given(moves, st.integers(0, 2**32 - 1), st.tuples(*[st.floats(0.005, 0.2)] * 6))
@settings(max_examples=40, deadline=None)
def test_a_box_for_the_arm_holds_every_capsule(sequence, seed, room):
    start, data = start_near_home(seed), mujoco.MjData(MODEL)
    low, high = extent(data, start)
    box = Workspace(
        lower=tuple(low - room[:3]), upper=tuple(high + room[3:]), holds="arm"
    )
    for pose in drive(Fence(Margins(GEOMETRY, [box], None)), sequence, start, 0.02):
        low, high = extent(data, pose)
        assert (low >= np.array(box.lower) - 1e-9).all()
        assert (high <= np.array(box.upper) + 1e-9).all()


def extent(data, joint_pos, least=1):
    """Return the corners of what geoms from a link on span, round at their ends [m]."""
    data.qpos[:] = joint_pos
    mujoco.mj_kinematics(MODEL, data)
    low, high = [FK(np.array(joint_pos)).position], [FK(np.array(joint_pos)).position]
    for capsule in GEOMETRY.capsules:
        if capsule.link >= least:
            geom = MODEL.geom(capsule.name).id
            axis = data.geom_xmat[geom].reshape(3, 3)[:, 2] * MODEL.geom_size[geom, 1]
            centre, radius = data.geom_xpos[geom], MODEL.geom_size[geom, 0]
            low += [centre - axis - radius, centre + axis - radius]
            high += [centre - axis + radius, centre + axis + radius]
    return np.min(low, axis=0), np.max(high, axis=0)


@given(
    st.lists(st.floats(-4, 4), max_size=60),
    st.floats(1, 2000),
    st.sampled_from([0.002, 0.02]),
)
@settings(max_examples=150, deadline=None)
def test_the_way_to_rest_is_never_longer_than_the_bound(sequence, jerk, dt):
    limit = LIMITS[0].model_copy(update={"jerk": jerk + 100})
    limiter = Limiter([limit], dt)
    limiter.reset([0.0])
    for wish in sequence:
        limiter.step([wish])
        way = np.abs(np.diff(np.array(limiter.stop_poses())[:, 0])).sum()
        assert way <= limiter.travel[0] + 1e-12


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_no_margin_changes_faster_than_its_lever(seed):
    rng = np.random.default_rng(seed)
    boxes = [
        Workspace(lower=(-1, -1, -1), upper=(1, 1, 1), holds=what)
        for what in ("tool", "arm")
    ]
    margins = Margins(GEOMETRY, boxes, 0.01)
    # Stretched out, where the levers are long; one joint, or all of them.
    pose = np.array([0, -1.57, 0, 0, 0, 0]) + rng.normal(size=6) * 0.3
    turn = rng.normal(size=6) * (np.eye(6)[rng.integers(6)] if seed % 2 else 1) * 0.1
    before, after = margins(np.array([pose, pose + turn]))
    assert (abs(after - before) <= margins.levers @ abs(turn) + 1e-12).all()


def test_a_motion_that_leads_back_is_allowed_and_one_that_leads_out_is_not():
    start = ROBOT.home
    box = Workspace(lower=(-2, -2, FK(start).position[2] + 0.05), upper=(2, 2, 2))
    for goal, moves_on in ((-0.4, True), (0.2, False)):
        limiter, fence = Limiter(LIMITS, 0.02), Fence(Margins(GEOMETRY, [box], None))
        limiter.reset(start)
        wish = start + np.array([0.0, goal, 0.0, 0.0, 0.0, 0.0])
        met = [fence.step(limiter, list(wish)) for _ in range(60)]
        moved = FK(np.array(limiter.position)).position[2] - FK(start).position[2]
        if moves_on:
            assert moved > 0.05
            assert fence.refused == 0
        else:
            assert abs(moved) < 1e-3
            assert not any(met)
            assert "workspace" in fence.problem.text


def shoulder(height):
    """Return home with the shoulder turned until the tool is so far below [m]."""
    low, high = 0.0, 0.2
    for _ in range(60):
        turn = 0.5 * (low + high)
        pose = ROBOT.home + np.eye(6)[1] * turn
        below = FK(ROBOT.home).position[2] - FK(pose).position[2]
        low, high = (turn, high) if below < height else (low, turn)
    return pose


def above_floor(room):
    """A fence whose floor lies ``room`` [m] below the tool, and a limiter at home."""
    floor = FK(ROBOT.home).position[2] - room
    box = Workspace(lower=(-2, -2, floor), upper=(2, 2, 2))
    limiter = Limiter(LIMITS, 0.02)
    limiter.reset(ROBOT.home)
    return Fence(Margins(GEOMETRY_OF_TOOL, [box], None)), limiter


GEOMETRY_OF_TOOL = GEOMETRY.model_copy(update={"capsules": []})


def test_a_wish_just_inside_is_reached():
    fence, limiter = above_floor(0.03)
    wish = shoulder(0.025)
    for _ in range(200):
        fence.step(limiter, list(wish))
    assert limiter.position == pytest.approx(wish, abs=1e-4)
    assert fence.refused == 0


@pytest.mark.parametrize(("inside", "may"), [(0.009, False), (0.011, True)])
def test_a_stopped_arm_sets_out_for_what_lies_a_centimetre_inside(inside, may):
    fence, limiter = above_floor(0.03)
    found = fence.judge(limiter, list(shoulder(0.03 - inside)))
    assert (found is None) == may


@pytest.mark.parametrize("name", ["ur5e", "ur10e", "panda", "so101"])
def test_capsules_lie_where_the_simulator_has_its_shapes(name):
    robot = get_robot(name)
    geometry, model = arm_geometry(robot), build_model(robot)
    data, rng = mujoco.MjData(model), np.random.default_rng(0)
    joint_pos = rng.uniform(robot.lower, robot.upper)
    data.qpos[: robot.n] = joint_pos
    mujoco.mj_kinematics(model, data)
    frames = Kinematics(geometry).link_frames(joint_pos[None])[0]
    assert len(geometry.capsules) >= robot.n
    names = [capsule.name for capsule in geometry.capsules]
    for capsule in geometry.capsules:
        if names.count(capsule.name) > 1:  # a finger's, over its travel
            continue
        centre = np.mean([capsule.start, capsule.end], axis=0)
        found = frames[capsule.link] @ [*centre, 1.0]
        assert found[:3] == pytest.approx(data.geom(capsule.name).xpos, abs=1e-6)
    # At home nothing is so near to anything else that a clearance cannot be asked for.
    assert Margins(geometry, [], 0.02)(robot.home[None]).min() > 0
