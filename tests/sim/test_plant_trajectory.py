from types import SimpleNamespace as Box

import numpy as np
import pytest

from forearm.sim.trajectory import Trajectory


def message(points, names=("a", "b")):
    return Box(
        joint_names=list(names),
        points=[
            Box(
                positions=p,
                velocities=v,
                time_from_start=Box(sec=int(t), nanosec=round((t % 1) * 1e9)),
            )
            for t, p, v in points
        ],
    )


def test_positions_and_velocities_are_met_at_the_points():
    made = Trajectory.from_message(
        message([(0.5, [1.0, 2.0], [1.0, 0.0]), (1.0, [2.0, 3.0], [0.0, 0.0])]),
        ("a", "b"),
        10.0,
    )
    assert np.allclose(made.at(10.5), [1.0, 2.0])
    assert np.allclose(made.at(11.0), [2.0, 3.0])
    assert np.allclose(made.at(99.0), [2.0, 3.0])
    slope = (made.at(10.5 + 1e-5) - made.at(10.5)) / 1e-5
    assert np.allclose(slope, [1.0, 0.0], atol=1e-3)


def test_joints_are_mapped_by_name():
    made = Trajectory.from_message(message([(1.0, [1.0, 2.0], [])]), ("b", "a"), 0.0)
    assert np.allclose(made.at(1.0), [2.0, 1.0])


def test_the_way_from_the_present_reference_is_continuous():
    made = Trajectory.from_message(message([(1.0, [1.0, 2.0], [])]), ("a", "b"), 0.0)
    made.start_from(0.0, np.zeros(2))
    assert np.allclose(made.at(0.5), [0.5, 1.0])


@pytest.mark.parametrize(
    "wrong",
    [
        message([]),
        message([(1.0, [1.0], [])]),
        message([(1.0, [1.0, float("nan")], [])]),
        message([(1.0, [1.0, 1.0], []), (0.5, [1.0, 1.0], [])]),
        message([(1.0, [1.0, 1.0], [])], names=("a", "c")),
    ],
)
def test_a_malformed_trajectory_is_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        Trajectory.from_message(wrong, ("a", "b"), 0.0)
