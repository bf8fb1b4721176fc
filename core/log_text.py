"""The text messages of a bag, such as what a policy node measured about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore

from .errors import FileError, ForearmError
from .log_bag import STORE
from .log_bounds import check_chunks, check_database, check_size
from .timing import TOPIC, TimingRecord, parse_timing

STRING = "std_msgs/msg/String"


def read_timing(path: str | Path, node: str | None = None) -> list[TimingRecord]:
    """Return the timing records of one policy node, in their order.

    Args:
        path: rosbag2 directory, ``.mcap`` or ``.db3``.
        node: its name, with namespace if need be; the only one where missing.

    Raises:
        FileError: missing, corrupt, or several nodes and no name.
    """
    path = Path(path)
    found = _texts(path, "/" + TOPIC)
    if node is not None:
        wanted = f"/{node.strip('/')}/{TOPIC}"
        found = {t: m for t, m in found.items() if t.endswith(wanted)}
    if len(found) > 1:
        raise FileError(
            path, f"holds several nodes: {', '.join(sorted(found))}", "use --node NAME"
        )
    try:
        return [parse_timing(text) for text in next(iter(found.values()), [])]
    except ForearmError as error:
        raise FileError(path, str(error)) from error


def _texts(path: Path, ending: str) -> dict[str, list[str]]:
    """Return all texts by topic, of the topics with some and with this ending."""
    if not path.exists():
        raise FileError(path, "does not exist")
    if not path.is_dir() and path.suffix not in (".mcap", ".db3"):
        raise FileError(path, "is no log with messages; valid: rosbag2, .mcap, .db3")
    try:
        check_size(path)
        check_database(path)
        check_chunks(path)
        with AnyReader([_file(path)], default_typestore=get_typestore(STORE)) as bag:
            return _read(bag, ending)
    except FileError:
        raise
    except Exception as error:
        # A damaged file makes the parsers raise whatever they stumble over.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(path, f"cannot be read as a log ({reason[:200]})") from error


def _file(path: Path) -> Path:
    if not path.is_dir() or (path / "metadata.yaml").exists():
        return path
    files = [f for f in sorted(path.iterdir()) if f.suffix in (".mcap", ".db3")]
    if len(files) != 1:
        raise FileError(path, f"holds {len(files)} bag files and no metadata.yaml")
    return files[0]


def _read(bag: Any, ending: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    wanted = [
        c for c in bag.connections if c.msgtype == STRING and c.topic.endswith(ending)
    ]
    for connection, _, raw in bag.messages(wanted) if wanted else ():
        message = bag.deserialize(raw, connection.msgtype)
        found.setdefault(connection.topic, []).append(message.data)
    return found
