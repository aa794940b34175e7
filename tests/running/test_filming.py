"""A film as a file: true to the frames, bounded however long the episode."""

import json
import math
import os
import subprocess
from contextlib import suppress

import numpy
import pytest
from PIL import Image

from evoplug import ConfigError, FilesError
from evoplug.contracts import Film
from evoplug.running import filming


def film(frames, rate=20, score=1.5, title="lamps"):
    return Film(iter(frames), rate, score, title)


def grey(levels, height=4, width=6):
    return [numpy.full((height, width, 3), level, numpy.uint8) for level in levels]


def shown(path):
    """The frames of a GIF in grey levels, and for how many milliseconds each."""
    with Image.open(path) as image:
        levels, durations = [], []
        for number in range(image.n_frames):
            image.seek(number)
            levels.append(int(numpy.asarray(image.convert("RGB"))[0, 0, 0]))
            durations.append(image.info["duration"])
        assert image.info["loop"] == 0
    return levels, durations


def test_a_gif_shows_every_frame_at_its_pace_and_waits_at_the_end(tmp_path):
    written = filming.write(film(grey([0, 50, 100, 150])), tmp_path / "a.gif")
    assert shown(written.path) == ([0, 50, 100, 150], [50, 50, 50, 1000])
    assert written == (tmp_path / "a.gif", 1.5, "lamps", ())


def test_a_frame_of_few_colours_comes_back_to_the_bit(tmp_path):
    random = numpy.random.Generator(numpy.random.SFC64(1))
    colours = random.integers(0, 256, (200, 3), dtype=numpy.uint8)
    frames = colours[random.integers(0, 200, (3, 210, 160))]
    filming.write(Film(frames, 20, 0.0, "noise"), tmp_path / "a.gif")
    read = filming.read(tmp_path / "a.gif", 3)
    assert numpy.array_equal(read.frames, frames)


def test_a_large_frame_is_made_smaller_with_its_sides_in_proportion(tmp_path):
    filming.write(film(grey([7], 400, 640)), tmp_path / "a.gif")
    assert filming.read(tmp_path / "a.gif", 1).frames.shape == (1, 200, 320, 3)


@pytest.mark.parametrize(
    ("count", "rate", "frames", "duration", "notes"),
    [
        (600, 50, 600, 20, ()),
        (601, 50, 301, 40, ("shows one frame in 2",)),
        (2399, 50, 601, 40, ("shows one frame in 4, 2 times as fast",)),  # and the last, which no fourth is
        (100, 60, 51, 30, ("shows one frame in 2",)),  # no browser shows 60 a second
        (1800, 15, 451, 70, ("shows one frame in 4, 4 times as fast",)),
    ],
)
def test_a_long_episode_is_thinned_and_goes_faster_only_where_it_must(
    count, rate, frames, duration, notes, tmp_path, monkeypatch
):
    made = (numpy.full((2, 2, 3), number % 251, numpy.uint8) for number in range(count))
    written = filming.write(Film(made, rate, 0.0, "long"), tmp_path / "a.gif")
    levels, durations = shown(written.path)
    assert (len(levels), set(durations[:-1])) == (frames, {duration})
    assert (levels[0], levels[-1]) == (0, (count - 1) % 251)
    assert written.notes == notes


def test_a_film_of_much_is_thinned_until_it_is_small(tmp_path, monkeypatch):
    monkeypatch.setattr(filming, "LARGEST", 200_000)
    noise = numpy.random.Generator(numpy.random.SFC64(1)).integers(0, 256, (40, 100, 100, 3), dtype=numpy.uint8)
    written = filming.write(Film(noise, 20, 0.0, "noise"), tmp_path / "a.gif")
    assert written.path.stat().st_size <= 200_000
    (note,) = written.notes
    assert note.startswith("shows one frame in 4") or note.startswith("shows one frame in 8")


def test_what_was_written_is_read_again_in_a_few_frames(tmp_path):
    filming.write(film(grey(range(0, 250, 10)), title="é of lamps"), tmp_path / "a.gif")
    read = filming.read(tmp_path / "a.gif", 3)
    assert read.frames[:, 0, 0, 0].tolist() == [0, 120, 240]
    assert (read.score, read.title) == (1.5, "é of lamps")
    assert filming.read(tmp_path / "a.gif", 100).frames.shape == (25, 4, 6, 3)


def test_a_score_that_is_no_number_is_none_again(tmp_path):
    filming.write(film(grey([1]), score=math.nan), tmp_path / "a.gif")
    assert math.isnan(filming.read(tmp_path / "a.gif", 1).score)


def test_frames_that_fail_leave_the_file_that_was_there_and_are_closed(tmp_path):
    closed = []

    def frames():
        try:
            yield from grey([1, 2])
            raise ValueError("broken")
        finally:
            closed.append(True)

    (tmp_path / "a.gif").write_bytes(b"old")
    with pytest.raises(ValueError, match="broken"):
        filming.write(Film(frames(), 20, 0.0, "lamps"), tmp_path / "a.gif")
    assert os.listdir(tmp_path) == ["a.gif"]
    assert (tmp_path / "a.gif").read_bytes() == b"old"
    assert closed == [True]


@pytest.mark.parametrize("name", ["episode", "episode.png", "episode.GIF"])
def test_another_suffix_is_refused(name):
    with pytest.raises(ConfigError, match=rf"^{name}: must end in \.gif or \.mp4$"):
        filming.require(filming.Path(name))


def test_without_the_library_an_mp4_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(filming, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^a\.mp4: an \.mp4 file needs imageio-ffmpeg: pip install imageio-ffmpeg"):
        filming.require(filming.Path("a.mp4"))
    filming.require(filming.Path("a.gif"))


def test_an_mp4_has_the_frames_and_even_sides(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    filming.write(film(grey([0, 80, 160], 33, 47)), tmp_path / "a.mp4")
    decode = [ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "a.mp4", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(decode, capture_output=True, check=True).stdout
    frames = numpy.frombuffer(raw, numpy.uint8).reshape(3, 34, 48)
    assert frames[:, 10, 10].tolist() == pytest.approx([0, 80, 160], abs=6)  # H.264 is not exact


COMMENT = json.dumps({"title": "x", "score": 1.0})


def foreign(path, size=(8, 8), frames=1, comment=COMMENT):
    images = [Image.new("RGB", size, (number % 2, 0, 0)) for number in range(frames)]
    images[0].save(path, "GIF", save_all=True, append_images=images[1:], duration=20, comment=comment.encode())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"no GIF"), "is damaged, or no GIF"),
        (lambda path: Image.new("RGB", (8, 8)).save(path, "PNG"), "is damaged, or no GIF"),
        (lambda path: foreign(path, (filming.SIDE + 1, 8)), "is larger than what `evoplug play` writes"),
        (lambda path: foreign(path, frames=filming.FRAMES + 2), "is larger than what `evoplug play` writes"),
        (lambda path: path.write_bytes(bytes(filming.LARGEST + 1)), "is damaged, or no GIF"),
        (lambda path: foreign(path, comment="by hand"), "is damaged, or not what `evoplug play` writes"),
        (lambda path: foreign(path, comment="[1]"), "is damaged, or not what `evoplug play` writes"),
        (lambda path: None, "is missing"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to("/etc/passwd"), "is a symbolic link"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_its_own_is_refused_in_one_line(make, message, tmp_path):
    make(tmp_path / "a.gif")
    with pytest.raises(FilesError, match=rf"a\.gif: {message}") as caught:
        filming.read(tmp_path / "a.gif", 4)
    assert "\n" not in str(caught.value)


def test_a_gif_cut_anywhere_is_refused_or_read(tmp_path):
    path = tmp_path / "a.gif"
    filming.write(film(grey([0, 50, 100, 150])), path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with suppress(FilesError):
            assert filming.read(path, 4).frames.shape[1:] == (4, 6, 3)
