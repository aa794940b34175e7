"""``claims.json`` in the folder of a sweep's run: the claims as they stood when the run began, and their hash.

Claims change no result, so a run whose claims have changed is neither refused nor run again: whoever tests the claims
says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from evoplug.config.settings import Claim
from evoplug.errors import FilesError
from evoplug.running import reading
from evoplug.running.rundir import CLAIMS


def text(claims: Iterable[Claim]) -> str:
    """What the file says: every key of every claim, whatever order they stand in and whether a default was said."""
    tables = sorted((asdict(claim) for claim in claims), key=_canonical)
    return json.dumps({"sha256": _hash(tables), "claims": tables}, indent=2, ensure_ascii=False) + "\n"


def read(folder: Path) -> tuple[Claim, ...] | None:
    """The claims under which a run began; None where its folder does not say.

    Raises:
        FilesError: if the file is damaged, or is not what was written.
    """
    path = folder / CLAIMS
    if not reading.there(path):
        return None
    data = reading.parsed(reading.content(path), path)
    try:
        tables = data["claims"]
        if data["sha256"] != _hash(tables):
            raise FilesError(f"{path}: was changed after the run began: its checksum is wrong")
        known = {item.name for item in fields(Claim)}
        return tuple(Claim(**{key: table[key] for key in known & table.keys()}) for table in tables)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FilesError(f"{path}: is damaged: {error}") from error


def _hash(tables: Any) -> str:
    return hashlib.sha256(_canonical(tables).encode()).hexdigest()


def _canonical(value: Any) -> str:
    """JSON that depends on the value alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
