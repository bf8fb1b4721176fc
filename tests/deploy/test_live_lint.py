"""A robot that fits its contract is let pass; each way not to fit is said in words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from forearm.core.contract import Contract
from forearm.core.robots import get_robot
from forearm.deploy.live import Endpoint, Heard, Live
from forearm.deploy.live_lint import as_json, lint, sliding
from forearm.deploy.sample import sample_contract
from forearm.deploy.watchdog import JointSample

ROBOT = get_robot("ur5e")
CONTRACT = sample_contract(ROBOT, 0.02)
FORWARD = sample_contract(ROBOT, 0.02, forward=True)
STATES = Endpoint("/broadcaster", "sensor_msgs/msg/JointState")
PERIOD = 0.01


def sample(k: int, **changes: object) -> JointSample:
    """The k-th joint state of an arm whose joints turn at 0.1 rad/s."""
    t = 1000 + PERIOD * k
    at = JointSample(
        list(ROBOT.joint_names),
        [float(q) + 0.1 * PERIOD * k for q in ROBOT.home],
        [0.1] * ROBOT.n,
        t,
        t + 0.002,
        b"one",
    )
    return replace(at, **changes)  # type: ignore[arg-type]


def states(count: int = 300) -> list[JointSample]:
    return [sample(k) for k in range(count)]


def live(samples: list[JointSample], contract: Contract = CONTRACT, **more: object):
    return Live(
        seconds=3.0,
        topic="/joint_states",
        command_topic="/controller",
        target_topic="/target_pose",
        heard=tuple(Heard(s, s.received - s.stamp) for s in samples),
        **{
            "publishers": (STATES,),
            "controllers": (Endpoint("/controller", contract.output.message),),
            "targets": (Endpoint("/goal", "geometry_msgs/msg/PoseStamped"),),
            **more,
        },
    )


def wrong(seen: Live, contract: Contract = CONTRACT) -> list[tuple[str, str]]:
    return [(f.what, f.text) for f in lint(contract, seen) if f.mismatch]


def test_a_robot_that_fits_has_no_finding() -> None:
    assert lint(CONTRACT, live(states())) == []


def test_order_extra_joints_and_missing_targets_are_notes() -> None:
    other = [
        replace(
            s,
            names=["finger", *reversed(s.names)],
            position=[0.0, *reversed(s.position)],
            velocity=[0.0, *reversed(s.velocity)],
        )
        for s in states()
    ]
    found = lint(CONTRACT, live(other, targets=(), simulated=True))
    assert [f.what for f in found] == ["joints", "joints", "target", "clock"]
    assert not any(f.mismatch for f in found)
    assert "finger" in found[1].text


def each(change):
    return [change(s) for s in states()]


def in_degrees(s: JointSample) -> JointSample:
    return replace(s, position=[math.degrees(q) for q in s.position])


BROKEN = {
    "degrees": (each(in_degrees), "units", "looks like degrees"),
    "degrees per second": (
        each(lambda s: replace(s, velocity=[5.73] * 6)),
        "units",
        "degrees per second",
    ),
    "slow degrees per second": (
        each(lambda s: replace(s, velocity=[2.0] * 6)),
        "units",
        "adds up to 20.0 times",
    ),
    "a turned sign": (
        each(lambda s: replace(s, velocity=[-0.1] * 6)),
        "units",
        "adds up to -1.0 times",
    ),
    "out of range": (
        each(lambda s: replace(s, position=[1e4] * 6)),
        "units",
        "fits no usual unit",
    ),
    "a missing joint": (
        each(
            lambda s: replace(
                s,
                names=s.names[:5],
                position=s.position[:5],
                velocity=s.velocity[:5],
            )
        ),
        "joints",
        "lack wrist_3_joint",
    ),
    "a prefix": (
        each(lambda s: replace(s, names=[f"left_{n}" for n in s.names])),
        "joints",
        "begin with 'left_'",
    ),
    "NaN": (
        each(lambda s: replace(s, position=[math.nan] * 6)),
        "joint_states",
        "NaN",
    ),
    "no velocity": (
        each(lambda s: replace(s, velocity=[])),
        "joint_states",
        "no velocity",
    ),
    "too few values": (
        each(lambda s: replace(s, position=s.position[:4])),
        "joint_states",
        "4 positions for 6",
    ),
    "a slow rate": (states()[::4], "rate", "at 25.0 Hz, the policy runs at 50 Hz"),
    "one state": (states()[:1], "rate", "at 0.3 Hz"),
    "silence": (states()[:100] + states()[200:], "rate", "silent for up to 1010 ms"),
    "zero stamps": (each(lambda s: replace(s, stamp=0.0)), "stamps", "are all zero"),
    "a frozen stamp": (each(lambda s: replace(s, stamp=7.0)), "stamps", "stand still"),
    "a clock behind": (
        each(lambda s: replace(s, stamp=s.stamp - 5)),
        "stamps",
        "5.0 s behind this computer's clock",
    ),
    "a clock ahead": (
        each(lambda s: replace(s, stamp=s.stamp + 0.3)),
        "stamps",
        "298 ms ahead of",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_misfit_is_one_kind_of_mismatch(name: str) -> None:
    samples, what, text = BROKEN[name]
    found = wrong(live(samples))
    assert found
    assert {subject for subject, _ in found} == {what}
    assert text in found[0][1]


def test_states_that_come_late_for_a_while_are_told_from_a_slow_clock() -> None:
    bursts = [
        replace(s, received=s.received + 0.15 * (100 < k <= 200))
        for k, s in enumerate(states())
    ]
    found = wrong(live(bursts))
    assert [what for what, _ in found] == ["stamps"]
    assert "33 % of the joint states are more than 100 ms later" in found[0][1]


def test_a_single_hiccup_is_a_note() -> None:
    hiccup = states()[:100] + states()[111:]
    found = lint(CONTRACT, live(hiccup))
    assert [(f.what, f.mismatch) for f in found] == [("rate", False)]


def test_states_too_slow_for_what_the_policy_tolerates_are_a_mismatch() -> None:
    latency = CONTRACT.latency.model_copy(update={"tolerated": 0.004})
    strict = CONTRACT.model_copy(update={"latency": latency})
    found = wrong(live(states()), strict)
    assert [what for what, _ in found] == ["rate"]
    assert "5 ms old on average" in found[0][1]
    assert "tolerates 4 ms" in found[0][1]
    assert wrong(live(states())) == []


def test_in_simulated_time_stamps_are_held_against_the_clock_topic() -> None:
    behind = [replace(s, stamp=s.stamp - 5) for s in states()]
    found = wrong(live(behind, simulated=True))
    assert [what for what, _ in found] == ["stamps"]
    assert "5.0 s behind /clock" in found[0][1]


def test_two_publishers_are_named_and_not_taken_for_a_bad_clock() -> None:
    other = [replace(s, publisher=b"two", stamp=s.stamp - 0.004) for s in states()]
    both = [s for pair in zip(states(), other, strict=True) for s in pair]
    publishers = (STATES, Endpoint("/gripper", STATES.message))
    found = wrong(live(both, publishers=publishers))
    assert [what for what, _ in found] == ["joint_states"]
    assert "/broadcaster, /gripper" in found[0][1]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"publishers": ()}, "start the driver"),
        ({"publishers": (), "elsewhere": ("/left/joint_states",)}, "--namespace"),
        ({}, "QoS"),
    ],
)
def test_silence_says_where_to_look(more: dict[str, object], word: str) -> None:
    found = wrong(live([], **more))
    assert [what for what, _ in found] == ["joint_states"]
    assert word in found[0][1]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"controllers": ()}, "nobody listens on /controller"),
        (
            {"controllers": (), "other_controllers": {"forward": "/f/commands"}},
            "--backend forward (/f/commands)",
        ),
        (
            {"controllers": (Endpoint("/c", "std_msgs/msg/Float64MultiArray"),)},
            "taken as std_msgs/msg/Float64MultiArray",
        ),
        ({"controller_joints": ("a", "b")}, "moves a, b"),
    ],
)
def test_a_controller_that_does_not_fit_is_said(more: dict[str, object], word: str):
    found = wrong(live(states(), **more))
    assert [what for what, _ in found] == ["controller"]
    assert word in found[0][1]


def test_the_order_of_a_controller_matters_where_its_message_has_no_names() -> None:
    turned = {"controller_joints": tuple(reversed(ROBOT.joint_names))}
    assert wrong(live(states(), **turned)) == []
    found = wrong(live(states(), FORWARD, **turned), FORWARD)
    assert [what for what, _ in found] == ["controller"]
    assert "each joint would get another's command" in found[0][1]
    untold = lint(FORWARD, live(states(), FORWARD))
    assert ["does not tell its joints" in f.text for f in untold] == [True]


def test_fingers_are_judged_in_metres() -> None:
    panda = get_robot("panda").with_gripper()
    contract = sample_contract(panda, 0.02)
    finger = panda.joints[-1].name
    assert sliding(get_robot("panda")) == {finger}
    home = [float(q) for q in panda.home]
    still = [
        replace(
            s,
            names=list(panda.joint_names),
            position=[*home[:-1], 20.0],
            velocity=[0.0] * panda.n,
        )
        for s in states()
    ]
    found = [
        f.text for f in lint(contract, live(still), sliding(panda)) if f.what == "units"
    ]
    assert len(found) == 1
    assert finger in found[0]
    assert "looks like millimetres" in found[0]


def test_the_report_says_what_was_seen() -> None:
    seen = live(each(in_degrees))
    report = as_json(seen, lint(CONTRACT, seen))
    assert not report["agrees"]
    assert report["joint_states"] == 300
    assert report["publishers"] == [{"node": "/broadcaster", "message": STATES.message}]
