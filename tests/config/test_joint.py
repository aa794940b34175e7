"""A composite of real vectors as one real vector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import evoplug
from evoplug import ConfigError, Members, Parts, Rng
from evoplug.config.joint import JointVector, seen_by, translated
from evoplug.contracts import Evaluation, Evaluator, Genotype, Strategy
from evoplug.testing.problems import Together, Vectors
from evoplug_basics.mutations import Gaussian, MultiplicativeGaussian, Polynomial
from evoplug_basics.searchers import CMAES

LINE = Vectors(length=3)
RATE = Vectors(length=2, bounds=(1e-3, 10.0), scale="log")
FREE = Vectors(length=2, bounds=None)


class Word(Genotype, genome="word"):
    """No real vector."""

    def sample(self, n: int, rng: Rng) -> list[str]:
        return ["a"] * n


class Either(Strategy, genome=("composite", "real-vector")):
    """Works on both."""


def joint(**parts: Genotype) -> JointVector:
    return JointVector(Together(parts=parts))


# -------------------------------------------------------------------------------------------- what it consists of


def test_bounds_scale_and_length_are_those_of_the_parts() -> None:
    space = joint(line=LINE, rate=RATE)
    assert (space.length, space.dtype, space.scale) == (5, "float64", "mixed")
    assert space.lower.tolist() == [-2, -2, -2, 1e-3, 1e-3]
    assert space.upper.tolist() == [3, 3, 3, 10, 10]
    assert space.log.tolist() == [False, False, False, True, True]


@pytest.mark.parametrize(("part", "scale"), [(LINE, "linear"), (RATE, "log")])
def test_of_one_scale_it_is_an_ordinary_vector(part: Vectors, scale: str) -> None:
    space = joint(only=part, other=part)
    assert space.scale == scale
    assert joint(only=part).length == part.length


def test_genes_without_bounds_beside_others_have_infinite_ones() -> None:
    space = joint(free=FREE, line=LINE, rate=Vectors(length=1, bounds=None, scale="log"))
    assert space.lower.tolist() == [-torch.inf, -torch.inf, -2, -2, -2, 0]
    assert space.upper.tolist() == [torch.inf, torch.inf, 3, 3, 3, torch.inf]
    assert joint(free=FREE).lower is joint(free=FREE).upper is None


def test_dtypes_that_differ_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"parts: .* one dtype: `a` has float64, `b` has float32"):
        joint(a=LINE, b=Vectors(dtype="float32"))


def test_only_what_works_on_vectors_alone_takes_parts_together() -> None:
    real, mixed = Together(), Together(parts={"line": LINE, "word": Word()})
    nested = Together(parts={"inner": real, "line": LINE})
    assert isinstance(seen_by(CMAES, real), JointVector)
    assert isinstance(seen_by(CMAES, nested), JointVector)
    assert seen_by(CMAES, mixed) is mixed
    assert seen_by(Either, real) is real
    assert seen_by(Evaluator, real) is real
    assert seen_by(CMAES, LINE) is LINE
    assert seen_by(CMAES, None) is None
    assert CMAES.fits(real)
    assert not CMAES.fits(mixed)


# ------------------------------------------------------------------------------------------------ there and back

lengths = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 4), min_size=1, max_size=4)


@given(lengths, lengths, st.integers(0, 5), st.sampled_from(["float32", "float64"]), st.randoms(use_true_random=False))
def test_nothing_changes_on_the_way_to_one_tensor_and_back(
    outer: dict[str, int], inner: dict[str, int], n: int, dtype: str, random: Any
) -> None:
    leaves = [{name: Vectors(length=d, dtype=dtype) for name, d in each.items()} for each in (outer, inner)]
    space = joint(**leaves[0], **{"a composite": Together(parts=leaves[1])})
    rows = [[random.choice([0.1, -0.0, 1e-300, torch.inf, torch.nan, 3.0]) for _ in range(space.length)]] * n
    genomes = torch.tensor(rows, dtype=getattr(torch, dtype)).reshape(n, space.length)
    parts = space.split(genomes)
    assert list(parts) == [*outer, "a composite"]
    assert {name: block.shape for name, block in parts["a composite"].items()} == {
        name: (n, d) for name, d in inner.items()
    }
    word = torch.int32 if dtype == "float32" else torch.int64
    assert torch.equal(space.join(parts).view(word), genomes.view(word))


def test_parts_are_views_of_the_one_tensor() -> None:
    space = joint(line=LINE, rate=RATE)
    genomes = space.sample(4, Rng(1))
    space.split(genomes)["rate"][:] = 5
    assert (genomes[:, 3:] == 5).all()


def test_members_are_translated_only_where_they_are_seen_in_another_way() -> None:
    composite = Together()
    space = JointVector(composite)
    genomes = space.sample(3, Rng(1))
    members = Members(genomes, torch.arange(3), torch.full((3, 2), -1))
    assert translated(members, space, space) is members
    apart = translated(members, space, composite)
    assert isinstance(apart.genomes, Parts)
    assert apart.ids is members.ids
    assert torch.equal(translated(apart, composite, space).genomes, genomes)


def test_parts_inside_parts_come_back_from_a_checkpoint() -> None:
    nested = Together(parts={"inner": Together(), "line": LINE})
    members = Members(nested.sample(3, Rng(1)), torch.arange(3), torch.full((3, 2), -1))
    back = Members.from_state_dict(members.state_dict(), "cpu")[0:2]
    assert torch.equal(back.genomes["inner"]["rate"], members.genomes["inner"]["rate"][:2])


def test_samples_and_descriptions_are_the_composites_own() -> None:
    composite = Together()
    space = JointVector(composite)
    drawn = space.sample(3, Rng(1))
    assert torch.equal(space.split(drawn)["rate"], composite.sample(3, Rng(1))["rate"])
    assert space.describe(drawn[0]) == {"line": drawn[0, :6].tolist(), "rate": drawn[0, 6:].tolist()}


# ------------------------------------------------------------------------------------------------------ operators


def test_an_operator_has_the_strength_of_each_genes_own_range() -> None:
    mutation = Gaussian()
    mutation.bind(joint(line=LINE, rate=RATE, free=FREE))
    expected = [0.5] * 3 + [(torch.tensor(10.0).log() - torch.tensor(1e-3).log()).item() / 10] * 2 + [0.01] * 2
    torch.testing.assert_close(mutation._strength, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("make", [Gaussian, MultiplicativeGaussian])
def test_genes_without_bounds_are_changed_too(make: Callable[[], Any]) -> None:
    space, mutation = joint(line=LINE, free=FREE), make()
    mutation.bind(space)
    parents = space.sample(200, Rng(1))
    children = mutation(parents, Rng(2))
    assert children.isfinite().all()
    assert (children != parents).any(0).all()


def test_what_needs_bounds_refuses_a_gene_without() -> None:
    with pytest.raises(ConfigError, match="needs a genotype with bounds"):
        Polynomial().bind(joint(line=LINE, free=FREE))


# --------------------------------------------------------------------------------------------------- whole runs

X = {"use": "real-vector", "length": 2, "low": -4.0, "high": 6.0}
RATES = {"use": "real-vector", "length": 2, "low": 1e-4, "high": 1.0, "scale": "log"}
QUADRATIC = {"use": "composite", "parts": {"x": X, "rate": RATES}}


class Quadratic(Evaluator, genome="composite"):
    """Best at x = (1, 2) and rate = (0.01, 0.3); reads the genomes by part."""

    deterministic = True

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        x, rate = members.genomes["x"], members.genomes["rate"]  # type: ignore[call-overload,index]
        assert ((x >= -4) & (x <= 6)).all()
        assert ((rate >= 1e-4) & (rate <= 1)).all()
        away = (x - torch.tensor([1.0, 2.0])).square() + (rate / torch.tensor([0.01, 0.3])).log().square()
        return Evaluation(-away.sum(1))


class Summed(Evaluator, genome="real-vector"):
    """Reads the genomes as one tensor."""

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        assert isinstance(members.genomes, torch.Tensor)
        return Evaluation(members.genomes.sum(1))


def run(tmp_path: Path, strategy: Any, generations: int = 3, **more: Any) -> evoplug.Run:
    stop = {"run": {"stop": {"generations": generations}}}
    return evoplug.run(
        {**stop, "strategy": strategy, "genotype": QUADRATIC, "evaluator": Quadratic(), **more}, out=tmp_path / "run"
    )


@pytest.mark.parametrize("name", ["cma-es", "xnes", "snes"])
def test_an_optimum_over_a_linear_and_a_logarithmic_part_is_found(name: str, tmp_path: Path) -> None:
    best = run(tmp_path, name, 200).best
    assert best.description["x"] == pytest.approx([1, 2], abs=1e-3)
    assert best.description["rate"] == pytest.approx([0.01, 0.3], rel=1e-3)
    assert list(best.genome) == ["x", "rate"]


@pytest.mark.parametrize(
    "mutation",
    ["gaussian", "self-adaptive-gaussian", {"x": "gaussian", "rate": "perturb"}, {"x": "gaussian", "rate": "none"}],
)
def test_operators_work_on_all_genes_or_on_each_part(mutation: Any, tmp_path: Path) -> None:
    leea = {"use": "leea", "population": 30}
    first = run(tmp_path, leea, 6, operators={"mutation": mutation, "crossover": {"x": "arithmetic"}})
    fitness = [row["best"] for row in first.metrics]
    assert fitness[-1] > fitness[0]


@pytest.mark.parametrize("strategy", ["random-search", "cma-es"])
def test_an_evaluator_of_vectors_takes_the_parts_together(strategy: str, tmp_path: Path) -> None:
    best = run(tmp_path, strategy, evaluator=Summed()).best
    assert best.fitness == pytest.approx(sum(best.description["x"]) + sum(best.description["rate"]))


def test_a_composite_of_one_part_is_searched_either_way(tmp_path: Path) -> None:
    one = {"use": "composite", "parts": {"x": {"use": "real-vector", "length": 2}}}
    for strategy in ("cma-es", "mu-plus-lambda"):
        found = run(tmp_path / strategy, strategy, genotype=one, evaluator="function")
        assert len(found.best.description["x"]) == 2


def test_a_composite_inside_a_composite_is_searched_too(tmp_path: Path) -> None:
    nested = {"use": "composite", "parts": {"x": X, "deep": {"use": "composite", "parts": {"r": RATES}}}}
    best = run(tmp_path, "cma-es", genotype=nested, evaluator="function").best
    assert list(best.description["deep"]) == list(best.genome["deep"]) == ["r"]


# ------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": {"use": "leea", "population": 10}, "operators": {"mutation": {"x": "gaussian"}}},
         "operators.mutation.rate: is missing: say which mutation changes this part"),
        ({"genotype": {"use": "composite", "parts": {"x": X, "y": {**X, "dtype": "float32"}}}},
         "genotype.parts: are taken together as one real vector, so they must have one dtype: "
         "`x` has float64, `y` has float32"),
        ({"genotype": {"use": "composite", "parts": {"x": {"use": "real-vektor"}}}},
         "genotype.parts.x.use: there is no genotype `real-vektor`; did you mean `real-vector`?"),
    ],
)  # fmt: skip
def test_mistakes_are_told_alone(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    config = {"run": {"stop": {"generations": 1}}, "strategy": "cma-es", "genotype": QUADRATIC, "evaluator": "function"}
    with pytest.raises(ConfigError) as caught:
        evoplug.run({**config, **changes}, out=tmp_path / "run")
    assert len(str(caught.value).splitlines()) == 1
    assert message in str(caught.value)


def test_the_part_in_the_way_is_named(tmp_path: Path) -> None:
    file = tmp_path / "words.py"
    file.write_text(WORDS, encoding="utf-8")
    parts = {"x": X, "word": {"use": "word"}}
    config = {
        "plugins": [str(file)], "run": {"stop": {"generations": 1}}, "strategy": "cma-es", "evaluator": "length",
        "genotype": {"use": "composite", "parts": parts},
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        evoplug.check(config)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(
        "strategy: `cma-es` works on real-vector genomes, not on composite, whose part `word` is word;"
    )
    assert "`mu-comma-lambda`, `mu-plus-lambda`" in line.partition("strategies that fit: ")[2]
    config = {**config, "genotype": QUADRATIC, "strategy": "leea", "operators": {"mutation": "spell"}}
    with pytest.raises(ConfigError) as caught:
        evoplug.check(config)
    assert str(caught.value).startswith(
        "operators.mutation: `spell` works on word genomes, and the strategy takes all parts as one real vector; "
        "mutations that fit: `decaying-gaussian`"
    )


WORDS = '''
import evoplug
from evoplug.contracts import Evaluation, Evaluator, Genotype, Mutation, dataclass

@evoplug.register("genotypes", "word")
@dataclass(kw_only=True)
class Word(Genotype, genome="word"):
    """A word."""

@evoplug.register("evaluators", "length")
@dataclass(kw_only=True)
class Length(Evaluator):
    """Any."""

@evoplug.register("mutations", "spell")
@dataclass(kw_only=True)
class Spell(Mutation, genome="word"):
    """A letter."""
'''
