"""Omniglot, on small zip files in its real format."""

from zipfile import ZipFile

import pytest
import torch
import torchvision

import evoplug
from evoplug import ConfigError, FilesError
from evoplug_supervised.datasets.omniglot import Omniglot
from evoplug_supervised.datasets.omniglot_files import SETS
from image_files import drawing, md5, put_omniglot, served

BACKGROUND, EVALUATION = "images_background", "images_evaluation"


@pytest.fixture
def omniglot(tmp_path, monkeypatch):
    """The data folder of two sets: Greek and Latin, with three and two characters, and Greek and Tengwar, with two."""
    sets = {BACKGROUND: {"Greek": 3, "Latin": 2}, EVALUATION: {"Greek": 3, "Tengwar": 2}}
    put_omniglot(tmp_path / "omniglot-py", monkeypatch, **sets)
    return tmp_path


def drawn(dataset, split):
    """(label, character, drawing) of each image of a split, the last two read from its black pixel."""
    x, y = dataset.load(split)
    places = (x[:, 0] == 0).nonzero()
    assert torch.equal(places[:, 0], torch.arange(len(y)))  # one black pixel each
    return [(label, *place) for label, place in zip(y.tolist(), places[:, 1:].tolist(), strict=True)]


def test_the_published_sets_have_50_alphabets_of_1623_characters():
    assert [len(SETS[name]) for name in (BACKGROUND, EVALUATION)] == [30, 20]
    assert [sum(SETS[name].values()) for name in (BACKGROUND, EVALUATION)] == [964, 659]
    assert Omniglot().info() == ((1, 105, 105), 1623, {"train": 1623 * 16, "validation": 0, "test": 1623 * 4})


def test_the_small_sets_share_greek_and_latin():
    dataset = Omniglot(sets=("images_background_small1", "images_background_small2"))
    assert len(dataset.tasks()) == 8
    assert dataset.info().classes == 24 + 22 + 24 + 40 + 26 + 47 + 42 + 17


def test_all_characters_of_all_alphabets_are_classes_and_an_alphabet_in_two_sets_counts_once(omniglot):
    dataset = Omniglot(root=omniglot)
    assert dataset.info().classes == 3 + 2 + 2
    for split, each in (("train", 16), ("test", 4)):
        images = drawn(dataset, split)
        assert torch.tensor([label for label, _, _ in images]).bincount().tolist() == [each] * 7
        assert {(label, character) for label, character, _ in images} == {
            (0, 0), (1, 1), (2, 2), (3, 0), (4, 1), (5, 0), (6, 1),
        }  # fmt: skip


def test_every_drawing_of_a_character_is_in_one_split(omniglot):
    dataset = Omniglot(root=omniglot, alphabet="Greek", test=5, validation=3)
    assert dataset.info() == ((1, 105, 105), 3, {"train": 36, "validation": 9, "test": 15})
    images = [image for split in ("train", "validation", "test") for image in drawn(dataset, split)]
    assert sorted(images) == [(character, character, number) for character in range(3) for number in range(20)]


def test_few_are_taken_to_train_on(omniglot):
    few, all_of_them = (drawn(Omniglot(root=omniglot, validation=1, train=train), "train") for train in (2, None))
    assert torch.tensor([label for label, _, _ in few]).bincount().tolist() == [2] * 7
    assert set(few) < set(all_of_them)


def test_the_seed_alone_decides_which_drawings_are_for_testing(omniglot):
    first, again, other = (drawn(Omniglot(root=omniglot, split_seed=seed), "test") for seed in (1, 1, 2))
    assert first == again != other


def test_characters_are_cut_each_by_its_own_chance(omniglot):
    images = drawn(Omniglot(root=omniglot, alphabet="Greek"), "test")
    assert len({frozenset(number for label, _, number in images if label == each) for each in range(3)}) == 3


def test_tasks_are_the_alphabets_cut_as_in_the_whole(omniglot):
    whole = Omniglot(root=omniglot, validation=2)
    tasks = whole.tasks()
    assert list(tasks) == ["Greek", "Latin", "Tengwar"]
    assert [task.info().classes for task in tasks.values()] == [3, 2, 2]
    for split in ("train", "validation", "test"):
        first = dict.fromkeys(tasks, 0) | {"Latin": 3, "Tengwar": 5}
        apart = [(label + first[name], *rest) for name, task in tasks.items() for label, *rest in drawn(task, split)]
        assert sorted(apart) == sorted(drawn(whole, split))
    assert tasks["Greek"].tasks() == {}


def test_only_the_files_of_the_alphabet_are_needed(omniglot):
    (omniglot / "omniglot-py" / f"{EVALUATION}.zip").unlink()
    assert len(Omniglot(root=omniglot, alphabet="Latin").load("test")[1]) == 8
    with pytest.raises(
        FilesError, match=r"omniglot: .*images_evaluation.zip is missing; get it with `evoplug data omn"
    ):
        Omniglot(root=omniglot).load("test")


def test_drawings_are_black_on_white_as_they_are_in_the_files(omniglot):
    x, _ = Omniglot(root=omniglot).load("test")
    assert x.sum((1, 2, 3)).unique().tolist() == [105 * 105 - 1]
    pooled = Omniglot(root=omniglot, pool=5, pooling="mean")
    assert pooled.info().shape == pooled.load("test")[0].shape[1:] == (1, 21, 21)


@pytest.mark.parametrize(
    ("parameters", "key", "message"),
    [
        ({"test": 20}, "test", "with validation and at least one to train on must not exceed the 20 drawings of a ch"),
        ({"test": 4, "validation": 10, "train": 7}, "test", "with validation and train must not exceed the 20"),
        ({"alphabet": "Greec"}, "alphabet", "`Greec` is in none of images_background, images_evaluation; did you mean"),
        ({"alphabet": "Elvish", "sets": ("images_background_small1",)}, "alphabet",
         "`Elvish` is in none of images_background_small1; choices: Balinese, Early_Aramaic, Greek, Korean, Latin"),
        ({"pool": 106}, "pool", "must not exceed the images' 105 pixels"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_mistake(parameters, key, message):
    [(found, said)] = Omniglot(**parameters).check()
    assert (found, said[: len(message)]) == (key, message)


def test_what_can_be_is_none():
    assert not list(Omniglot(test=4, validation=10, train=6, alphabet="Tengwar", pool=105).check())


def test_sets_are_known_by_name():
    with pytest.raises(ConfigError, match="sets"):
        evoplug.build("datasets", "omniglot", sets=["images_of_cats"])
    with pytest.raises(ConfigError, match="sets"):
        evoplug.build("datasets", "omniglot", sets=[])


# ------------------------------------------------------------------------------------------------ damaged files


def changed(omniglot, change):
    """Write the first set again, with some of its files changed: name -> content -> content, or None for no file."""
    path = omniglot / "omniglot-py" / f"{BACKGROUND}.zip"
    with ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in files.items():
            if (new := change(name, content)) is not None:
                archive.writestr(name, new)


FIRST = "images_background/Latin/character01/0000_01.png"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, content: None if "Latin/character01" in name else content,
         r"images_background.zip is damaged: it holds 1 characters of Latin, expected 2"),
        (lambda name, content: None if name == FIRST else content,
         r"images_background.zip is damaged: it holds 19 drawings of Latin/character01, expected 20"),
        (lambda name, content: drawing(0, 0, side=28) if name == FIRST else content,
         r"images_background.zip/.*0000_01.png is damaged: it has 28 x 28 pixels, expected 105 x 105"),
        (lambda name, content: b"no image" if name == FIRST else content,
         r"images_background.zip/.*0000_01.png is damaged: it is no image"),
    ],
)  # fmt: skip
def test_a_set_that_is_not_whole_is_damaged(omniglot, change, message):
    changed(omniglot, change)
    with pytest.raises(FilesError, match=message) as caught:
        Omniglot(root=omniglot, alphabet="Latin").load_all()
    assert "\n" not in str(caught.value)
    assert len(Omniglot(root=omniglot, alphabet="Greek").load("test")[1]) == 12


def test_what_archivers_leave_is_passed_over(omniglot):
    path = omniglot / "omniglot-py" / f"{BACKGROUND}.zip"
    with ZipFile(path, "a") as archive:
        archive.writestr("images_background/Latin/character01/._0000_01.png", b"x")
        archive.writestr("images_background/Latin/.DS_Store", b"x")
        archive.writestr("__MACOSX/images_background/Latin/character01/._0000_01.png", b"x")
    assert len(Omniglot(root=omniglot, alphabet="Latin").load("test")[1]) == 8


@pytest.mark.parametrize("length", [0, 10, 2000])
def test_a_zip_file_that_is_cut_is_damaged(omniglot, length):
    path = omniglot / "omniglot-py" / f"{BACKGROUND}.zip"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FilesError, match=r"images_background.zip is damaged: File is not a zip file"):
        Omniglot(root=omniglot).load("train")


def test_a_zip_file_in_which_bytes_have_changed_is_damaged(omniglot):
    path = omniglot / "omniglot-py" / f"{BACKGROUND}.zip"
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 255
    path.write_bytes(content)
    with pytest.raises(FilesError, match=r"images_background.zip is damaged: Bad CRC-32 for file"):
        Omniglot(root=omniglot).load("train")


# ----------------------------------------------------------------------------------------------------- download


def test_the_zip_files_are_downloaded_and_not_unpacked(omniglot, tmp_path, monkeypatch):
    files = torchvision.datasets.Omniglot
    sums = {name: md5(omniglot / "omniglot-py" / f"{name}.zip") for name in (BACKGROUND, EVALUATION)}
    monkeypatch.setattr(files, "zips_md5", sums)
    with served(omniglot / "omniglot-py") as address:
        monkeypatch.setattr(files, "download_url_prefix", address)
        Omniglot(root=tmp_path / "fresh").download()
    assert sorted(path.name for path in (tmp_path / "fresh" / "omniglot-py").iterdir()) == [
        f"{BACKGROUND}.zip", f"{EVALUATION}.zip",
    ]  # fmt: skip
    fresh, old = (drawn(Omniglot(root=root), "test") for root in (tmp_path / "fresh", omniglot))
    assert fresh == old


def test_the_small_sets_cannot_be_downloaded(tmp_path):
    with pytest.raises(ConfigError, match=r"^sets: `images_background_small1` cannot be downloaded; choices: images_b"):
        Omniglot(root=tmp_path, sets=("images_background_small1",)).download()
    assert not list(tmp_path.iterdir())
