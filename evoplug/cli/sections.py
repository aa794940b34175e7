"""What the reference says of each section of a configuration, around the table of its keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from evoplug.config.experiment import SOFT
from evoplug.config.settings import Claim, Paper, RunSettings
from evoplug.config.sweep import Written
from evoplug.types import COLUMNS, TIME_UNITS


class Section(NamedTuple):
    """One section, or several that are written alike."""

    names: tuple[str, ...]
    """Top-level keys of a configuration; none for what is no section."""
    title: str
    text: str
    """Markdown."""
    keys: type | None = None
    """The dataclass whose fields are its keys, where they do not depend on a component."""
    filled: tuple[str, ...] = ()
    """Keys without a default that need not be there."""
    example: str = ""
    """TOML. All examples together are one configuration."""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


SECTIONS = (
    Section(
        ("evoplug", "extends", "plugins"),
        "The file",
        """\
- `evoplug = 1` is the format of the file, and must stand in each.
- `extends` names a preset or a file, relative to this one, on which this one is put: tables are merged (`stop` too: its
  other rules stay), all else is replaced. Where `use` changes, the parameters of the other component go; where it is
  the strategy's, so do operators and a genotype that the new one has no place for. `check` and `run` say what went.
  `[paper]` is never taken over, nor is that of an arm.
- A section that is `"none"`, e.g. `operators = "none"` or `sweep = "none"`, is as if it were not there: in a file that
  extends another, in an arm, in `--set`.
- `plugins = ["./ops.py"]` lists Python files with parts of your own, relative to this one: [plugins.md](plugins.md).

`[strategy]`, `[evaluator]` and mostly `[genotype]` must be there, here or in what is extended. Types are strict:
`"1000"` is no number, `true` no integer, and unknown keys are mistakes. `evoplug check FILE` says all of them at once.
""",
        example="""\
evoplug = 1
extends = "leea/mnist-validation"
""",
    ),
    Section(
        ("run",),
        "[run]",
        f"""\
How to run; the section may be left out. A run goes into `runs/NAME/run/seed-SEED`.

The rules of `stop`, of which the first that is reached ends the run with that generation:

- {_listed(COLUMNS)}: columns of every ledger;
- what the evaluator counts itself: its **costs** below, and `cases` where it provides them;
- {_listed(unit for unit in TIME_UNITS if unit not in COLUMNS)}: the same seconds, those of earlier sessions included;
- `fitness`: reached where the best of a generation has at least this.

`evoplug resume` takes new values of {_listed(SOFT)}, by `--set`, and of nothing else.
""",
        RunSettings,
        ("name",),
        """\
[run]
name = "my-leea"
stop = { samples = 5_000_000, hours = 2 }
checkpoint = { every = 50 }
measure = { every = 100, splits = ["validation", "test"] }
""",
    ),
    Section(
        ("strategy", "genotype", "evaluator", "recorders"),
        "[strategy], [genotype], [evaluator], [[recorders]]",
        """\
`use` names a component, the other keys are its parameters: the chapters below have them all, and
`evoplug show GROUP NAME` those of other plugins. `use = "DISTRIBUTION/NAME"` tells two of the same name apart.

- A parameter whose type is a component (`Network`, `Dataset` ...) takes such a table too, or a name alone. Where it may
  be empty, `"none"` makes it so.
- A `Function` is one of the known names, `"./file.py:name"` relative to the file, or `"package.module:name"`.
- A `Path` is relative to the file in which it is written; from Python and in `--set`, to the working directory. A file
  that it names is hashed into `plugins.lock`, so that a resume with another content is refused as one with another
  source is; a folder is not, nor is what a recorder writes.
- `[[recorders]]` may be there several times, or not at all.
""",
        example="""\
[genotype]
network = { use = "mlp", hidden = [32] }

[evaluator]
use = "classification"
dataset = "digits"
batch = 64

[[recorders]]
use = "tensorboard"
""",
    ),
    Section(
        ("operators",),
        "[operators]",
        """\
Operators by the slot of the strategy that they fill. The slots are its parameters of the types `Selection`, `Crossover`
and `Mutation`, which do not stand in `[strategy]`; what is not said stays as the strategy has it.

- A name, or a table with `use`. Without `use`, its keys are parameters of the strategy's own operator.
- `"none"` empties a slot that may be empty.
- For a `composite` genotype, one operator works on every part: a mutation must fit them all, a crossover leaves the
  parts that it does not fit as the first parent has them. Or a table part -> operator, in which every part has a
  mutation or says `"none"`: `mutation = { position = { use = "gaussian" }, rate = "none" }`.
- A strategy for real vectors takes a `composite` whose parts are all real vectors as one: one operator works on all
  genes together.
""",
        example="""\
[operators]
selection = "tournament"
crossover = { use = "two-point" }
mutation = { sigma = 0.02 }
""",
    ),
    Section(
        ("sweep",),
        "[sweep]",
        """\
Many runs from one file: every arm with every seed, each in `runs/NAME/ARM/seed-SEED`. An arm is the rest of the file
with some values replaced as by `--set`, a section by `"none"` taken away; `run.seed`, `[sweep]` and `[[claim]]` are no
arm's to change. A grid,
`grid = { "evaluator.batch" = [8, 64] }`, makes arms of its combinations, here `batch=8` and `batch=64`; of a table,
`{ use = "mlp", hidden = [8] }`, it makes `network=mlp,hidden=[8]`. What is longer than 100 bytes ends in `~` and eight
digits that follow from the values. A sweep has 1,000 arms and 10,000 runs at most.

A seed of a part that may be `"run"`, such as the `split_seed` of a data set, is then the seed of each run: a sweep with
`split_seed = "run"` averages over splits too.
""",
        Written,
        example="""\
[sweep]
seeds = 6
base = "batch-64"

[sweep.arms.batch-8]
"evaluator.batch" = 8
""",
    ),
    Section(
        ("claim",),
        "[[claim]]",
        """\
What the sweep is to show, stated beforehand: one arm is better than another, by a one-sided test. A metric is a number
of `result.json` by its dotted name, such as `test.accuracy`, `best.fitness` or `ledger.epochs`. Both arms must be about
one data set, or one function of as many genes.

`evoplug compare` corrects p over the claims that are expected to hold, and over those with `expect = "not reproduced"`,
controls and known failures, apart. Every run of the sweep keeps the claims as they stood when it began (`claims.json`):
where they have been changed since, `compare` and `report` say so.
""",
        Claim,
        example="""\
[[claim]]
better = "batch-64"
than = "batch-8"
metric = "test.accuracy"
""",
    ),
    Section(
        ("paper",),
        "[paper]",
        """\
What a paper reports for this very configuration; `evoplug compare` prints it beside the runs' own numbers. Files that
extend this one, and arms that change something, do not have it.
""",
        Paper,
        example="""\
[paper]
metric = "test.accuracy"
value = 0.976
source = "thesis, section 5.3.5: median of 15 runs"
""",
    ),
    Section(
        (),
        "Overrides: --set KEY=VALUE",
        """\
`evoplug run` and `evoplug check` replace values on top of the whole: `--set evaluator.batch=64`,
`--set operators.mutation.use=gaussian`, `--set 'run.stop={ hours = 1 }'`. The value is TOML, else a string; a table is
replaced as a whole. The order does not matter: outer keys come first, and `use` before the parameters beside it.
`evoplug` and `extends` cannot be set. `--set strategy.use=snes` drops the operators of the file that this strategy has
no slots for; those that are set beside it must fit. From Python: `evoplug.run("quickstart", {"evaluator.batch": 64})`.
""",
    ),
)
