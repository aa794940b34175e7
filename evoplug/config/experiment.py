"""The first pass: a document becomes a checked experiment, with its arms. No plugin is imported that can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evoplug import catalogue
from evoplug.config import messages, operators, parameters, plugins, sweep
from evoplug.config.difference import differences
from evoplug.config.document import Document
from evoplug.config.operators import Operator
from evoplug.config.problem import problem
from evoplug.config.schema import Checker
from evoplug.config.settings import Claim, Paper, RunSettings
from evoplug.config.source import FORMAT
from evoplug.config.spec import Spec, as_toml
from evoplug.config.sweep import Sweep
from evoplug.errors import ConfigError, Key, Mistake, dotted

SECTIONS = ("plugins", "run", "strategy", "genotype", "evaluator", "operators", "recorders", "sweep", "claim", "paper")
SOFT = ("stop", "checkpoint", "measure", "workers", "timeout")
"""Keys of ``[run]`` that change no result up to a generation."""


@dataclass(frozen=True)
class Experiment:
    """A configuration in which everything that can be known without building its components is right."""

    run: RunSettings
    strategy: Spec
    genotype: Spec | None
    evaluator: Spec
    operators: Mapping[str, Operator]
    """Slot of the strategy -> what fills it."""
    recorders: tuple[Spec, ...]
    sweep: Sweep | None
    claims: tuple[Claim, ...]
    paper: Paper | None
    plugins: tuple[catalogue.Entry, ...]
    """Parts in files beside the configuration."""
    document: Document
    arms: Mapping[str, Experiment] = field(default_factory=dict, repr=False)
    """Of a sweep: name -> the experiment of each arm, a plain run; in the order in which they are run."""

    def __repr__(self) -> str:
        parts = " · ".join(spec.name for spec in (self.strategy, self.genotype, self.evaluator) if spec is not None)
        runs = f"{len(self.arms)} x {len(self.sweep.seeds)} runs" if self.sweep else f"seed {self.run.seed}"
        return f"Experiment({self.run.name}: {parts}, {runs})"

    def apart(self) -> Experiment:
        """The same, with copies of its own of the objects that a call from Python gave: runs of it share nothing.

        Raises:
            ConfigError: if an object cannot be copied.
        """
        return replace(
            self,
            strategy=self.strategy.apart(),
            genotype=self.genotype and self.genotype.apart(),
            evaluator=self.evaluator.apart(),
            operators={slot: _operator_apart(operator) for slot, operator in self.operators.items()},
            recorders=tuple(recorder.apart() for recorder in self.recorders),
        )

    def fixed(self) -> dict[str, Any]:
        """What makes the result, as :func:`resolved`: all but budgets, checkpoints, measuring, workers and timeout."""
        table = resolved(self)
        return {**table, "run": {key: value for key, value in table["run"].items() if key not in SOFT}}

    def specs(self) -> Iterator[Spec]:
        """Every component, those inside others too."""
        for filled in (self.strategy, self.genotype, self.evaluator, *self.operators.values(), *self.recorders):
            for spec in filled.values() if isinstance(filled, Mapping) else [filled]:
                if spec is not None:
                    yield from spec.inside()


def _operator_apart(operator: Operator) -> Operator:
    if isinstance(operator, Mapping):
        return {part: spec and spec.apart() for part, spec in operator.items()}
    return operator and operator.apart()


def check(document: Document) -> Experiment:
    """Check a document. A plugin is imported only where its source does not tell what its parameters are.

    Raises:
        ConfigError: with all mistakes.
        PluginError: if a name means components of several distributions.
    """
    return Reading(document).experiment()


def resolved(experiment: Experiment) -> dict[str, Any]:
    """One run's configuration with every default, and files absolute; :func:`check` takes it and gives it again.

    What belongs to a whole sweep, ``[sweep]`` and ``[[claim]]``, is not in it.
    """
    table: dict[str, Any] = {"evoplug": FORMAT}
    if experiment.plugins:
        table["plugins"] = sorted({str(entry.file) for entry in experiment.plugins})
    table |= {"run": experiment.run.table(), "strategy": experiment.strategy.table()}
    if experiment.genotype:
        table["genotype"] = experiment.genotype.table()
    table["evaluator"] = experiment.evaluator.table()
    filled = {slot: _operator(operator) for slot, operator in experiment.operators.items()}
    # What a strategy leaves empty by default stays unsaid, as None everywhere.
    empty = operators.empty_by_default(experiment.strategy.schema)
    if filled := {slot: value for slot, value in filled.items() if value != "none" or slot not in empty}:
        table["operators"] = filled
    if experiment.recorders:
        table["recorders"] = [recorder.table() for recorder in experiment.recorders]
    if experiment.paper:
        table["paper"] = as_toml(vars(experiment.paper))
    return table


def _operator(operator: Operator) -> Any:
    if isinstance(operator, Mapping):
        return {part: _operator(inner) for part, inner in operator.items()}
    return "none" if operator is None else operator.table()


class Reading:
    """A document, read section by section and then as a whole; no mistake stops it.

    Attributes:
        run: None where it is wrong.
        strategy, genotype, evaluator: None where there is none, or none that can be found.
        operators, recorders, plugins: as in :class:`Experiment`.
        mistakes: what is wrong.

    Raises:
        ConfigError: if the files beside the configuration cannot be read: what is missing because of these is no news.
        PluginError: if a name means components of several distributions.
    """

    def __init__(self, document: Document) -> None:
        self.document, self.data, self.checker = document, document.data, Checker(document.root)
        self.plugins = plugins.read(self.checker, self.data.get(plugins.KEY, []))
        self.checker.done()
        with catalogue.beside(self.plugins):
            self._read()
        self._arms = {
            arm: Reading(sweep.arm_document(document, changes))
            for arm, changes in (self._sweep.arms if self._sweep else {}).items()
            if changes
        }
        own = set(self.checker.mistakes)
        for arm in self._arms.values():
            self.checker.mistakes += [mistake for mistake in arm.mistakes if mistake not in own]
        if not self.checker.mistakes:
            self._check_comparable()

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return tuple(dict.fromkeys(self.checker.mistakes))

    def experiment(self) -> Experiment:
        """The whole.

        Raises:
            ConfigError: with all mistakes.
        """
        self.checker.done()
        assert self.strategy
        assert self.evaluator
        assert self.run
        whole = Experiment(
            self.run, self.strategy, self.genotype, self.evaluator, self.operators, self.recorders, self._sweep,
            self._claims, self._paper, self.plugins, self.document,
        )  # fmt: skip
        return replace(whole, arms={arm: self._arm(arm, whole) for arm in self._sweep.arms}) if self._sweep else whole

    def _arm(self, name: str, whole: Experiment) -> Experiment:
        """One arm of the sweep; the base arm is the whole without what is a sweep's."""
        if name in self._arms:
            return self._arms[name].experiment()
        return replace(whole, sweep=None, claims=(), document=sweep.arm_document(self.document, ()))

    def _read(self) -> None:
        checker, data = self.checker, self.data
        self._sections()
        self.strategy = self._read_strategy()
        if self.strategy:
            self._drop_left_over(self.strategy)
        self.genotype = self._component("genotypes", "genotype") if "genotype" in self.data else None
        self.evaluator = self._component("evaluators", "evaluator")
        self.operators = self._read_operators(self.strategy, self.genotype)
        self._together(self.strategy, self.genotype, self.evaluator)
        self.run = self._read_run(self.evaluator)
        self._sweep = sweep.read(checker, data.get("sweep"), data)
        self._claims = self._read_claims(self._sweep)
        self._paper = checker.section(Paper, data["paper"], ("paper",)) if "paper" in data else None
        self.recorders = self._read_recorders()

    def _sections(self) -> None:
        for name in self.data:
            if name not in SECTIONS and name != "evoplug":
                self.checker.wrong((name,), messages.unknown(name, SECTIONS, "section"))

    def _component(self, group: str, section: str, elsewhere: Iterable[str] = ()) -> Spec | None:
        """The component of a section; keys in ``elsewhere`` are none of its own."""
        if section not in self.data:
            names = messages.listed(map(catalogue.usable, catalogue.entries(group)))
            self.checker.wrong((section,), f"the section is missing; {group}: {names}")
            return None
        table = self.data[section]
        if isinstance(table, Mapping):
            table = {name: value for name, value in table.items() if name not in set(elsewhere)}
        spec: Spec | None = self.checker.component(group, table, (section,), elsewhere)
        return spec

    def _read_strategy(self) -> Spec | None:
        """The strategy, whose operators stand in a section of their own."""
        table = self.data.get("strategy")
        slots = self._slots(table)
        for slot in slots:
            if isinstance(table, Mapping) and slot in table:
                self.checker.wrong(("strategy", slot), f"belongs into [operators], as operators.{slot}")
        return self._component("strategies", "strategy", slots)

    def _slots(self, table: Any) -> dict[str, Any]:
        """The operator slots of the strategy that a table names, if it names one."""
        name = table.get("use") if isinstance(table, Mapping) else table
        try:
            return operators.slots(parameters.known("strategies", name)) if isinstance(name, str) else {}
        except ConfigError:  # noted where the component is read
            return {}

    def _read_operators(self, strategy: Spec | None, genotype: Spec | None) -> dict[str, Operator]:
        if strategy is None:
            return {}
        return operators.check(self.checker, strategy, genotype, self.data.get("operators", {}))

    def _drop_left_over(self, strategy: Spec) -> None:
        """Take away, and say so, what was written for another strategy and has no place in this one."""
        dropped = [key for key, other in self.document.left_over.items() if not self._has_place(strategy, key, other)]
        if not dropped:
            return
        sections = {key[0] for key in dropped if len(key) == 1}
        self.data = {name: value for name, value in self.data.items() if name not in sections}
        if "operators" in self.data:
            kept = {s: value for s, value in self.data["operators"].items() if ("operators", s) not in dropped}
            self.data["operators"] = kept
        where = self.document.origin(("strategy", "use")).where
        names = ", ".join(map(dotted, dropped))
        notice = f"{where and f'{where}: '}strategy: use = `{strategy.name}` drops what it has no place for: {names}"
        if notice not in self.document.notices:
            self.document = replace(self.document, notices=(*self.document.notices, notice))

    def _has_place(self, strategy: Spec, key: Key, written_for: str) -> bool:
        """Whether the strategy can take what was written for another one, of which the name is given."""
        if key == ("genotype",):
            return "genotype" not in self.data or strategy.schema.facts.get("genotype") != "none"
        table = self.data.get("operators")
        slot = str(key[1])
        if not isinstance(table, Mapping) or slot not in table:
            return True
        return operators.has_place(strategy, slot, table[slot], written_for)

    def _together(self, strategy: Spec | None, genotype: Spec | None, evaluator: Spec | None) -> None:
        """Do strategy, genotype and evaluator fit each other?"""
        if strategy:
            self._genotype_wanted(strategy, genotype)
        if strategy and genotype and not operators.fits(strategy.schema.kinds, operators.kinds(genotype)):
            others = _strategies(genotype, evaluator)
            self.checker.wrong(strategy.key, f"{operators.misfit(strategy, genotype)}; {others}")
        if evaluator and genotype and not operators.fits(evaluator.schema.kinds, operators.kinds(genotype)):
            others = _evaluators(strategy, genotype)
            self.checker.wrong(evaluator.key, f"{operators.misfit(evaluator, genotype)}; {others}")
        if strategy and evaluator:
            self._needs(strategy, genotype, evaluator)
        if strategy and evaluator:
            self._selections(strategy, genotype, evaluator)

    def _genotype_wanted(self, strategy: Spec, genotype: Spec | None) -> None:
        wanted = strategy.schema.facts.get("genotype", "required" if strategy.schema.complete else "optional")
        if wanted == "none" and genotype:
            self.checker.wrong(("genotype",), f"strategy `{strategy.name}` takes no genotype; remove the section")
        if wanted == "required" and "genotype" not in self.data:
            self._component("genotypes", "genotype")

    def _needs(self, strategy: Spec, genotype: Spec | None, evaluator: Spec) -> None:
        if not evaluator.schema.complete:
            return
        provided = evaluator.schema.facts.get("provides", ())
        for need in strategy.schema.facts.get("needs", ()):
            if need not in provided:
                message = f"strategy `{strategy.name}` needs `{need}`, which `{evaluator.name}` does not provide"
                self.checker.wrong(evaluator.key, f"{message}; {_evaluators(strategy, genotype)}")

    def _selections(self, strategy: Spec, genotype: Spec | None, evaluator: Spec) -> None:
        """Selections by cases are for evaluators that provide cases."""
        facts = evaluator.schema.facts
        if not evaluator.schema.complete or "cases" in facts.get("provides", ()):
            return
        for slot, operator in self._by_cases():
            message = f"`{operator.name}` selects by cases, which `{evaluator.name}` does not provide"
            others = _evaluators(strategy, genotype, "cases")
            self.checker.wrong(("operators", slot), f"{message}; {others}")

    def _by_cases(self) -> Iterator[tuple[str, Spec]]:
        """Slot and operator of each selection by cases."""
        for slot, operator in self.operators.items():
            if isinstance(operator, Spec) and operator.schema.facts.get("cases"):
                yield slot, operator

    def _reads_cases(self) -> bool:
        """Whether anything reads cases, as far as it is known."""
        strategy = self.strategy
        if strategy is None or not strategy.schema.complete or strategy.given is not None:
            return True
        return "cases" in strategy.schema.facts.get("needs", ()) or any(self._by_cases())

    def _read_run(self, evaluator: Spec | None) -> RunSettings | None:
        table = self.data.get("run", {})
        if isinstance(table, Mapping):
            table = {"name": self.document.name, **table}
        run = self.checker.section(RunSettings, table, ("run",))
        if run is None:
            return None
        costs = self._costs(evaluator)
        for key, message in run.check(costs):
            self.checker.wrong(("run", *key), message)
        return replace(run, checkpoint=run.checkpoint.filled())

    def _costs(self, evaluator: Spec | None) -> list[str]:
        """The ledger columns that the evaluator fills; where they are not known, those that are asked for."""
        if evaluator is None or not evaluator.schema.complete:
            stop = self.data.get("run", {}).get("stop", {})
            return list(stop) if isinstance(stop, Mapping) else []
        facts = evaluator.schema.facts
        cases = ["cases"] if "cases" in facts.get("provides", ()) and self._reads_cases() else []
        return [*facts.get("costs", ()), *cases]

    def _read_claims(self, swept: Sweep | None) -> tuple[Claim, ...]:
        arms = swept.arms if swept else (sweep.BASE,)
        claims = []
        for index, table in enumerate(self._tables("claim")):
            claim = self.checker.section(Claim, table, ("claim", index))
            if claim is not None:
                for key, message in claim.check(arms):
                    self.checker.wrong(("claim", index, *key), message)
                claims.append(claim)
        return tuple(claims)

    def _check_comparable(self) -> None:
        """Note claims about two arms whose metrics do not mean the same; before they are run."""
        for index, claim in enumerate(self._claims):
            better, than = (self._arms.get(arm, self)._problem() for arm in (claim.better, claim.than))
            if different := next(differences(than, better), None):
                message = f"`{claim.better}` and `{claim.than}` cannot be compared: {different} as in the other"
                self.checker.wrong(("claim", index), message)

    def _problem(self) -> dict[str, Any]:
        sections = {"evaluator": self.evaluator, "genotype": self.genotype}
        return problem({name: spec.table() for name, spec in sections.items() if spec is not None})

    def _read_recorders(self) -> tuple[Spec, ...]:
        tables = enumerate(self._tables("recorders"))
        specs = [self.checker.component("recorders", table, ("recorders", index)) for index, table in tables]
        return tuple(spec for spec in specs if spec is not None)

    def _tables(self, section: str) -> list[Any]:
        value = self.data.get(section, [])
        if isinstance(value, list):
            return value
        self.checker.wrong((section,), f"must be an array of tables, [[{section}]], got {messages.given(value)}")
        return []


def _strategies(genotype: Spec, evaluator: Spec | None) -> str:
    """The strategies that search these genomes and need nothing that the evaluator does not provide."""
    known = evaluator.schema if evaluator and evaluator.schema.complete else None
    provided = set(known.facts.get("provides", ())) if known else None
    fitting = (
        entry
        for entry in catalogue.entries("strategies")
        if entry.class_vars.get("genotype") != "none"
        and operators.fits(entry.kinds, operators.kinds(genotype))
        and (provided is None or provided.issuperset(entry.class_vars.get("needs", ())))
    )
    return _listed("strategies", fitting)


def _evaluators(strategy: Spec | None, genotype: Spec | None, *more: str) -> str:
    """The evaluators that work on these genomes and provide all that the strategy needs, and more."""
    kinds = operators.kinds(genotype) if genotype else ()
    needed = {*(strategy.schema.facts.get("needs", ()) if strategy else ()), *more}
    fitting = (
        entry
        for entry in catalogue.entries("evaluators")
        if operators.fits(entry.kinds, kinds) and needed.issubset(entry.class_vars.get("provides", ()))
    )
    return _listed("evaluators", fitting)


def _listed(group: str, entries: Iterable[catalogue.Entry]) -> str:
    return f"{group} that fit: {messages.listed(map(catalogue.usable, entries)) or 'none'}"
