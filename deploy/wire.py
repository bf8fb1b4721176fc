"""Wire: the few lines of Protocol Buffers needed to look into an ONNX file.

The robot side checks graphs without the ``onnx`` package. Encoding:
https://protobuf.dev/programming-guides/encoding; several occurrences of one embedded
message are merged by joining their bytes, and of scalars the last one counts, as every
parser does.
"""

from __future__ import annotations

Field = int | bytes
"""A number, or the bytes of a string or an embedded message."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Message:
    """The fields of one message by number."""

    def __init__(self, data: bytes, allowed: frozenset[int] | None = None) -> None:
        """Split ``data``.

        Args:
            data: the encoded message.
            allowed: field numbers that may occur; none for all.

        Raises:
            ValueError: it is torn, or holds a field that is not allowed.
        """
        self._fields: dict[int, list[Field]] = {}
        at = 0
        while at < len(data):
            tag, at = _varint(data, at)
            number, kind = tag >> 3, tag & 7
            if number == 0 or (allowed is not None and number not in allowed):
                raise ValueError(f"field {number} is not allowed here")
            value: Field
            if kind == VARINT:
                value, at = _varint(data, at)
            else:
                size, at = _size(data, at, kind)
                if at + size > len(data):
                    raise ValueError("the file is torn")
                value, at = data[at : at + size], at + size
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        """Whether a field occurs."""
        return number in self._fields

    def each(self, number: int) -> list[bytes]:
        """Return every occurrence of a repeated string or message.

        Raises:
            ValueError: one is a number.
        """
        found = self._fields.get(number, [])
        if not all(isinstance(value, bytes) for value in found):
            raise ValueError(f"field {number} is of another type")
        return [value for value in found if isinstance(value, bytes)]

    def merged(self, number: int) -> bytes:
        """Return an embedded message; empty if it does not occur."""
        return b"".join(self.each(number))

    def text(self, number: int) -> str:
        """Return a string; empty if it does not occur."""
        return (self.each(number) or [b""])[-1].decode()

    def integers(self, number: int) -> list[int]:
        """Return a repeated int64, packed or not."""
        values: list[int] = []
        for field in self._fields.get(number, []):
            if isinstance(field, int):
                values.append(_signed(field))
                continue
            at = 0
            while at < len(field):
                value, at = _varint(field, at)
                values.append(_signed(value))
        return values

    def integer(self, number: int) -> int:
        """Return an integer; zero if it does not occur."""
        return (self.integers(number) or [0])[-1]


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for k in range(10):
        if at + k >= len(data):
            break
        byte = data[at + k]
        value |= (byte & 0x7F) << (7 * k)
        if byte < 0x80:
            return value & ((1 << 64) - 1), at + k + 1
    raise ValueError("the file is torn")


def _size(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == BYTES:
        return _varint(data, at)
    if kind in (FIXED64, FIXED32):
        return (8 if kind == FIXED64 else 4), at
    raise ValueError(f"wire type {kind} is not allowed")
