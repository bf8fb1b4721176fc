"""Bundle: a directory that carries one policy to the robot, checked on every load."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from .contract import FORMAT, Contract
from .errors import FileError, MismatchError
from .files import describe, read_structured, sha256, write_json
from .signature import verify_signature

POLICY, CONTRACT, SELFTEST, CARD = (
    "policy.onnx",
    "contract.json",
    "selftest.npz",
    "MODEL_CARD.md",
)

POLICY_CAP = 50_000_000
"""Largest policy accepted [bytes]; an MLP for an arm is below 1 MB."""

SELFTEST_PREFIX = "input_"
"""Inputs in ``selftest.npz`` are called ``input_<name>``."""


@dataclass(frozen=True)
class SelfTest:
    """Golden inputs and outputs, replayed when the node starts."""

    inputs: dict[str, NDArray[np.float32]]
    """Each of shape (k, size)."""
    output: NDArray[np.float32]
    """Expected joint command [rad], shape (k, n)."""


@dataclass(frozen=True)
class Bundle:
    """A verified bundle."""

    path: Path
    """The directory."""
    contract: Contract
    """What the policy senses and commands."""

    @property
    def policy(self) -> Path:
        """Path of the ONNX graph."""
        return self.path / POLICY

    def read(self, name: str) -> bytes:
        """Return the content of a file, checked again: it is what was verified.

        Raises:
            FileError: it is gone, too large, or not what the contract has the hash of.
        """
        file = self.path / name
        try:
            with file.open("rb") as stream:
                data = stream.read(POLICY_CAP + 1)
        except OSError as error:
            raise FileError(file, f"cannot be read ({error.strerror})") from error
        if len(data) > POLICY_CAP:
            raise FileError(file, f"larger than {POLICY_CAP} bytes")
        if hashlib.sha256(data).hexdigest() != self.contract.sha256.get(name):
            raise FileError(
                file, "was altered (its SHA-256 differs)", "export it again"
            )
        return data

    def selftest(self) -> SelfTest:
        """Load the golden vectors.

        Raises:
            FileError: the file is corrupt or does not match the contract.
        """
        path = self.path / SELFTEST
        content = self.read(SELFTEST)
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as data:
                arrays = {
                    name: np.asarray(data[name], np.float32) for name in data.files
                }
        except Exception as error:
            raise FileError(path, f"cannot be read ({error})") from error
        output = arrays.pop("output", None)
        inputs = {k.removeprefix(SELFTEST_PREFIX): v for k, v in arrays.items()}
        expected = {i.name: i.size for i in self.contract.inputs}
        if output is None or {k: v.shape[-1] for k, v in inputs.items()} != expected:
            raise FileError(path, "does not match the contract's inputs")
        return SelfTest(inputs, output)


def load_bundle(path: str | Path, verify_key: str | Path | None = None) -> Bundle:
    """Verify every hash of a bundle and return it.

    Args:
        path: the directory.
        verify_key: public Ed25519 key; with it the signature must be there and right.

    Raises:
        FileError: a file is missing, altered, or of a newer format.
        SignatureError: the bundle is not signed with the key.
    """
    path = Path(path)
    if not (path / CONTRACT).is_file():
        raise FileError(path, f"is not a bundle (no {CONTRACT})", "see forearm export")
    signed = verify_signature(path / CONTRACT, verify_key) if verify_key else None
    content = read_structured(path / CONTRACT, signed)
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise FileError(path, f"has format {found}, this forearm reads up to {FORMAT}")
    try:
        contract = Contract.model_validate(content)
    except ValidationError as error:
        raise FileError(path / CONTRACT, describe(error)) from error
    _check_hashes(path, contract)
    return Bundle(path, contract)


def _check_hashes(path: Path, contract: Contract) -> None:
    for name in (POLICY, SELFTEST, CARD):
        if name not in contract.sha256:
            raise FileError(path, f"the contract has no hash of {name}")
    for name, expected in contract.sha256.items():
        file = path / name
        if Path(name).name != name or not file.is_file() or file.is_symlink():
            raise FileError(path, f"{name} is missing or not a plain file")
        if file.stat().st_size > POLICY_CAP:
            raise FileError(file, f"larger than {POLICY_CAP} bytes")
        if sha256(file) != expected:
            raise FileError(
                file, "was altered (its SHA-256 differs)", "export it again"
            )


def save_bundle(
    path: str | Path, policy: bytes, contract: Contract, selftest: SelfTest, card: str
) -> Bundle:
    """Write a bundle so that it appears whole or not at all.

    Args:
        path: directory to create; an existing bundle is replaced.
        policy: the ONNX graph.
        contract: its ``sha256`` is filled in here.
        selftest: golden vectors.
        card: text of the model card.

    Raises:
        MismatchError: the self-test does not have the contract's inputs.
        FileError: ``path`` exists and is not a bundle.
    """
    path = Path(path)
    names = {i.name for i in contract.inputs}
    if set(selftest.inputs) != names:
        raise MismatchError("self-test inputs", sorted(selftest.inputs), sorted(names))
    if path.exists() and not (path / CONTRACT).is_file():
        raise FileError(path, "exists and is not a bundle", "choose another --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        (draft / POLICY).write_bytes(policy)
        (draft / CARD).write_text(card, encoding="utf-8")
        arrays = {f"{SELFTEST_PREFIX}{k}": v for k, v in selftest.inputs.items()}
        np.savez(draft / SELFTEST, allow_pickle=False, output=selftest.output, **arrays)
        hashes = {name: sha256(draft / name) for name in (POLICY, SELFTEST, CARD)}
        final = contract.model_copy(update={"sha256": hashes})
        write_json(draft / CONTRACT, final)
        draft.chmod(0o755)
        _put(draft, path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Bundle(path, final)


def _put(draft: Path, path: Path) -> None:
    """Put a finished directory in place; what was there stays if that fails."""
    if not path.exists():
        draft.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
    path.rename(old / path.name)
    try:
        draft.rename(path)
    except BaseException:
        (old / path.name).rename(path)
        old.rmdir()
        raise
    shutil.rmtree(old)
