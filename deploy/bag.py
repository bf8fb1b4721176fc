"""BagWriter: a rosbag2 directory (MCAP) written without decoding, safe to kill."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import yaml
from mcap.writer import CompressionType, Writer
from rosbags.typesys import Stores, get_typestore

from forearm.core.errors import FileError
from forearm.core.files import write_atomic

log = logging.getLogger(__name__)

CHUNK = 8 * 1024
"""Bytes per chunk: what a crash may lose, about 25 joint states."""

STORE = Stores.ROS2_KILTED
"""Message definitions; the ones used here are the same since Humble."""


class BagWriter:
    """Raw messages in, rosbag2 version 9 out."""

    def __init__(self, path: Path, topics: dict[str, str]) -> None:
        """Create the directory with a channel per topic.

        Raises:
            FileError: the directory exists or cannot be written.
        """
        self.path = path
        self.count = 0
        self.healthy = True
        """False once the disk refused a write."""
        self._topics = topics
        self._counts = dict.fromkeys(topics, 0)
        self._first = self._last = 0
        self._lock = threading.Lock()
        self._closed = False
        try:
            path.mkdir(parents=True, exist_ok=False)
            self.file = path / f"{path.name}_0.mcap"
            self._stream = self.file.open("wb")
        except OSError as error:
            raise FileError(path, f"cannot be written ({error.strerror})") from error
        self._writer = Writer(
            self._stream, chunk_size=CHUNK, compression=CompressionType.NONE
        )
        self._writer.start(profile="ros2", library="forearm")
        self._channels = self._register(topics)

    def _register(self, topics: dict[str, str]) -> dict[str, int]:
        schemas, channels = {}, {}
        for topic, kind in topics.items():
            if kind not in schemas:
                schemas[kind] = self._writer.register_schema(
                    kind, "ros2msg", definition(kind)[0].encode()
                )
            channels[topic] = self._writer.register_channel(
                topic, "cdr", schemas[kind], {"offered_qos_profiles": ""}
            )
        return channels

    def attach(self, name: str, data: bytes) -> None:
        """Store a small file, such as the contract, in the log."""
        media = "application/json" if name.endswith(".json") else "text/plain"
        self._writer.add_attachment(0, 0, name, media, data)

    def write(self, topic: str, data: bytes, received_ns: int) -> None:
        """Write one serialized message received at ``received_ns`` [ns, Unix time]."""
        with self._lock:
            if self._closed or not self.healthy:
                return
            try:
                self._writer.add_message(
                    self._channels[topic], received_ns, data, received_ns
                )
            except OSError as error:
                self._fail(error)
                return
            self.count += 1
            self._counts[topic] += 1
            self._first = self._first or received_ns
            self._last = received_ns

    def flush(self) -> None:
        """Put what is pending on disk."""
        with self._lock:
            if self._closed or not self.healthy:
                return
            try:
                self._writer.flush()  # type: ignore[no-untyped-call]
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.healthy = False
        log.error("recording stopped: %s: %s", self.file, error.strerror)

    def close(self) -> None:
        """Write index and metadata; a full disk leaves what is there."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                if self.healthy:
                    self._writer.finish()  # type: ignore[no-untyped-call]
                self._stream.close()
                text = metadata(
                    self.file.name, self._topics, self._counts, self._first, self._last
                )
                write_atomic(self.path / "metadata.yaml", text)
            except (OSError, FileError) as error:
                log.error("log not closed in order: %s; see forearm log repair", error)


def definition(kind: str) -> tuple[str, str]:
    """Return the message definition text and type hash of a ROS 2 type."""
    store = get_typestore(STORE)
    text, _ = store.generate_msgdef(kind, ros_version=2)
    return text, store.hash_rihs01(kind)


def metadata(
    file: str, topics: dict[str, str], counts: dict[str, int], first: int, last: int
) -> str:
    """Return the text of rosbag2's ``metadata.yaml``, version 9."""
    span = {
        "duration": {"nanoseconds": max(last - first, 0)},
        "starting_time": {"nanoseconds_since_epoch": first},
        "message_count": sum(counts.values()),
    }
    content = {
        "rosbag2_bagfile_information": {
            "version": 9,
            "storage_identifier": "mcap",
            **span,
            "topics_with_message_count": [
                {
                    "topic_metadata": {
                        "name": topic,
                        "type": kind,
                        "serialization_format": "cdr",
                        "offered_qos_profiles": [],
                        "type_description_hash": definition(kind)[1],
                    },
                    "message_count": counts[topic],
                }
                for topic, kind in topics.items()
                if counts[topic]
            ],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [file],
            "files": [{"path": file, **span}],
            "custom_data": None,
            "ros_distro": "rosbags",
        }
    }
    return yaml.safe_dump(content, sort_keys=False)
