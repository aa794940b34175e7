"""Recorder ``example``."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from evoplug.contracts import MinLen, Recorder, dataclass


@dataclass(kw_only=True)
class Example(Recorder):
    """Write some columns of the records into a CSV file in the run's folder."""

    file: Annotated[str, MinLen(1), "its name"] = "example.csv"
    columns: Annotated[tuple[str, ...], "what to write, by its names in metrics.jsonl"] = ("generations", "best")

    def open(self, folder: str) -> None:
        """Go on with the file where a run is resumed; generations that are run again are in it twice."""
        path = Path(folder) / self.file
        new = not path.exists()
        self._stream = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._stream)
        if new:
            self._writer.writerow(self.columns)

    def row(self, row: Mapping[str, Any]) -> None:
        """One generation; a column that it does not have stays empty."""
        self._writer.writerow([row.get(name, "") for name in self.columns])
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
