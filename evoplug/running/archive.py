"""Several programs of ``torch.export`` as one file, a ``.pt2`` archive."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import IO, Any

from torch.export import ExportedProgram
from torch.export.pt2_archive import PT2ArchiveReader, PT2ArchiveWriter
from torch.export.pt2_archive._package import package_pt2
from torch.export.pt2_archive.constants import WEIGHTS_CONFIG_FILENAME_FORMAT, WEIGHTS_DIR

_OWN = ("models/", "data/")
"""Where an archive holds its programs and their data; the rest says what kind of file it is, as every writer does."""


def package(programs: Mapping[str, ExportedProgram], stream: IO[bytes]) -> None:
    """Write programs for ``load_pt2``, which gives them under their names.

    Weights of the same values in several programs are stored once, which ``package_pt2`` does only within a program:
    the format finds a weight by the name of a record, and programs may name the same.

    Args:
        programs: by name.
        stream: a binary file, open for writing.
    """
    packed = io.BytesIO()
    package_pt2(packed, exported_programs=dict(programs))
    with PT2ArchiveReader(packed) as reader, PT2ArchiveWriter(stream) as writer:
        paths = [WEIGHTS_CONFIG_FILENAME_FORMAT.format(name) for name in programs]
        texts = {path: json.loads(reader.read_string(path)) for path in paths}
        kept = _kept(reader, (text["config"] for text in texts.values()))
        for path in reader.get_file_names():
            if path in texts:
                writer.write_string(path, json.dumps(_renamed(texts[path], kept)))
            elif path.startswith(_OWN) and (record := path.removeprefix(WEIGHTS_DIR)) == kept.get(record, record):
                writer.write_bytes(path, reader.read_bytes(path))


def _kept(reader: PT2ArchiveReader, configs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Record -> the first record of another program with the same values, or itself.

    Equal weights of one program stay two: loaded, one record is one tensor in memory.

    Args:
        reader: of the archive.
        configs: of each program, name of a weight -> its record and type.
    """
    first: dict[tuple[bytes, int, int], str] = {}
    kept: dict[str, str] = {}
    for config in configs:
        times = Counter[tuple[bytes, int]]()
        plain = [weight for weight in config.values() if not weight["use_pickle"]]
        for record, dtype in {weight["path_name"]: weight["tensor_meta"]["dtype"] for weight in plain}.items():
            values = hashlib.sha256(reader.read_bytes(WEIGHTS_DIR + record)).digest(), dtype
            times[values] += 1
            kept[record] = first.setdefault((*values, times[values]), record)
    return kept


def _renamed(text: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
    """What a program says of its weights, with the records that are kept."""
    config = {
        name: {**weight, "path_name": kept.get(weight["path_name"], weight["path_name"])}
        for name, weight in text["config"].items()
    }
    return {**text, "config": config}
