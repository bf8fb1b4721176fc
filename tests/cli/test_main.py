"""The command line: every command is there, every mistake is one sentence."""

import pytest

from forearm.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_listed_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])
    assert leaving.value.code == 0
    assert COMMANDS[command].split(",")[0][:20] in capsys.readouterr().out


def test_an_unknown_command_lists_the_valid_ones(capsys):
    assert main(["fly"]) == 2
    error = capsys.readouterr().err
    assert all(name in error for name in COMMANDS)
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["robots", "tasks"])
def test_the_lists_are_written_as_json(name, tmp_path, capsys):
    assert main([name, "--json", str(tmp_path / "list.json")]) == 0
    assert (tmp_path / "list.json").is_file()
    assert capsys.readouterr().out


def test_a_folder_that_is_not_a_demo_is_never_removed(tmp_path, capsys):
    keep = tmp_path / "keep.txt"
    keep.write_text("mine")
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert keep.read_text() == "mine"
    assert "not a demo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("robot: ur10e\njoints: []\n", "ur5e"),
        ("robot: ur5e\njoints: [a]\nparams: {kp: {value: [.nan], unit: Nm/rad}}", "kp"),
        ("robot: [", "does not parse"),
        ("", "content"),
    ],
)
def test_a_bad_params_file_is_refused_before_anything_is_written(
    content, word, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(content)
    assert main(["train", "reach", "--params", "p.yaml"]) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["p.yaml"]


def test_an_output_folder_inside_a_file_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "run")
    assert main(["train", "reach", "--steps", "2048", "--out", out]) == 2
    error = capsys.readouterr().err
    assert "Not a directory" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [(["--seed", "-5"], "seed"), (["--plant", "missing.yaml"], "missing.yaml")],
)
def test_a_bad_evaluation_is_refused_with_its_reason(
    options, word, tmp_path, capsys, monkeypatch
):
    from forearm.core.robots import get_robot
    from forearm.deploy.sample import sample_bundle

    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_LOG_DIR"):
        monkeypatch.setenv(name, "1")  # the command sets them; put them back after
    sample_bundle(tmp_path / "bundle", get_robot("ur5e"), 0.02)
    assert main(["evaluate", str(tmp_path / "bundle"), *options]) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1


def test_a_corrupt_bundle_is_refused(tmp_path, capsys):
    (tmp_path / "contract.json").write_text("{}")
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "contract.json" in capsys.readouterr().err


def test_one_robot_is_shown_with_its_limits_gripper_and_sources(capsys):
    assert main(["robots", "panda"]) == 0
    out = capsys.readouterr().out
    row = next(line.split() for line in out.splitlines() if "panda_joint4" in line)
    assert row[1:5] == ["-3.072", "-0.0698", "2.175", "12.5"]
    assert "panda_finger_joint1" in out
    assert "m, N" in out
    assert "inertia: frankaemika/franka_description" in out


def test_an_unknown_robot_is_one_sentence_with_the_valid_names(capsys):
    assert main(["robots", "r2d2"]) == 2
    error = capsys.readouterr().err
    assert "so101" in error
    assert error.count("\n") == 1
