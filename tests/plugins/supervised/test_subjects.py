"""Images of subjects: whose they are, and that no subject is in two splits."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import center_crop

from evoplug import ConfigError, FilesError, build
from evoplug_supervised.datasets.image_folder import ImageFolder
from evoplug_supervised.datasets.subjects import Owned, for_validation

PAGE = Path(__file__).parents[3] / "docs" / "c-nmc.md"
PATTERN = r"^(\w+?)-"


def put(folder: Path, *names: str, side: int = 4) -> None:
    """Pictures of these places in the folder, each of a grey of its own."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (side, side), number + 1).save(folder / name)


@pytest.fixture
def folder(tmp_path):
    """Five subjects to learn from, of 1 to 5 images, and one to test on."""
    train = [f"train/{'cat' if s < 3 else 'dog'}/s{s}-{n}.png" for s in range(1, 6) for n in range(s)]
    put(tmp_path / "pets", *train, "test/cat/t1-0.png", "test/dog/t1-1.png")
    return tmp_path / "pets"


def pets(folder, **parameters):
    given = {"folder": "pets", "validation": 4, "normalisation": "unit", "channels": 1, "subjects": PATTERN}
    return ImageFolder(root=folder.parent, **{**given, **parameters})


def table(folder, *rows, header="file,subject"):
    (folder / "subjects.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    return {"subjects": "pets/subjects.csv"}


def owners(dataset):
    return {split: Counter(dataset.subjects_of(split)) for split in ("train", "validation", "test")}


# ------------------------------------------------------------------------------------------------------- splits


@pytest.mark.parametrize("seed", range(8))
def test_subjects_are_whole_in_one_split(folder, seed):
    of = owners(pets(folder, split_seed=seed))
    assert of["train"] + of["validation"] == {f"s{s}": s for s in range(1, 6)}
    assert not of["train"].keys() & of["validation"].keys()
    assert of["train"]
    assert of["validation"]
    assert of["test"] == {"t1": 2}


def test_sizes_are_exact_and_subjects_are_those_of_the_images(folder):
    dataset = pets(folder, split_seed=3)
    greys = {int(numpy.asarray(Image.open(path))[0, 0]): path for path in folder.glob("train/*/*")}
    for split, size in dataset.info().sizes.items():
        x, y = dataset.load(split)
        assert len(x) == len(y) == size == len(dataset.subjects_of(split))
        if split != "test":
            files = [greys[round(float(image[0, 0, 0]) * 255)] for image in x]
            assert [file.name.partition("-")[0] for file in files] == dataset.subjects_of(split)
            assert [file.parent.name == "dog" for file in files] == y.tolist()


def test_training_images_are_shuffled_and_can_be_fewer(folder):
    all_of_them, few = pets(folder).subjects_of("train"), pets(folder, train=2).subjects_of("train")
    assert all_of_them != sorted(all_of_them)
    assert few == all_of_them[:2]
    assert pets(folder, train=2).info().sizes["train"] == 2


def test_the_seed_alone_decides(folder):
    assert pets(folder).subjects_of("train") == pets(folder).subjects_of("train")
    assert len({tuple(sorted(owners(pets(folder, split_seed=seed))["validation"])) for seed in range(8)}) > 2


def test_without_subjects_images_are_nobodys_and_split_as_ever(folder):
    dataset = pets(folder, subjects=None)
    assert dataset.subjects_of("train") is None
    assert dataset.info().sizes == {"train": 11, "validation": 4, "test": 2}


def images_of(**counts):
    return [Owned(Path(name), "train", name) for name, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("count", "held"),
    [(0, 0), (1, 10), (14, 10), (15, 10), (16, 20), (44, 40), (49, 40)],
)
def test_so_many_subjects_are_taken_as_come_nearest(count, held):
    """Of five subjects of ten images each; of two that are as near the fewer."""
    images = images_of(a=10, b=10, c=10, d=10, e=10)
    assert for_validation(images, count, 0).sum() == held


def test_a_large_subject_is_taken_whole_or_not_at_all():
    for seed in range(20):
        chosen = for_validation(images_of(a=100, b=1), 3, seed)
        assert chosen.sum() in (1, 100)


def test_one_subject_cannot_be_split():
    with pytest.raises(FilesError, match=r"all images of train/ are of subject a: none is left for `validation`"):
        for_validation(images_of(a=10), 3, 0)
    assert not for_validation(images_of(a=10), 0, 0).any()


# ------------------------------------------------------------------------------------------------- names and tables


def rows(folder, **splits):
    """A row of every image, with its split where subjects have one."""
    places = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("*/*/*.png"))]
    names = [place.rpartition("/")[2].partition("-")[0] for place in places]
    return [
        ",".join([place, name, *([splits[name]] if splits else [])]) for place, name in zip(places, names, strict=True)
    ]


def test_a_table_says_what_names_say(folder):
    of_names = owners(pets(folder))
    assert owners(pets(folder, **table(folder, *rows(folder)))) == of_names
    short = [row.rpartition("/")[2] for row in rows(folder)]
    assert owners(pets(folder, **table(folder, *short, "train/cat/gone.png,s9"))) == of_names
    absolute = folder / "Subjects.CSV"
    (folder / "subjects.csv").rename(absolute)
    assert owners(pets(folder, subjects=str(absolute))) == of_names


def test_a_table_of_excel_with_other_columns_is_read(folder):
    lines = [f"7,{row}" for row in rows(folder)]
    table(folder, *lines, header="\ufeffage,file,subject")
    assert owners(pets(folder, subjects="pets/subjects.csv"))["test"] == {"t1": 2}


def test_a_table_can_say_which_subjects_are_for_validation(folder):
    splits = {"s1": "train", "s2": "validation", "s3": "train", "s4": "validation", "s5": "train", "t1": "test"}
    said = table(folder, *rows(folder, **splits), header="file,subject,split")
    dataset = pets(folder, **said, validation=5000)  # not asked
    assert owners(dataset) == {
        "train": {"s1": 1, "s3": 3, "s5": 5},
        "validation": {"s2": 2, "s4": 4},
        "test": {"t1": 2},
    }
    assert dataset.info().sizes == {"train": 9, "validation": 6, "test": 2}


def test_a_table_that_changes_is_read_again(folder):
    splits = {"s1": "train", "s2": "validation", "s3": "train", "s4": "train", "s5": "train", "t1": "test"}
    said = table(folder, *rows(folder, **splits), header="file,subject,split")
    dataset = pets(folder, **said)
    assert len(dataset.load("validation")[0]) == 2
    table(folder, *rows(folder, **{**splits, "s3": "validation"}), header="file,subject,split")
    assert len(dataset.load("validation")[0]) == 5


def test_a_table_is_among_the_files(folder):
    assert pets(folder, **table(folder)).files()[-1] == folder / "subjects.csv"


WITH_SPLIT = "file,subject,split"


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        ("file,who", ["a.png,s1"], "subjects.csv: has no column subject"),
        ("", [], "subjects.csv: has no column file and no column subject"),
        ("file,subject", ["s1-0.png,"], "subjects.csv, line 2: a row needs a file and a subject"),
        ("file,subject", ["s1-0.png"], "subjects.csv, line 2: a row needs a file and a subject"),
        ("file,subject", ["s1-0.png,s1", "s1-0.png,s2"], "line 3: s1-0.png has another row already, which says oth"),
        ("file,subject", ["s1-0.png,s1"], "subjects.csv: no row for train/cat/s2-0.png, by this path or its name"),
        (WITH_SPLIT, ["s1-0.png,s1,dev"], "line 2: a split is train, validation or test, got `dev`"),
        (WITH_SPLIT, ["s1-0.png,s1"], "line 2: a split is train, validation or test, got ``"),
        (WITH_SPLIT, ["s1-0.png,s1,test"], "train/cat/s1-0.png stands in train/, and its split is test"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(folder, header, lines, message):
    with pytest.raises(FilesError, match=re.escape(message)) as caught:
        pets(folder, **table(folder, *lines, header=header)).info()
    assert "\n" not in str(caught.value)


def test_a_subject_in_two_splits_is_named(folder):
    lines = rows(folder, s1="train", s2="train", s3="train", s4="validation", s5="train", t1="test")
    lines = [line.replace("s1-0.png,s1", "s1-0.png,s4") for line in lines]
    message = r"subject s4 is in two splits: train \(\S+/cat/s1-0\.png\) and validation \(\S+/dog/s4-0\.png\)"
    with pytest.raises(FilesError, match=message):
        pets(folder, **table(folder, *lines, header=WITH_SPLIT)).info()


def test_a_subject_in_both_folders_is_named(folder):
    (folder / "test/cat/t1-0.png").rename(folder / "test/cat/s2-9.png")
    with pytest.raises(FilesError, match=r"subject s2 is in two splits: train \(\S+\) and test \(\S+/s2-9\.png\)"):
        pets(folder).info()


def test_a_table_that_has_all_for_validation_is_refused(folder):
    lines = rows(folder, **dict.fromkeys(["s1", "s2", "s3", "s4", "s5"], "validation"), t1="test")
    with pytest.raises(FilesError, match="every image of train/ for validation, and none to train on"):
        pets(folder, **table(folder, *lines, header=WITH_SPLIT)).info()


def test_names_that_two_images_have_need_paths(folder):
    (folder / "train/dog/s3-0.png").rename(folder / "train/dog/s1-0.png")
    lines = [row.rpartition("/")[2] for row in rows(folder)]
    with pytest.raises(FilesError, match=r"2 images are called s1-0\.png; give their paths in \S+/pets"):
        pets(folder, **table(folder, *lines)).info()


def test_a_table_that_is_missing_or_no_text_is_named(folder):
    for ask in (ImageFolder.info, lambda dataset: dataset.load("train")):
        with pytest.raises(FilesError, match=r"pets/subjects\.csv is missing; `subjects` names it"):
            ask(pets(folder, subjects="pets/subjects.csv"))
    (folder / "subjects.csv").write_bytes(b"file,subject\n\xff,\xfe")
    with pytest.raises(FilesError, match=r"subjects\.csv is damaged: 'utf-8' codec"):
        pets(folder, subjects="pets/subjects.csv").info()


def test_a_name_that_tells_no_subject_is_named(folder):
    with pytest.raises(FilesError, match=r"s1-0\.png: its name tells no subject: `\^\(t\\d\)` finds none in it"):
        pets(folder, subjects=r"^(t\d)").info()
    with pytest.raises(FilesError, match="tells no subject"):
        pets(folder, subjects=r"^(x?)").info()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("s(", "subjects: is neither a .csv file nor a regular expression: missing )"),
        (r"s\d", "must have one group, the subject, as in `UID_(H?\\d+)_`; `s\\d` has none"),
        ("(s)(1)", "`(s)(1)` has 2"),
    ],
)
def test_a_pattern_is_checked_before_any_file(pattern, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build("datasets", "image-folder", folder="nowhere", subjects=pattern)


# --------------------------------------------------------------------------------------------------------- crops


@pytest.mark.parametrize(("size", "crop"), [((6, 4), 4), ((7, 9), 4), ((8, 9), 5), ((4, 4), 4)])
def test_a_crop_is_the_middle_as_torchvision_cuts_it_out(tmp_path, size, crop):
    width, height = size
    picture = Image.fromarray(numpy.arange(width * height, dtype="u1").reshape(height, width))
    for name in ("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True)
        picture.save(tmp_path / "pets" / name)
    dataset = pets(tmp_path / "pets", subjects=None, crop=crop, validation=0)
    assert dataset.info().shape == (1, crop, crop)
    expected = torch.from_numpy(numpy.array(center_crop(picture, [crop, crop])))
    assert torch.equal((dataset.load("test")[0][0, 0] * 255).round().byte(), expected)


def test_a_crop_makes_images_of_several_sizes_one_and_is_resized_afterwards(folder):
    Image.new("L", (9, 7), 255).save(folder / "train/cat/s1-0.png")
    dataset = pets(folder, crop=3, size=6)
    assert dataset.info().shape == dataset.load("train")[0].shape[1:] == (1, 6, 6)


def test_images_of_several_sizes_without_a_crop_are_named(folder):
    Image.new("L", (9, 7)).save(folder / "train/dog/s5-1.png")
    message = r"train/dog/s5-1\.png is 9 x 7 pixels, \S+/train/cat/s1-0\.png 4 x 4; `crop` or `size` makes them one$"
    with pytest.raises(FilesError, match=message):
        pets(folder).load("train")


def test_an_image_smaller_than_the_crop_is_named(folder):
    Image.new("L", (4, 3)).save(folder / "train/dog/s5-1.png")
    with pytest.raises(FilesError, match=r"s5-1\.png is 4 x 3 pixels, too small for a `crop` of 4$"):
        pets(folder, crop=4).load("train")
    with pytest.raises(FilesError, match=r"\.png is 4 x 4 pixels, too small for a `crop` of 5$"):
        pets(folder, crop=5).info()  # of the first, before any run


# --------------------------------------------------------------------------------------------------------- c-nmc


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def c_nmc(tmp_path):
    """The published layout: three folds of two classes; a preliminary set of numbered files with its table."""
    source = tmp_path / "downloaded"
    training = {"all": ("1", "2", "3"), "hem": ("H1", "H4", "H5")}
    put(
        source / "C-NMC_training_data",
        *(
            f"fold_{fold}/{kind}/UID_{subjects[fold]}_{image}_{cell}_{kind}.bmp"
            for fold in range(3)
            for kind, subjects in training.items()
            for image, cell in ((1, 1), (1, 2), (12, 1))
        ),
        side=9,
    )
    preliminary = ["UID_57_29_1_all.bmp", "UID_H30_6_2_hem.bmp", "UID_57_30_1_all.bmp"]
    put(source / "C-NMC_test_prelim_phase_data", "1.bmp", "2.bmp", "3.bmp", side=9)
    lines = [f"{name},{number}.bmp,{int('all' in name)}" for number, name in enumerate(preliminary, 1)]
    labels = "\n".join(["Patient_ID,new_names,labels", *lines])
    (source / "C-NMC_test_prelim_phase_data_labels.csv").write_text(labels)
    (script,) = blocks("python")
    subprocess.run([sys.executable, "-c", script, source, tmp_path / "c-nmc"], check=True)
    return tmp_path


def test_c_nmc_is_read_as_its_page_lays_it_out(c_nmc):
    (configuration,) = blocks("toml")
    parameters = tomllib.loads(configuration)["evaluator"]["dataset"]
    assert (parameters.pop("use"), parameters["crop"]) == ("image-folder", 300)
    dataset = build("datasets", "image-folder", root=str(c_nmc), **{**parameters, "crop": 6, "validation": 6})
    assert dataset.info() == ((3, 6, 6), 2, {"train": 12, "validation": 6, "test": 3})
    of = owners(dataset)
    assert of["train"] + of["validation"] == dict.fromkeys(["1", "2", "3", "H1", "H4", "H5"], 3)
    assert of["test"] == {"57": 2, "H30": 1}
    for split in of:  # class 1 is leukaemia
        healthy = [subject.startswith("H") for subject in dataset.subjects_of(split)]
        assert [label == 0 for label in dataset.load(split)[1].tolist()] == healthy
