import shutil

import numpy as np
import pytest

from forearm.core.bundle import load_bundle
from forearm.core.errors import FileError, ForearmError, LimitError
from forearm.core.robots import get_robot
from forearm.core.statistics import chance_of_losses
from forearm.deploy.sample import sample_bundle
from forearm.policies.evaluate import judge
from forearm.policies.tolerance import parse_delays, tolerated_delay, write_tolerance


def point(delay, success=0.95, lost=0, gained=0, episodes=200):
    return {
        "delay_s": delay,
        "success": success,
        "wilson_95": [0.9, 0.98],
        "episodes": episodes,
        "lost": lost,
        "gained": gained,
        "p": chance_of_losses(lost, gained),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tolerance") / "bundle"
    return sample_bundle(folder, get_robot("ur5e"), width=16)


@pytest.fixture
def bundle(made, tmp_path):
    shutil.copytree(made.path, tmp_path / "bundle")
    return load_bundle(tmp_path / "bundle")


@pytest.mark.parametrize(
    ("lost", "gained", "chance"),
    [(5, 0, 1 / 32), (0, 5, 1.0), (0, 0, 1.0), (1, 1, 3 / 4)],
)
def test_the_chance_of_losses_is_the_binomial_tail(lost, gained, chance):
    assert chance_of_losses(lost, gained) == pytest.approx(chance)


def test_delays_are_milliseconds_and_begin_with_none():
    assert parse_delays("20,10,40ms") == [0.0, 0.01, 0.02, 0.04]
    for text in ("", "a", "10,,20", "-1", "nan", "500"):
        with pytest.raises(LimitError, match="milliseconds"):
            parse_delays(text)


def test_the_tolerated_delay_is_the_last_before_success_is_significantly_lower():
    curve = [point(0.0), point(0.01, lost=4), point(0.02, lost=5, gained=1)]
    assert tolerated_delay(curve) == 0.02
    curve += [point(0.04, lost=5), point(0.06)]
    assert tolerated_delay(curve) == 0.02
    assert tolerated_delay([point(0.0), point(0.01, lost=9)]) == 0.0


def test_a_policy_that_fails_anyway_tolerates_nothing_that_could_be_said():
    assert tolerated_delay([point(0.0, success=0.4), point(0.01)]) is None
    assert tolerated_delay([]) is None


def test_an_evaluation_keeps_the_outcome_of_every_seed():
    assert judge(np.array([True, False]), np.zeros(2)).outcomes == (True, False)


def test_a_bundle_is_sealed_anew_with_what_it_tolerates(bundle):
    curve = [point(0.0), point(0.02, lost=2), point(0.04, lost=30, success=0.8)]
    write_tolerance(bundle, curve)
    sealed = load_bundle(bundle.path)
    assert sealed.contract.latency.tolerated == 0.02
    assert sealed.contract.evaluation.delays[2]["lost"] == 30
    assert sealed.read("policy.onnx") == bundle.read("policy.onnx")
    assert [p.name for p in bundle.path.parent.iterdir()] == ["bundle"]


def test_a_failure_on_the_way_leaves_the_old_bundle(bundle, monkeypatch):
    before = (bundle.path / "contract.json").read_bytes()
    path = type(bundle.path)
    rename, calls = path.rename, []

    def fail(self, target):
        calls.append(self)
        if len(calls) == 2:
            raise OSError("no space left on device")
        return rename(self, target)

    monkeypatch.setattr(path, "rename", fail)
    with pytest.raises(OSError, match="no space"):
        write_tolerance(bundle, [point(0.0), point(0.02)])
    monkeypatch.undo()
    assert (bundle.path / "contract.json").read_bytes() == before
    assert [p.name for p in bundle.path.parent.iterdir()] == ["bundle"]


def test_what_says_too_little_is_not_written(bundle):
    with pytest.raises(LimitError, match="at least 100 episodes"):
        write_tolerance(bundle, [point(0.0, episodes=50)])
    with pytest.raises(ForearmError, match="nothing that a delay"):
        write_tolerance(bundle, [point(0.0, success=0.3)])
    none = [point(0.0), point(0.01, lost=9), point(0.02)]
    with pytest.raises(LimitError, match="less than 10 ms, the smallest tried"):
        write_tolerance(bundle, none)
    with pytest.raises(LimitError, match="none was tried"):
        write_tolerance(bundle, none[:1])
    (bundle.path / "policy.onnx").write_bytes(b"other")
    with pytest.raises(FileError, match="altered"):
        write_tolerance(bundle, [point(0.0), point(0.01)])
