"""A film as a file of bounded size, however long the episode: GIF by Pillow, MP4 by imageio-ffmpeg; and a GIF read
again."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from evoplug.contracts import Film
from evoplug.errors import ConfigError, FilesError
from evoplug.running import reading
from evoplug.running.records import plain
from evoplug.running.writing import replacing

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

SIDE = 320
"""Pixels of a side of a frame at most; larger ones are made smaller."""
FRAMES = 600
"""In a file at most, and the last one."""
LARGEST = 4 * 2**20
"""Bytes of a GIF at most: a report shows it inside its page."""
FASTEST = 50.0
"""Frames a second at most: a GIF counts in hundredths of a second, and browsers slow down what is shorter than two."""
SMOOTH = 25.0
"""Frames a second from which on motion is smooth: an episode of which not all can be shown goes faster below that."""
END = 1.0
"""Seconds for which a GIF shows the last frame, before it begins again."""


class Filmed(NamedTuple):
    """A film that was written."""

    path: Path
    score: float
    """What the solution reached in the episode."""
    title: str
    """Of what it is."""
    notes: tuple[str, ...]
    """What of the episode is not shown as it was."""


class Cut(NamedTuple):
    """The frames that are shown of an episode."""

    images: list[Image]
    """Small, of at most 256 colours each."""
    step: int
    """One frame in so many was taken."""
    rate: float
    """Frames of the episode a second."""

    @property
    def pace(self) -> float:
        """Frames of these a second."""
        return max(self.rate / self.step, min(self.rate, SMOOTH))

    @property
    def notes(self) -> tuple[str, ...]:
        faster = self.pace * self.step / self.rate
        speed = f", {faster:.2g} times as fast" if faster > 1.01 else ""
        return (f"shows one frame in {self.step}{speed}",) if self.step > 1 else ()

    def thinner(self) -> Cut:
        """Half of the frames, and the last one."""
        return self._replace(images=[*self.images[:-1:2], self.images[-1]], step=2 * self.step)


def require(file: Path) -> None:
    """Raise ConfigError where no film can be written to such a file: for another suffix than ``.gif`` and ``.mp4``, or
    where the library for it is not installed."""
    if file.suffix not in (".gif", ".mp4"):
        raise ConfigError((), f"{file}: must end in .gif or .mp4")
    if file.suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        message = "an .mp4 file needs imageio-ffmpeg: pip install imageio-ffmpeg; a .gif file needs nothing more"
        raise ConfigError((), f"{file}: {message}")


def write(film: Film, file: Path) -> Filmed:
    """Write a film to a file; one that is there already is replaced.

    Frames are made smaller where they are larger than :data:`SIDE`; of a long episode frames are left out.

    Args:
        film: as ``Solution.film`` gives it.
        file: its suffix decides: ``.gif``, or ``.mp4``, for which imageio-ffmpeg must be installed.

    Raises:
        ConfigError: as :func:`require`.
        FilesError: if the file cannot be written.
    """
    require(file)
    encode = _gif if file.suffix == ".gif" else _mp4
    frames = iter(film.frames)
    try:
        cut = _cut(frames, film.rate)
    finally:
        getattr(frames, "close", lambda: None)()
    data, shown = encode(cut, film)
    with replacing(file) as stream:
        stream.write(data)
    return Filmed(file, film.score, film.title, shown.notes)


def read(path: Path, count: int) -> Film:
    """Frames of a GIF that :func:`write` has written, of about the same distance, the first and the last among them.

    Args:
        path: the file.
        count: of frames at most, 1 or more.

    Raises:
        FilesError: if it is missing, no file of its own, damaged, or no such GIF.
    """
    import numpy

    data = content(path)
    try:
        image = _opened(data)
        total: int = image.n_frames
        said = json.loads(image.info["comment"])
        title, score = said["title"], said["score"]
        chosen = sorted(set(numpy.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()))
        frames = numpy.stack([numpy.asarray(_at(image, number).convert("RGB")) for number in chosen])
        seconds = sum(_at(image, number).info["duration"] for number in range(total)) / 1000
        return Film(frames, total / seconds, math.nan if score is None else float(score), str(title))
    except Exception as error:  # damaged bytes can raise nearly anything
        raise FilesError(f"{path}: is damaged, or not what `evoplug play` writes") from error


def content(path: Path) -> bytes:
    """The bytes of a GIF, of no more than :func:`write` gives one.

    Raises:
        FilesError: as :func:`read`.
    """
    with reading.opened(path) as file:
        data = file.read(LARGEST + 1)
    try:
        image = _opened(data)
        fits = len(data) <= LARGEST and max(image.size) <= SIDE and image.n_frames <= FRAMES + 1
    except Exception as error:
        raise FilesError(f"{path}: is damaged, or no GIF") from error
    if not fits:
        raise FilesError(f"{path}: is larger than what `evoplug play` writes")
    return data


def _opened(data: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=["GIF"])


def _at(image: Any, number: int) -> Any:
    image.seek(number)
    return image


# ------------------------------------------------------------------------------------------------------------- frames


def _cut(frames: Iterator[numpy.ndarray], rate: float) -> Cut:
    """What is shown of an episode: as it goes on, more and more of its frames are left out, never the last."""
    kept: list[Image] = []
    step = math.ceil(rate / FASTEST)
    number, last = -1, None
    for number, last in enumerate(frames):
        if number % step:
            continue
        if len(kept) == FRAMES:
            kept, step = kept[::2], 2 * step
        kept.append(_small(last))
    if number % step:
        kept.append(_small(last))
    return Cut(kept, step, rate)


def _small(frame: Any) -> Image:
    from PIL import Image

    image = Image.fromarray(frame)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return image.quantize(256, dither=Image.Dither.NONE)


# -------------------------------------------------------------------------------------------------------------- files


def _gif(cut: Cut, film: Film) -> tuple[bytes, Cut]:
    """Of ever fewer frames until it is small enough."""
    comment = json.dumps(plain({"title": film.title, "score": film.score})).encode()
    while True:
        durations = [10 * round(100 / cut.pace)] * (len(cut.images) - 1) + [round(1000 * END)]
        buffer = io.BytesIO()
        cut.images[0].save(
            buffer, "GIF", save_all=True, append_images=cut.images[1:], duration=durations, loop=0, comment=comment
        )
        if buffer.tell() <= LARGEST or len(cut.images) <= 2:
            return buffer.getvalue(), cut
        cut = cut.thinner()


def _mp4(cut: Cut, film: Film) -> tuple[bytes, Cut]:
    """H.264, whose sides are even: what is missing is black."""
    import imageio_ffmpeg
    import numpy

    width, height = cut.images[0].size
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=cut.pace,
            macro_block_size=1,
            output_params=["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-metadata", f"title={film.title}"],
        )
        writer.send(None)
        for image in cut.images:
            writer.send(numpy.ascontiguousarray(image.convert("RGB")))
        writer.close()
        return path.read_bytes(), cut
