"""One image file, of any kind that PIL reads, as pixels of 8 bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy
from PIL import Image, ImageOps, UnidentifiedImageError

from evoplug import FilesError
from evoplug_supervised.folder import damaged, unreadable

_BITS_PER_SAMPLE = 258
"""The tag of a TIFF."""


def decoded(path: Path, channels: Literal[1, 3], content: bytes | None = None) -> Image.Image:
    """An image in grey or in colour as one sees it: upright, and on white where it is transparent.

    Of an animation it is the first picture. Values of 16 bits are scaled to 8.

    Args:
        path: of the file.
        channels: 1: grey, 3: colour.
        content: of the file, where it has been read, out of an archive, say.

    Raises:
        FilesError: if the file cannot be read, is damaged, or holds numbers of no defined range.
    """
    with _opened(path, content) as image:
        largest = _largest(image, path)
        upright = ImageOps.exif_transpose(image)
        image = _scaled(upright, largest) if largest else upright
        return _on_white(image).convert("RGB" if channels == 3 else "L")


def _largest(image: Image.Image, path: Path) -> int | None:
    """The value of white where pixels have more than 8 bits; else None."""
    if image.mode.startswith("I;16"):
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))[0]
        return int(2**bits - 1)
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # which have no more than 16 bits
        return 2**16 - 1
    if image.mode in ("I", "F"):
        what = "floating numbers" if image.mode == "F" else "integers of 32 bits"
        raise FilesError(f"{path} holds {what}, and no range is defined for them; save it with 8 or 16 bits a pixel")
    return None


def _scaled(image: Image.Image, largest: int) -> Image.Image:
    values = numpy.asarray(image).astype(numpy.float64) * (255 / largest)
    return Image.fromarray(values.round().clip(0, 255).astype(numpy.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    """The image without transparency; itself where it has none."""
    if not ({"A", "a"} & set(image.getbands()) or "transparency" in image.info):
        return image
    clear = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")


@contextmanager
def _opened(path: Path, content: bytes | None) -> Iterator[Image.Image]:
    """The file, open; whatever PIL raises names it."""
    try:
        # By a path, PIL 13 maps some TIFFs into memory as if they were upright already.
        with path.open("rb") if content is None else BytesIO(content) as stream, Image.open(stream) as image:
            yield image
    except FilesError:
        raise
    except UnidentifiedImageError as error:
        raise damaged(path, "it is no image, or one of an unknown format") from error
    except Image.DecompressionBombError as error:
        raise FilesError(f"{path} is too large an image: {error}") from error
    except Exception as error:  # of a damaged file nearly anything
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(error, path) from error
        raise damaged(path, str(error) or type(error).__name__) from error
