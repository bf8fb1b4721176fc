"""What the watchdog of joint states counts without stopping the arm."""

from forearm.deploy.watchdog import JointSample, JointWatch

JOINTS = ("a", "b")


def sample(k: int, sequence: int, publisher: bytes = b"driver") -> JointSample:
    at = 5.0 + 0.01 * k
    return JointSample(
        list(JOINTS), [0.1, 0.2], [0.0, 0.0], at, at, publisher, sequence
    )


def test_gaps_in_the_transports_numbers_are_counted() -> None:
    watch = JointWatch(JOINTS, 0.1)
    for k, number in enumerate((7, 8, 11, 12, 14)):
        watch.accept(sample(k, number))
    assert (watch.counts["lost"], watch.counts["accepted"]) == (3, 5)


def test_the_numbers_of_a_new_publisher_are_no_gap() -> None:
    watch = JointWatch(JOINTS, 0.1)
    watch.accept(sample(0, 7))
    watch.accept(sample(1, 900, b"restarted"))
    watch.accept(sample(2, 902, b"restarted"))
    assert watch.counts["lost"] == 1
