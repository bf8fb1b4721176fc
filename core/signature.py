"""Signature: who exported a bundle, proved with Ed25519 (RFC 8032).

The contract holds the hash of every other file, so one signature of ``contract.json``
covers the whole bundle. It lies beside it as ``contract.json.sig``, 64 raw bytes, and
can be made and checked with OpenSSL as well::

    openssl genpkey -algorithm ed25519 -out key.pem
    openssl pkey -in key.pem -pubout -out key.pub
    openssl pkeyutl -sign -rawin -inkey key.pem -in contract.json -out contract.json.sig
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import FileError, ForearmError
from .files import SIZE_CAP, write_atomic

SUFFIX = ".sig"
"""Appended to the name of the signed file."""

KEY_CAP = 10_000
"""Largest key file read [bytes]; an Ed25519 key has about 120."""


class SignatureError(ForearmError):
    """A file that is not signed, or not by whom it should be."""

    def __init__(self, path: Path, why: str) -> None:
        """Name the ``path`` and say ``why`` it is not trusted."""
        super().__init__(
            f"{path}: {why}; only run bundles signed by someone you trust "
            "(forearm export --sign KEY)"
        )


def sign(path: str | Path, key: str | Path) -> Path:
    """Sign a file with a private key; returns the path of the signature.

    Args:
        path: the file.
        key: private Ed25519 key, PEM (PKCS #8), without a password.

    Raises:
        FileError: the key or the file cannot be read.
    """
    path = Path(path)
    private = load_private_key(key)
    target = path.with_name(path.name + SUFFIX)
    write_atomic(target, private.sign(_read(path, SIZE_CAP)))
    return target


def verify_signature(path: str | Path, key: str | Path) -> bytes:
    """Check the signature beside a file; returns the content that was signed.

    Args:
        path: the signed file.
        key: public Ed25519 key, PEM (SubjectPublicKeyInfo).

    Raises:
        SignatureError: there is no signature, or it is of another content or key.
        FileError: the key cannot be read.
    """
    path = Path(path)
    public = _load(key, "load_pem_public_key", "Ed25519PublicKey")
    signature = path.with_name(path.name + SUFFIX)
    if not signature.is_file():
        raise SignatureError(path, f"is not signed (no {signature.name})")
    from cryptography.exceptions import InvalidSignature

    try:
        content = _read(path, SIZE_CAP)
        public.verify(_read(signature, KEY_CAP), content)
    except InvalidSignature:
        raise SignatureError(path, f"was not signed with the key {key}") from None
    return content


def load_private_key(key: str | Path) -> Any:
    """Return a private key, so that a bad one is found before it is needed.

    Raises:
        FileError: it cannot be read or is not a private Ed25519 key.
    """
    return _load(key, "load_pem_private_key", "Ed25519PrivateKey", password=None)


def _load(key: str | Path, loader: str, kind: str, **options: Any) -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ModuleNotFoundError as error:
        raise ForearmError(
            "signatures need the package 'cryptography': install forearm[sign]"
        ) from error
    path = Path(key)
    try:
        loaded = getattr(serialization, loader)(_read(path, KEY_CAP), **options)
    except (ValueError, TypeError) as error:
        raise FileError(path, f"is not a PEM key that can be used ({error})") from error
    if not isinstance(loaded, getattr(ed25519, kind)):
        raise FileError(
            path,
            f"is not an {kind}",
            "openssl genpkey -algorithm ed25519 makes one",
        )
    return loaded


def _read(path: Path, cap: int) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(cap + 1)
    except OSError as error:
        raise FileError(path, f"cannot be read ({error.strerror})") from error
    if len(data) > cap:
        raise FileError(path, f"larger than {cap} bytes")
    return data
