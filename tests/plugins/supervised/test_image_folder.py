"""Folders of images of all kinds: which files count, and what their pixels become."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image, PngImagePlugin

from evoplug import FilesError
from evoplug_supervised.datasets.class_folders import listing
from evoplug_supervised.datasets.image_folder import ImageFolder
from evoplug_supervised.datasets.pixels import decoded

QUARTER, HALF = 64, 128
"""Greys of 8 bits."""


def picture(value, dtype="u1"):
    """Of one value, 6 wide and 4 high."""
    return Image.fromarray(numpy.full((4, 6), value, dtype=dtype))


@pytest.fixture
def folder(tmp_path):
    """Two classes, four pictures each in either half."""
    for half in ("train", "test"):
        for name, grey in (("cat", QUARTER), ("dog", HALF)):
            (tmp_path / "pets" / half / name).mkdir(parents=True)
            for number in range(4):
                picture(grey).save(tmp_path / "pets" / half / name / f"{number}.png")
    return tmp_path / "pets"


def pets(folder, **parameters):
    given = {"folder": "pets", "validation": 2, "normalisation": "unit", "channels": 1, **parameters}
    return ImageFolder(root=folder.parent, **given)


# -------------------------------------------------------------------------------------------------- kinds of pixels


def pixel(path, channels=1):
    """The upper left one."""
    return decoded(path, channels).getpixel((0, 0))


@pytest.mark.parametrize("ending", ["png", "tif", "webp", "bmp", "gif", "ppm", "pgm"])
def test_eight_bits_stay_what_they_are(ending, tmp_path):
    path = tmp_path / f"1.{ending}"
    picture(QUARTER).save(path, **({"lossless": True} if ending == "webp" else {}))
    assert (pixel(path), pixel(path, 3)) == (QUARTER, (QUARTER,) * 3)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_scaled_to_eight(ending, order, tmp_path):
    path = tmp_path / f"1.{ending}"
    if ending == "pgm":  # always big-endian
        path.write_bytes(b"P5 6 4 65535\n" + numpy.full((4, 6), QUARTER * 257).astype(">u2").tobytes())
    else:
        picture(QUARTER * 257, order).save(path)
    assert (pixel(path), pixel(path, 3)) == (QUARTER, (QUARTER,) * 3)


def test_the_classes_of_sixteen_bits_can_be_told_apart(folder):
    for path in folder.rglob("*.png"):
        picture((QUARTER if path.parent.name == "cat" else HALF) * 257, "u2").save(path)
    x, y = pets(folder).load("test")
    torch.testing.assert_close(x.flatten(1).mean(1), torch.tensor([QUARTER, HALF])[y] / 255)


@pytest.mark.parametrize(("dtype", "what"), [("i4", "integers of 32 bits"), ("f4", "floating numbers")])
def test_numbers_without_a_range_are_refused(dtype, what, folder):
    picture(1, dtype).save(folder / "test" / "dog" / "3.tif")
    with pytest.raises(FilesError, match=rf"test/dog/3\.tif holds {what}, and no range is defined"):
        pets(folder).load("train")


def test_black_and_white_palettes_and_cmyk_are_colours_like_others(tmp_path):
    Image.new("1", (6, 4), 1).save(tmp_path / "1.png")
    assert pixel(tmp_path / "1.png") == 255
    palette = Image.new("P", (6, 4), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "2.png")
    assert pixel(tmp_path / "2.png", 3) == (255, 0, 0)
    Image.new("CMYK", (6, 4), (0, 0, 0, 255 - QUARTER)).save(tmp_path / "3.tif")
    assert pixel(tmp_path / "3.tif", 3) == (QUARTER,) * 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(mode, tmp_path):
    clear, full = Image.new("RGBA", (6, 4), (9, 9, 9, 0)), Image.new("RGBA", (6, 4), (QUARTER,) * 3 + (255,))
    clear.convert(mode).save(tmp_path / "clear.png")
    full.convert(mode).save(tmp_path / "full.png")
    assert (pixel(tmp_path / "clear.png"), pixel(tmp_path / "clear.png", 3)) == (255, (255,) * 3)
    assert (pixel(tmp_path / "full.png"), pixel(tmp_path / "full.png", 3)) == (QUARTER, (QUARTER,) * 3)


def test_half_transparent_is_half_white_and_a_transparent_colour_is_white(tmp_path):
    Image.new("RGBA", (6, 4), (0, 0, 0, 128)).save(tmp_path / "1.png")
    assert pixel(tmp_path / "1.png") == 127
    Image.new("RGB", (6, 4), (9, 9, 9)).save(tmp_path / "2.png", transparency=(9, 9, 9))
    assert pixel(tmp_path / "2.png") == 255


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_images_are_turned_upright(ending, tmp_path):
    corner = numpy.kron(numpy.eye(1, 24).reshape(4, 6), numpy.ones((8, 8))) * 255
    exif = Image.Exif()
    exif[0x112] = 6  # a quarter turn clockwise
    path = tmp_path / f"1.{ending}"
    Image.fromarray(corner.astype("u1")).save(path, exif=exif)
    image = decoded(path, 1)
    assert image.size == (32, 48)
    assert image.getpixel((28, 4)) > 200


def test_the_shape_is_that_of_upright_images(folder):
    exif = Image.Exif()
    exif[0x112] = 6
    for path in folder.rglob("*.png"):
        picture(0).save(path, exif=exif)
    assert pets(folder).info().shape == pets(folder).load("train")[0].shape[1:] == (1, 6, 4)


def test_of_an_animation_the_first_picture_is_taken(tmp_path):
    picture(QUARTER).save(tmp_path / "1.gif", save_all=True, append_images=[picture(0)])
    assert pixel(tmp_path / "1.gif") == QUARTER


# -------------------------------------------------------------------------------------------------- damaged files


def bomb():
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def long_text(path):
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * 2**21, zip=True)
    picture(0).save(path, pnginfo=text)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(bomb()), r"3\.png is too large an image: Image size \(3600000000 pixels\)"),
        (long_text, r"3\.png is damaged: Decompressed data too large"),
        (lambda path: path.write_bytes(path.read_bytes()[:50]), r"3\.png is damaged: image file is truncated"),
        (lambda path: path.write_bytes(b""), r"3\.png is damaged: it is no image, or one of an unknown format"),
        (lambda path: (path.unlink(), path.symlink_to("nowhere")), r"3\.png: cannot be read: No such file"),
    ],
)
def test_whatever_is_wrong_with_a_file_names_it(spoil, message, folder):
    spoil(folder / "test" / "dog" / "3.png")
    with pytest.raises(FilesError, match=message) as caught:
        pets(folder).load("train")
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ which files count


def test_hidden_folders_and_files_are_passed_over(folder):
    before = pets(folder).info()
    for name in (".thumbs", "__MACOSX", "cat/.ipynb_checkpoints"):
        (folder / "train" / name).mkdir()
        picture(0).save(folder / "train" / name / "0.png")
    (folder / "train" / "cat" / "._0.png").write_bytes(b"of a Mac")
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    assert pets(folder).info() == before


def test_a_pipe_keeps_nobody_waiting(folder):
    before = pets(folder).info()
    os.mkfifo(folder / "train" / "cat" / "9.png")
    (folder / "train" / "cat" / "10.png").symlink_to("9.png")
    assert pets(folder).info() == before


@pytest.mark.parametrize(
    ("link", "target"),
    [("cat/again", "."), ("cat/again", ".."), ("cat/dogs", "../dog"), ("again", "."), ("kitty", "cat")],
)
def test_links_that_lead_back_multiply_no_images(link, target, folder):
    before = pets(folder).info()
    (folder / "train" / link).symlink_to(target, target_is_directory=True)
    assert pets(folder).info() == before


def test_links_to_elsewhere_are_followed_once(folder):
    disk = folder.parent / "disk"
    disk.mkdir()
    (folder / "train" / "cat").rename(disk / "cats")
    (folder / "train" / "cat").symlink_to(disk / "cats", target_is_directory=True)
    (disk / "more" / "deep").mkdir(parents=True)
    picture(0).save(disk / "more" / "deep" / "9.jpg")
    for name in ("first", "second"):
        (disk / "cats" / name).symlink_to(disk / "more", target_is_directory=True)
    names = [str(path.relative_to(folder / "train")) for path, label in listing(folder / "train").files if label == 0]
    assert names == ["cat/0.png", "cat/1.png", "cat/2.png", "cat/3.png", "cat/first/deep/9.jpg"]


def test_a_class_without_images_and_a_half_without_classes_are_named(folder):
    (folder / "train" / "owl").mkdir()
    with pytest.raises(FilesError, match=r"train/owl holds no images; their names end in \.bmp"):
        pets(folder).info()
    with pytest.raises(FilesError, match=r"train/owl holds no folders"):
        listing(folder / "train" / "owl")
    with pytest.raises(FilesError, match=r"cat/0\.png: cannot be read: Not a directory"):
        listing(folder / "train" / "cat" / "0.png")


def test_a_folder_and_a_file_that_may_not_be_read_are_named(folder, monkeypatch):
    def refused(path, *rest, **more):
        if Path(path).name in ("dog", "2.png"):
            raise PermissionError(13, "Permission denied", str(path))
        return real[path_type(path)](path, *rest, **more)

    def path_type(path):
        return "open" if Path(path).suffix else "scandir"

    real = {"open": Path.open, "scandir": os.scandir}
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refused)
        with pytest.raises(FilesError, match=r"train/dog: cannot be read: Permission denied$"):
            pets(folder).info()
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(FilesError, match=r"cat/2\.png: cannot be read: Permission denied$"):
        pets(folder).load("test")


# ---------------------------------------------------------------------------------------------- files that change


def test_another_picture_under_the_same_name_is_seen(folder):
    dataset = pets(folder)
    before = dataset.load("test")[0]
    assert pets(folder).load("test")[0] is before
    path = folder / "test" / "cat" / "0.png"
    picture(255).save(path)
    os.utime(path, ns=(1, 1))
    for again in (dataset, pets(folder)):
        assert again.load("test")[0][0].min() == 1


def test_files_that_come_and_go_are_seen(folder):
    dataset = pets(folder)
    assert dataset.info().sizes["train"] == 6
    picture(0).save(folder / "train" / "cat" / "9.png")
    os.utime(folder / "train" / "cat", ns=(1, 1))
    assert dataset.info().sizes["train"] == 7
    assert len(dataset.load("train")[0]) == 7
