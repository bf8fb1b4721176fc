"""OnnxPolicy: one bundle's graph in onnxruntime, bound to fixed buffers."""

from __future__ import annotations

import hashlib
import statistics
import threading
import time

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from forearm.core.bundle import POLICY, Bundle
from forearm.core.errors import FileError, MismatchError

from .graph_check import check_graph
from .graph_proof import prove_graph, session_options

SELFTEST_TOLERANCE = 1e-4
"""Largest difference from a golden output [rad]: float32 on another CPU."""

WARM_UP = 50
"""Runs before the first one that counts; the first takes up to a millisecond."""

PATIENCE = 2.0
"""Longest the first run may take before it is broken off [s]."""


class OnnxPolicy:
    """Named input buffers in, one output buffer out, no allocation per run."""

    def __init__(self, bundle: Bundle) -> None:
        """Check, prove in another process, load, warm up, replay the self-test.

        Raises:
            FileError: the graph may not be run, asks for too much memory or time,
                does not load, or commands what is not a number at the ends of the
                joints' range.
            MismatchError: the self-test's outputs are not reproduced.
        """
        contract = bundle.contract
        graph = check_graph(bundle.policy, contract)
        if hashlib.sha256(graph).hexdigest() != contract.sha256.get(POLICY):
            # Swapped since the bundle was loaded: what is run is what was hashed.
            raise FileError(bundle.policy, "was altered (its SHA-256 differs)")
        prove_graph(bundle.policy, graph)
        try:
            self._session = onnxruntime.InferenceSession(
                graph, session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise FileError(
                bundle.policy, f"onnxruntime refuses it ({error})"
            ) from error
        self.inputs: dict[str, NDArray[np.float32]] = {
            i.name: np.zeros((1, i.size), np.float32) for i in contract.inputs
        }
        """Input buffers of shape (1, size); write into them, then :meth:`run`."""
        self.output: NDArray[np.float32] = np.zeros(
            (1, len(contract.joints)), np.float32
        )
        """Joint command [rad], shape (1, n)."""
        self._binding = self._session.io_binding()
        for name, buffer in self.inputs.items():
            self._binding.bind_input(
                name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data
            )
        self._binding.bind_output(
            contract.output.name,
            "cpu",
            0,
            np.float32,
            self.output.shape,
            self.output.ctypes.data,
        )
        self.seconds = self._warm_up(bundle)
        """Time of one run, measured here [s]."""
        self._replay(bundle)
        self._probe(bundle)

    def run(self) -> None:
        """Compute :attr:`output` from :attr:`inputs`."""
        self._session.run_with_iobinding(self._binding)

    def _warm_up(self, bundle: Bundle) -> float:
        """Run often; return the median time. The first run must come to an end."""
        options = onnxruntime.RunOptions()
        alarm = threading.Timer(PATIENCE, lambda: setattr(options, "terminate", True))
        alarm.start()
        try:
            self._session.run_with_iobinding(self._binding, options)
        except Exception as error:
            raise FileError(
                bundle.policy, f"did not run to its end within {PATIENCE:g} s"
            ) from error
        finally:
            alarm.cancel()
        times = []
        for _ in range(WARM_UP):
            start = time.perf_counter()
            self.run()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def _probe(self, bundle: Bundle) -> None:
        """Run at both ends of every joint's range; the output must be finite."""
        first = {k: v[0] for k, v in bundle.selftest().inputs.items()}
        for end in ("lower", "upper"):
            at = np.array([getattr(x, end) for x in bundle.contract.limits], np.float32)
            for name, buffer in self.inputs.items():
                joints = name in ("joint_pos", "previous_command")
                buffer[0] = at if joints else first[name]
            self.run()
            if not np.isfinite(self.output).all():
                raise FileError(
                    bundle.policy, f"commands NaN or infinity at the {end} joint limits"
                )
        for buffer in self.inputs.values():
            buffer[:] = 0

    def _replay(self, bundle: Bundle) -> None:
        test = bundle.selftest()
        for k, expected in enumerate(test.output):
            for name, buffer in self.inputs.items():
                buffer[0] = test.inputs[name][k]
            self.run()
            error = float(np.abs(self.output[0] - expected).max())
            if not error <= SELFTEST_TOLERANCE:
                raise MismatchError(
                    f"self-test {k} of the policy",
                    f"{error:g} rad off",
                    f"at most {SELFTEST_TOLERANCE:g} rad",
                    "the bundle does not compute here what it did when exported",
                )
