"""Names of a grid's combinations: each tells its values, and no two are one folder."""

from itertools import product

import pytest

from evoplug.config import labels
from evoplug.config.labels import LONGEST


def labelled(**axes: list) -> list[str]:
    paths = [name.replace("__", ".") for name in axes]
    return labels.labels(list(labels.axes(paths).values()), product(*axes.values()))


def test_plain_values_are_written_as_they_are() -> None:
    axes = {"evaluator__batch": [8, 64], "operators__mutation__sigma": [0.1], "genotype__init": ["he-normal"]}
    assert labelled(**axes) == ["batch=8,sigma=0.1,init=he-normal", "batch=64,sigma=0.1,init=he-normal"]
    assert labelled(a=[True, [1, 2.5], ["x"]]) == ["a=true", "a=[1, 2.5]", 'a=["x"]']


def test_tables_are_told_by_their_component_and_its_parameters() -> None:
    networks = [{"use": "mlp", "hidden": [8]}, {"hidden": [16], "use": "mlp"}, {"use": "convnet"}]
    assert labelled(genotype__network=networks) == [
        "network=mlp,hidden=[8]",
        "network=mlp,hidden=[16]",
        "network=convnet",
    ]
    loss = {"use": "composite", "parts": {"loss": {"use": "taylorglo", "order": 4}}}
    assert labelled(genotype=[loss]) == ["genotype=composite,parts={loss={taylorglo,order=4}}"]


def test_arrays_are_told_by_all_their_entries() -> None:
    long = list(range(10))
    assert labelled(hidden=[long, [*long, 1]]) == [
        "hidden=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
        "hidden=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1]",
    ]


def test_axes_of_one_name_are_told_by_more_of_their_keys() -> None:
    assert labelled(genotype__parts__a__length=[1], genotype__parts__b__length=[2]) == ["a.length=1,b.length=2"]
    assert labelled(strategy__use=["snes"], evaluator__use=["function"]) == ["strategy.use=snes,evaluator.use=function"]
    assert labelled(length=[1], genotype__length=[2]) == ["length=1,genotype.length=2"]


@pytest.mark.parametrize(
    "axes",
    [
        {"a": ["x/y", "x-y"]},
        {"a": ["Adam", "adam"]},
        {"a": [8, "8"]},
        {"a": ["\u00e9", "e\u0301"]},
        {"a": ["x" * 300 + "1", "x" * 300 + "2"]},
        {"a": ["\u00e9" * 300, "\u00e9" * 301]},
        {"a": [" x", "x\t", "x\\t"]},
        {"a": [[*range(100)], [*range(99), 7]]},
        {"a": ["x", "x,b=1"], "b": ["2", "1,b=2"]},
    ],
    ids=repr,
)
def test_every_combination_has_a_folder_of_its_own(axes: dict) -> None:
    made = labelled(**axes)
    assert len({labels.folded(label) for label in made}) == len(list(product(*axes.values())))
    assert all(len(label.encode()) <= LONGEST for label in made)
    assert all(label.isprintable() and label == label.strip() and not {"/", "\\"} & set(label) for label in made)


def test_a_label_follows_from_its_values_alone() -> None:
    few, many = labelled(a=["x" * 200, 3]), labelled(a=[1, "x" * 200, 2, 3])
    assert set(few) < set(many)
