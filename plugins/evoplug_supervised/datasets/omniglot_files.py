"""The published files of Omniglot: SET.zip, in which lie SET/ALPHABET/CHARACTER/*.png."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy
import torch

from evoplug_supervised.datasets.pixels import decoded
from evoplug_supervised.folder import damaged

DRAWINGS = 20
"""Of each character."""
SIDE = 105
"""Of a drawing, in pixels."""

_BACKGROUND = {
    "Alphabet_of_the_Magi": 20, "Anglo-Saxon_Futhorc": 29, "Arcadian": 26, "Armenian": 41, "Asomtavruli_(Georgian)": 40,
    "Balinese": 24, "Bengali": 46, "Blackfoot_(Canadian_Aboriginal_Syllabics)": 14, "Braille": 26,
    "Burmese_(Myanmar)": 34, "Cyrillic": 33, "Early_Aramaic": 22, "Futurama": 26, "Grantha": 43, "Greek": 24,
    "Gujarati": 48, "Hebrew": 22, "Inuktitut_(Canadian_Aboriginal_Syllabics)": 16, "Japanese_(hiragana)": 52,
    "Japanese_(katakana)": 47, "Korean": 40, "Latin": 26, "Malay_(Jawi_-_Arabic)": 40, "Mkhedruli_(Georgian)": 41,
    "N_Ko": 33, "Ojibwe_(Canadian_Aboriginal_Syllabics)": 14, "Sanskrit": 42, "Syriac_(Estrangelo)": 23, "Tagalog": 17,
    "Tifinagh": 55,
}  # fmt: skip
_EVALUATION = {
    "Angelic": 20, "Atemayar_Qelisayer": 26, "Atlantean": 26, "Aurek-Besh": 26, "Avesta": 26, "Ge_ez": 26,
    "Glagolitic": 45, "Gurmukhi": 45, "Kannada": 41, "Keble": 26, "Malayalam": 47, "Manipuri": 40, "Mongolian": 30,
    "Old_Church_Slavonic_(Cyrillic)": 45, "Oriya": 46, "Sylheti": 28, "Syriac_(Serto)": 23, "Tengwar": 25,
    "Tibetan": 42, "ULOG": 26,
}  # fmt: skip
_SMALL1 = ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin")
_SMALL2 = ("Greek", "Japanese_(katakana)", "Latin", "Sanskrit", "Tagalog")

SETS: Mapping[str, Mapping[str, int]] = {
    "images_background": _BACKGROUND,
    "images_evaluation": _EVALUATION,
    "images_background_small1": {alphabet: _BACKGROUND[alphabet] for alphabet in _SMALL1},
    "images_background_small2": {alphabet: _BACKGROUND[alphabet] for alphabet in _SMALL2},
}
"""Set -> alphabet -> number of its characters."""


def drawings(path: Path, alphabets: Sequence[str], rows: Callable[[str, str], Sequence[int]]) -> torch.Tensor:
    """``(characters, k, 105, 105)`` uint8: alphabet by alphabet, of each character k drawings.

    Args:
        path: of a set's zip file.
        alphabets: of this set.
        rows: of an alphabet and a character, which k of its drawings, by the order of their files.

    Raises:
        FilesError: if the file is damaged, or characters or drawings are missing.
    """
    try:
        files = _files(path, path.stat().st_ctime_ns)
    except (BadZipFile, EOFError, RuntimeError, zlib.error) as error:
        raise damaged(path, str(error) or type(error).__name__) from error
    images = list[list[numpy.ndarray]]()
    for alphabet in alphabets:
        characters = files.get(alphabet, {})
        _require(characters, path, alphabet)
        for character, drawn in sorted(characters.items()):
            names = sorted(drawn)
            chosen = [names[row] for row in rows(alphabet, character)]
            images.append([_pixels(path / name, drawn[name]) for name in chosen])
    return torch.from_numpy(numpy.array(images))


@lru_cache(maxsize=len(SETS))
def _files(path: Path, changed: int) -> dict[str, dict[str, dict[str, bytes]]]:
    """Alphabet -> character -> name -> PNG file, of a zip file that last changed at a time, in ns.

    Kept, for all alphabets take but some megabytes like this, and to look into the zip file for each takes its time.
    """
    found: dict[str, dict[str, dict[str, bytes]]] = {}
    with ZipFile(path) as archive:
        for name in archive.namelist():
            top, alphabet, character, file = (name.split("/") + 4 * [""])[:4]
            if top == path.stem and file.endswith(".png") and not file.startswith("."):
                found.setdefault(alphabet, {}).setdefault(character, {})[name] = archive.read(name)
    return found


def _require(characters: Mapping[str, Mapping[str, bytes]], path: Path, alphabet: str) -> None:
    """Raise FilesError if characters of an alphabet are missing, or drawings of one of them."""
    expected = SETS[path.stem][alphabet]
    if len(characters) != expected:
        raise damaged(path, f"it holds {len(characters)} characters of {alphabet}, expected {expected}")
    for character, drawn in characters.items():
        if len(drawn) != DRAWINGS:
            raise damaged(path, f"it holds {len(drawn)} drawings of {alphabet}/{character}, expected {DRAWINGS}")


def _pixels(file: Path, content: bytes) -> numpy.ndarray:
    image = numpy.array(decoded(file, 1, content))
    if image.shape != (SIDE, SIDE):
        raise damaged(file, f"it has {image.shape[1]} x {image.shape[0]} pixels, expected {SIDE} x {SIDE}")
    return image
