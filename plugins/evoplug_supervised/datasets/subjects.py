"""Whose images there are in a folder of classes, and splits that keep those of a subject together."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch

from evoplug import FilesError, Rng
from evoplug_supervised.datasets.images import Half
from evoplug_supervised.folder import damaged, unreadable

SPLITS: Mapping[Half, tuple[str, ...]] = {"train": ("train", "validation"), "test": ("test",)}
"""The half that a file stands in -> the splits that a table may give it."""


class Owned(NamedTuple):
    """Whose an image is."""

    file: Path
    half: Half
    """"train" or "test", the folder that it stands in."""
    subject: str
    split: str = ""
    """As a table has it; empty where none does."""


def mistakes(pattern: str) -> Iterable[str]:
    """What is wrong with a regular expression whose group is to be the subject."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        yield f"is neither a .csv file nor a regular expression: {error}"
    else:
        if groups != 1:
            yield f"must have one group, the subject, as in `UID_(H?\\d+)_`; `{pattern}` has {groups or 'none'}"


def by_name(files: Mapping[Half, Sequence[Path]], pattern: str) -> list[Owned]:
    """Whose images they are by their names, in which a regular expression is looked for, anywhere.

    Args:
        files: half -> images.
        pattern: its one group is the subject.

    Raises:
        FilesError: if a name does not match, or gives an empty subject.
    """
    look_in = re.compile(pattern)

    def subject(file: Path) -> str:
        found = look_in.search(file.name)
        if not found or not found[1]:
            raise FilesError(f"{file}: its name tells no subject: `{pattern}` finds none in it")
        return found[1]

    return [Owned(file, half, subject(file)) for half, images in files.items() for file in images]


def by_table(files: Mapping[Half, Sequence[Path]], table: Path, folder: Path) -> list[Owned]:
    """Whose images they are by a CSV file with columns ``file`` and ``subject``, and ``split`` where it tells that too.

    A file is given by its path in ``folder``, or by its name where no other image has it. Rows of other files are
    passed over.

    Args:
        files: half -> images.
        table: the file, in UTF-8.
        folder: of the halves.

    Raises:
        FilesError: if the table is missing, damaged or wrong, or has no row for an image.
    """
    rows, names = _rows(table), Counter(file.name for images in files.values() for file in images)

    def owned(half: Half, file: Path) -> Owned:
        place = file.relative_to(folder).as_posix()
        row = rows.get(place) or rows.get(file.name)
        if row is None:
            raise FilesError(f"{table}: no row for {place}, by this path or its name")
        if place not in rows and names[file.name] > 1:
            raise FilesError(f"{table}: {names[file.name]} images are called {file.name}; give their paths in {folder}")
        if row.split and row.split not in SPLITS[half]:
            raise FilesError(f"{table}: {place} stands in {half}/, and its split is {row.split}")
        return Owned(file, half, *row)

    return [owned(half, file) for half, images in files.items() for file in images]


def present(table: Path) -> Path:
    """The file of a table.

    Raises:
        FilesError: if it is missing.
    """
    if not table.exists():
        raise FilesError(f"{table} is missing; `subjects` names it")
    return table


def require_apart(images: Iterable[Owned]) -> None:
    """Refuse images of one subject in two splits.

    Raises:
        FilesError: with the subject, and an image of each split.
    """
    first = dict[str, Owned]()
    for image in images:
        other = first.setdefault(image.subject, image)
        a, b = (each.split or each.half for each in (other, image))
        if a != b:
            raise FilesError(f"subject {image.subject} is in two splits: {a} ({other.file}) and {b} ({image.file})")


def for_validation(images: Sequence[Owned], count: int, seed: int) -> torch.Tensor:
    """``(n,)`` bool: which of the training half's images are for validation.

    Those that a table says; else all of some subjects: the first of an order that the seed draws, as many as bring the
    number of images nearest to ``count``, fewer where two are as near, at least one and never all.

    Raises:
        FilesError: if no image, or no second subject, is left to train on.
    """
    if any(image.split for image in images):
        chosen = torch.tensor([image.split == "validation" for image in images])
        if chosen.all():
            raise FilesError("`subjects`: the table has every image of train/ for validation, and none to train on")
        return chosen
    held = _subjects(Counter(image.subject for image in images), count, seed) if count else frozenset()
    return torch.tensor([image.subject in held for image in images])


def _subjects(images: Mapping[str, int], count: int, seed: int) -> frozenset[str]:
    """Of subjects with so many images each."""
    names = sorted(images)
    if len(names) == 1:
        raise FilesError(
            f"all images of train/ are of subject {names[0]}: none is left for `validation`, unless it is 0"
        )
    order = [names[number] for number in torch.randperm(len(names), generator=Rng(seed).child("subjects").torch)]
    sums = list(accumulate(images[name] for name in order[:-1]))
    nearest = min(range(len(sums)), key=lambda last: abs(sums[last] - count))
    return frozenset(order[: nearest + 1])


class _Row(NamedTuple):
    subject: str
    split: str


def _rows(table: Path) -> dict[str, _Row]:
    """File -> its row."""
    rows = dict[str, _Row]()
    for line, columns in _lines(table):
        file, row = columns["file"], _Row(columns["subject"], columns.get("split", ""))
        if not (file and row.subject):
            raise FilesError(f"{table}, line {line}: a row needs a file and a subject")
        if "split" in columns and row.split not in ("train", "validation", "test"):
            raise FilesError(f"{table}, line {line}: a split is train, validation or test, got `{row.split}`")
        if rows.setdefault(file, row) != row:
            raise FilesError(f"{table}, line {line}: {file} has another row already, which says otherwise")
    return rows


def _lines(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Number and columns of each row."""
    try:
        with present(table).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if missing := {"file", "subject"} - set(reader.fieldnames or ()):
                raise FilesError(f"{table}: has no column {' and no column '.join(sorted(missing))}")
            for columns in reader:
                yield reader.line_num, columns
    except OSError as error:
        raise unreadable(error, table) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise damaged(table, str(error)) from error
