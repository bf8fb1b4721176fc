"""Read and write small structured files: size-capped, checked, never half-written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .errors import FileError

SIZE_CAP = 4_000_000
"""Largest YAML or JSON file accepted [bytes]; a params file is about 50 kB."""

Model = TypeVar("Model", bound=BaseModel)


def read_structured(path: str | Path, data: bytes | None = None) -> Any:
    """Return the content of a ``.yaml``/``.yml``/``.json`` file.

    Args:
        path: the file.
        data: its bytes where they have been read, and checked, already.

    Raises:
        FileError: the file is missing, too large or does not parse.
    """
    path = Path(path)
    try:
        if data is None:
            with path.open("rb") as stream:
                data = stream.read(SIZE_CAP + 1)
        if len(data) > SIZE_CAP:
            raise FileError(path, f"larger than {SIZE_CAP} bytes")
        text = data.decode("utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise FileError(path, f"cannot be read ({reason})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: JSON's own error, and YAML's of a date that does not exist.
        first = (str(error).splitlines() or ["too deeply nested"])[0]
        raise FileError(path, f"does not parse ({first})") from error


def read_model(path: str | Path, model: type[Model]) -> Model:
    """Read a file into a pydantic ``model``; every problem is one sentence.

    Raises:
        FileError: the file cannot be read or a field is missing or wrong.
    """
    content = read_structured(path)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise FileError(path, describe(error)) from error


def describe(error: ValidationError) -> str:
    """Return a pydantic error as one clear sentence naming the first fields."""
    problems = [
        f"{'.'.join(map(str, e['loc'])) or 'content'}: {e['msg']}"
        for e in error.errors()[:3]
    ]
    more = error.error_count() - len(problems)
    return "; ".join(problems) + (f" (and {more} more)" if more > 0 else "")


def write_atomic(path: str | Path, content: str | bytes) -> None:
    """Write ``content`` so that a crash leaves the old file or the new one.

    Raises:
        FileError: the folder cannot be written to.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(path, f"cannot be written ({error.strerror})") from error


def write_yaml(path: str | Path, model: BaseModel) -> None:
    """Write a pydantic model as YAML with full-precision floats, atomically."""
    content = model.model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)
    write_atomic(path, text)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON with full-precision floats, atomically; NaN is refused."""
    if isinstance(content, BaseModel):
        content = content.model_dump(mode="json")
    write_atomic(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
