"""The file of an evidence pack: a zip in which every byte has one right value, so that none can be changed unseen."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from tieout.domain.documents.document import Part
from tieout.domain.evidence.chain import Link
from tieout.domain.evidence.facts import Facts

FACTS, PAGE, CHAIN, MANIFEST = "evidence.json", "evidence.html", "chain.json", "manifest.json"
NAMES = (FACTS, PAGE, CHAIN, MANIFEST)
ACTION = "evidence.pack"
# An invoice of 100,000 entries has some 100 MB; whoever sends more than this does not send a pack.
_MOST = 512 * 2**20


class Chain(Part):
    """Stretches of the audit chain about what the pack covers; the last entry names the digests of facts and page."""

    stretches: tuple[tuple[Link, ...], ...]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def facts_file(facts: Facts) -> bytes:
    return _written(facts)


def seal(facts: bytes, page: bytes) -> dict[str, str]:
    """What the audit log keeps of a pack: whoever changes the pack must change the log, and with it every later hash."""
    return {FACTS: digest(facts), PAGE: digest(page)}


def packed(facts: bytes, page: bytes, chain: Chain) -> bytes:
    files = {FACTS: facts, PAGE: page, CHAIN: _written(chain)}
    return zipped({**files, MANIFEST: manifest(files)})


def _written(part: Part) -> bytes:
    return (part.model_dump_json(by_alias=True, indent=1) + "\n").encode()


def manifest(files: Mapping[str, bytes]) -> bytes:
    return as_json(
        {name: {"sha256": digest(files[name]), "bytes": len(files[name])} for name in NAMES if name in files}
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The one zip of these files: stored, in this order, without a clock or an owner."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in NAMES:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()


class Unreadable(Exception):
    """The file is not a pack, or a file in it cannot be read; says which."""


def unzipped(data: bytes) -> dict[str, bytes]:
    """The files of a pack. Raises Unreadable."""
    if len(data) > _MOST:
        raise Unreadable(f"it has {len(data)} bytes: no evidence pack is so large")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as wrong:  # zipfile raises whatever a broken directory makes it stumble over
        raise Unreadable(f"it is no zip file: {wrong}") from wrong
    if tuple(archive.namelist()) != NAMES:
        raise Unreadable(f"it holds {', '.join(archive.namelist())} and not {', '.join(NAMES)}")
    files: dict[str, bytes] = {}
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > len(data):
            raise Unreadable(f"{entry.filename} is not stored as it is")
        try:
            files[entry.filename] = archive.read(entry)
        except Exception as wrong:  # see above
            raise Unreadable(f"{entry.filename} cannot be read: {wrong}") from wrong
    return files
