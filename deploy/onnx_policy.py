"""OnnxPolicy: one bundle's graph in onnxruntime, bound to fixed buffers."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from forearm.core.bundle import Bundle
from forearm.core.errors import FileError, MismatchError

from .graph_check import check_graph

SELFTEST_TOLERANCE = 1e-4
"""Largest difference from a golden output [rad]: float32 on another CPU."""

WARM_UP = 50
"""Runs before the first one that counts; the first takes up to a millisecond."""


class OnnxPolicy:
    """Named input buffers in, one output buffer out, no allocation per run."""

    def __init__(self, bundle: Bundle) -> None:
        """Check, load, warm up and replay the self-test.

        Raises:
            FileError: the graph may not be run or does not load.
            MismatchError: the self-test's outputs are not reproduced.
        """
        contract = bundle.contract
        graph = check_graph(bundle.policy, contract)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
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
        for _ in range(WARM_UP):
            self.run()
        self._replay(bundle)

    def run(self) -> None:
        """Compute :attr:`output` from :attr:`inputs`."""
        self._session.run_with_iobinding(self._binding)

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
