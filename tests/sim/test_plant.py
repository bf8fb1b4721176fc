import numpy as np
import pytest

from forearm.core.errors import FileError, LimitError
from forearm.core.robots import get_robot
from forearm.sim.plant import Plant
from forearm.sim.plant_spec import PlantSpec, load_plant

ROBOT = get_robot("ur5e")


def moved(spec=None, seconds=0.5, offset=0.2):
    plant = Plant(ROBOT, spec)
    plant.command(ROBOT.home + offset)
    plant.advance(seconds)
    return plant


def test_a_nominal_plant_follows_its_command():
    plant = moved(seconds=2.0)
    assert np.abs(plant.joint_pos - ROBOT.home - 0.2).max() < 0.02


def test_nothing_moves_without_a_command():
    plant = Plant(ROBOT)
    plant.advance(1.0)
    assert np.abs(plant.joint_pos - ROBOT.home).max() < 1e-3


@pytest.mark.parametrize("rate", [250.0, 300.0, 700.0])
def test_no_time_is_lost_where_a_period_is_no_whole_number_of_steps(rate):
    plant = Plant(ROBOT)
    for _ in range(int(rate)):
        plant.advance(1 / rate)
    assert plant.time == pytest.approx(1.0, abs=0.6 * plant.spec.timestep)


@pytest.mark.parametrize(
    "change",
    [
        {"friction": {"coulomb": 20.0}},
        {"friction": {"viscous": 60.0}},
        {"friction": {"stribeck": 10.0}},
        {"friction": {"load_dependent": 0.3}},
        {"backlash": 0.02},
        {"command_delay": {"mean": 0.05}},
        {"payload": {"mass": 4.0, "com": (0.0, 0.0, 0.1)}},
        {"servo": {"gain_error": -0.4}},
        {"servo": {"saturation": 0.1}},
        {"base_tilt": (0.3, 0.0)},
        {"params": {"armature": [1.5, 1.5, 1.5, 0.4, 0.4, 0.4]}},
        {"integrator": "Euler", "timestep": 0.002},
    ],
)
def test_every_effect_changes_the_motion(change):
    plain = moved(seconds=0.15).joint_pos
    other = moved(PlantSpec.model_validate(change), seconds=0.15).joint_pos
    assert np.abs(plain - other).max() > 1e-5


def test_a_command_arrives_after_its_delay():
    spec = PlantSpec.model_validate({"command_delay": {"mean": 0.1}})
    assert np.abs(moved(spec, seconds=0.09).joint_vel).max() < 1e-2
    assert np.abs(moved(spec, seconds=0.15).joint_vel).max() > 0.1


def test_dropped_commands_never_arrive():
    spec = PlantSpec.model_validate({"command_delay": {"drop_rate": 0.999999}})
    assert np.abs(moved(spec).joint_pos - ROBOT.home).max() < 1e-3


def test_sensors_are_late_coarse_and_off():
    spec = PlantSpec.model_validate(
        {"sensor": {"delay": 0.05, "quantization": 0.01, "offset": 0.5}}
    )
    plant = moved(spec)
    reading = plant.read()
    assert plant.time - reading.time == pytest.approx(0.05, abs=2e-3)
    steps = reading.position / 0.01
    assert np.allclose(steps, np.round(steps))
    late = moved(PlantSpec(), seconds=0.45).joint_pos
    assert np.abs(reading.position - 0.5 - late).max() < 0.006


def test_noise_depends_on_the_seed_only():
    def read(seed):
        spec = PlantSpec.model_validate({"sensor": {"noise": 0.01}, "seed": seed})
        return moved(spec).read().position

    assert (read(1) == read(1)).all()
    assert (read(1) != read(2)).any()


def test_a_malformed_command_is_refused():
    with pytest.raises(LimitError, match="6 finite"):
        Plant(ROBOT).command(np.zeros(5))
    with pytest.raises(LimitError, match="6 finite"):
        Plant(ROBOT).command(np.full(6, np.nan))


def test_an_unknown_field_is_refused_by_name(tmp_path):
    path = tmp_path / "plant.yaml"
    path.write_text("fricton: {coulomb: 1}\n")
    with pytest.raises(FileError, match="fricton"):
        load_plant(path)


def test_another_robots_plant_is_refused():
    with pytest.raises(LimitError, match="panda"):
        Plant(ROBOT, PlantSpec(robot="panda"))


def test_a_delay_need_not_be_a_multiple_of_the_step():
    spec = PlantSpec.model_validate(
        {"timestep": 0.004, "command_delay": {"mean": 0.011}}
    )
    plant = Plant(ROBOT, spec)
    plant.command(ROBOT.home + 0.1)
    moved_by = []
    for _ in range(4):
        plant.advance(0.004)
        moved_by.append(plant.data.ctrl[0] - ROBOT.home[0])
    # It arrives 3 ms into the third step and acts for the last quarter of it.
    np.testing.assert_allclose(moved_by, [0.0, 0.0, 0.025, 0.1], atol=1e-9)
