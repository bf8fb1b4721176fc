"""What every ROS process needs: it ends, whatever the middleware does."""

import signal
import subprocess
import sys

HANGING = """
from forearm.core import ros
ros.LEAVING = 1
class Hanging:
    def destroy_node(self):
        print("leaving", flush=True)
        sum(range(10**13))  # keeps Python's lock
ros.leave(Hanging())
"""


def test_a_process_ends_though_its_node_hangs_with_pythons_lock_held():
    command = [sys.executable, "-c", HANGING]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.stdout == b"leaving\n"
    assert done.returncode == -signal.SIGALRM


def test_a_node_that_leaves_in_time_ends_nothing():
    from forearm.core.ros import leave

    class Quick:
        gone = False

        def destroy_node(self):
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 10
            self.gone = True

    node = Quick()
    leave(node)
    assert node.gone
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
