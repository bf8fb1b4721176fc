"""Files are read with one clear sentence and never half-written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forearm.core import files
from forearm.core.errors import FileError
from forearm.core.files import read_structured, sha256, write_atomic, write_json


def test_a_crash_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "value.json"
    write_atomic(path, "old")

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", crash)
    with pytest.raises(FileError, match="No space left"):
        write_atomic(path, "new and longer")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_an_interrupt_while_writing_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "value.json", "new")
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made_and_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.bin"
    write_atomic(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert os.stat(path).st_mode & 0o777 == 0o644


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        write_atomic(tmp_path / "a" / "b.json", "{}")


def test_json_keeps_every_digit(tmp_path: Path) -> None:
    values = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308]
    write_json(tmp_path / "v.json", values)
    assert read_structured(tmp_path / "v.json") == values


def test_nan_is_not_written_and_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "v.json", 1)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "v.json", float("nan"))
    assert read_structured(tmp_path / "v.json") == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", b'{"a": ', "does not parse"),
        ("a.yaml", b"a: [1, 2", "does not parse"),
        ("a.yaml", b"a: \x00\x01", "does not parse"),
        ("a.yaml", b"\xff\xfe\xfa", "not UTF-8"),
        ("a.json", b"[" * 200_000, "does not parse"),
        ("a.yaml", b"[" * 20_000, "does not parse"),
        ("a.yaml", b"!!python/object/apply:os.system ['true']", "does not parse"),
        ("a.yaml", b"x" * (files.SIZE_CAP + 1), "larger than"),
        ("a.yaml", b"when: 2026-99-99", "does not parse"),
    ],
)
def test_a_bad_file_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=reason) as error:
        read_structured(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_structured(tmp_path / "none.yaml")
    with pytest.raises(FileError, match="directory"):
        read_structured(tmp_path)


def test_the_hash_is_the_standard_one(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
