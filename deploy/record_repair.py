"""Repair: what a killed recorder left behind becomes a log that every tool opens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.records import Attachment, Channel, Message, Schema
from mcap.stream_reader import StreamReader

from forearm.core.errors import FileError

from .bag import BagWriter


@dataclass(frozen=True)
class Repaired:
    """What a repair saved."""

    path: Path
    """The new log."""
    messages: int
    """Messages saved."""
    ended: str
    """Why reading ended; empty if the file was whole."""


def repair_log(source: Path, target: Path) -> Repaired:
    """Copy all that can still be read into a new, complete rosbag2 directory.

    Args:
        source: an ``.mcap`` file or the directory that holds one.
        target: directory to create.

    Raises:
        FileError: there is no MCAP file, nothing in it can be read, or ``target``
            exists.
    """
    file = _find(source)
    channels: dict[int, Channel] = {}
    schemas: dict[int, Schema] = {}
    messages: list[Message] = []
    attachments: list[Attachment] = []
    ended = ""
    records = _records(file)
    while True:
        try:
            record = next(records)
        except StopIteration:
            break
        # A torn record fails in as many ways as it can be torn.
        except Exception as error:
            ended = str(error) or type(error).__name__
            break
        if isinstance(record, Schema):
            schemas[record.id] = record
        elif isinstance(record, Channel):
            channels[record.id] = record
        elif isinstance(record, Message):
            messages.append(record)
        elif isinstance(record, Attachment):
            attachments.append(record)
    if not messages:
        raise FileError(file, f"holds no readable message ({ended or 'it is empty'})")
    topics = {c.topic: schemas[c.schema_id].name for c in channels.values()}
    writer = BagWriter(target, topics)
    for attachment in attachments:
        writer.attach(attachment.name, attachment.data)
    for message in messages:
        topic = channels[message.channel_id].topic
        writer.write(topic, message.data, message.log_time)
    writer.close()
    return Repaired(target, len(messages), ended)


def _find(source: Path) -> Path:
    files = sorted(source.glob("*.mcap")) if source.is_dir() else [source]
    if len(files) != 1 or not files[0].is_file():
        raise FileError(source, f"must hold exactly one .mcap file, found {len(files)}")
    return files[0]


def _records(file: Path) -> Iterator[Any]:
    with file.open("rb") as stream:
        try:
            yield from StreamReader(stream).records
        except McapError as error:
            raise FileError(file, f"is torn ({error})") from error
