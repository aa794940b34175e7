"""One fault each: what the conformance suites must find."""

import threading
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import nn

from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import (
    ConfigError,
    Crossover,
    Dataset,
    DatasetInfo,
    Evaluation,
    Evaluator,
    Film,
    Ge,
    Genotype,
    Members,
    Model,
    Mutation,
    Network,
    Plot,
    Recorder,
    Selection,
    Strategy,
    Task,
    dataclass,
    use,
)

ONE = 1.0


def noise(genomes, rng):
    return 0.01 * torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)


class Sound(Mutation):
    """What the faulty ones share."""

    def bind(self, space):
        self.space = space

    def __call__(self, genomes, rng):
        return self.space.repair(genomes + noise(genomes, rng))


@dataclass(kw_only=True)
class InPlace(Sound, genome="real-vector"):
    """Changes its parents."""

    def __call__(self, genomes, rng):
        genomes += noise(genomes, rng)
        return self.space.repair(genomes)


@dataclass(kw_only=True)
class DrawingGlobally(Sound, genome="real-vector"):
    """Draws from torch's global numbers."""

    def __call__(self, genomes, rng):
        return self.space.repair(genomes + 0.01 * torch.randn_like(genomes))


@dataclass(kw_only=True)
class Leaving(Sound, genome="real-vector"):
    """Leaves the space."""

    def __call__(self, genomes, rng):
        return genomes + 100


@dataclass(kw_only=True)
class Converting(Sound, genome="real-vector"):
    """Gives another dtype."""

    def __call__(self, genomes, rng):
        return super().__call__(genomes, rng).half()


@dataclass(kw_only=True)
class Remembering(Sound, genome="real-vector"):
    """Grows stronger with every call of ``at``."""

    calls: ClassVar[int] = 0

    def at(self, generation):
        self.calls += 1
        return self

    def __call__(self, genomes, rng):
        return self.space.repair(genomes + self.calls * noise(genomes, rng))


@dataclass(kw_only=True)
class Hashing(Sound, genome="real-vector"):
    """Depends on the process: hashes of strings are salted."""

    def __call__(self, genomes, rng):
        return self.space.repair(genomes + hash("salt") / 2**64 * noise(genomes, rng))


@dataclass(kw_only=True)
class InOrderOfWork(Sound, genome="real-vector"):
    """Depends on the thread that works."""

    def __call__(self, genomes, rng):
        main = threading.current_thread() is threading.main_thread()
        return self.space.repair(genomes + (1 if main else 2) * noise(genomes, rng))


@dataclass(kw_only=True)
class TakingAnything(Sound, genome="real-vector"):
    """Has a parameter of no type."""

    strength: Any = 1.0


@dataclass(kw_only=True)
class Raising(Sound, genome="real-vector"):
    """Refuses a value that its type allows by an exception of its own."""

    strength: Annotated[float, Ge(0)] = 1.0

    def __post_init__(self):
        if self.strength == 0:
            raise ValueError("zero")


@dataclass(kw_only=True)
class Dividing(Sound, genome="real-vector"):
    """Makes NaN."""

    def __call__(self, genomes, rng):
        return genomes * torch.nan


@dataclass(kw_only=True)
class Contradicting(Sound, genome="real-vector"):
    """Has a default outside of its own bounds."""

    strength: Annotated[float, Ge(0)] = -1.0


@dataclass(kw_only=True)
class Computed(Sound, genome="real-vector"):
    """Has a default that only an import tells."""

    strength: float = ONE + ONE


@dataclass(kw_only=True)
class FittingNone(Sound, genome="real-vector"):
    """Refuses every space that it is offered."""

    def bind(self, space):
        raise ConfigError((), "needs 20 genes")


@dataclass(kw_only=True)
class KeepingColumns(Crossover, genome="real-vector"):
    """Leaves the columns to chance."""

    def __call__(self, a, b, rng):
        return a.clone()

    def into(self, parents, first, second, rng, out):
        out.genomes[:] = parents.genomes[first]
        for name, column in out.columns.items():
            column[:] = parents.columns[name][first]


@dataclass(kw_only=True)
class ChoosingInvalid(Selection):
    """Takes minus infinity for large."""

    def __call__(self, fitness, count, rng):
        return fitness.abs().argsort(descending=True)[:count]


@dataclass(kw_only=True)
class ReadingAllCases(Selection):
    """Needs the whole matrix."""

    cases: ClassVar[bool] = True

    def __call__(self, fitness, count, rng):
        return fitness.nan_to_num(neginf=-1e9).mean(1).argsort(descending=True)[:count]


@dataclass(kw_only=True)
class SamplingGlobally(Genotype, genome="nothing-known"):
    """Draws from torch's global numbers."""

    def sample(self, n, rng):
        return torch.randn(n, 3)


@dataclass(kw_only=True)
class Sharing(Genotype, genome="lists"):
    """Gives one list several times."""

    def sample(self, n, rng):
        return [[0]] * n


class Summing(Evaluator):
    """What the faulty ones share."""

    def task(self):
        return Task(domain=(-1.0, 1.0))

    def evaluate(self, members, rng):
        return Evaluation(members.genomes.sum(1))


@dataclass(kw_only=True)
class ChangingMembers(Summing, genome="real-vector"):
    """Changes the genomes."""

    def evaluate(self, members, rng):
        members.genomes.zero_()
        return super().evaluate(members, rng)


@dataclass(kw_only=True)
class Counting(Summing, genome="real-vector"):
    """Depends on a number that it does not save."""

    def start(self, device, rng):
        self.calls = 0

    def evaluate(self, members, rng):
        self.calls += 1
        return Evaluation(members.genomes.sum(1) * self.calls)


@dataclass(kw_only=True)
class Wavering(Summing, genome="real-vector"):
    """Has other cases each time, and says that they are fixed."""

    provides = ("cases",)
    fixed_cases = True

    def start(self, device, rng):
        self.cases = 1

    def evaluate(self, members, rng):
        self.cases += 1
        return Evaluation(members.genomes.sum(1), cases=members.genomes.sum(1)[:, None].repeat(1, self.cases))


@dataclass(kw_only=True)
class Unsure(Summing, genome="real-vector"):
    """Says that it is deterministic, and draws."""

    deterministic = True

    def evaluate(self, members, rng):
        return Evaluation(torch.rand(len(members), generator=rng.torch))


@dataclass(kw_only=True)
class Alone(Summing, genome="real-vector"):
    """Wants a genotype beside it that is nowhere."""

    companions = {"genotype": {"use": "no-such-genotype"}}


@dataclass(kw_only=True)
class FittingNothing(Summing, genome="real-vector"):
    """Refuses every genotype that it is offered."""

    def bind(self, genotype):
        raise ConfigError((), "needs 20 genes")


@dataclass(kw_only=True)
class SayingLate(Summing, genome="real-vector"):
    """Says of members what it knows only once it was started."""

    def start(self, device, rng):
        self.size = 3

    def describe(self, members):
        return {"weights": torch.full((len(members),), getattr(self, "size", 0))}


@dataclass(kw_only=True)
class Owning(Summing, genome="real-vector"):
    """Makes networks of weights that it has only once it was started."""

    def start(self, device, rng):
        self.shared = torch.ones(2, 2)

    def evaluate(self, members, rng):
        self.shared = self.shared + 1
        return super().evaluate(members, rng)

    def model(self, member):
        module = nn.Linear(2, 2).eval()
        module.load_state_dict({"weight": self.shared, "bias": torch.zeros(2)})
        return Model(module, torch.zeros(2, 2), "from torch.nn import Linear\nmodel = Linear(2, 2)")

    def state_dict(self):
        return {"shared": self.shared}

    def load_state_dict(self, state):
        self.shared.copy_(state["shared"])


@dataclass(kw_only=True)
class Lending(Summing, genome="real-vector"):
    """Gives away, of two networks, one that it goes on with."""

    def bind(self, genotype):
        self.shared = nn.Linear(2, 2).eval()

    def model(self, member):
        source = "from torch.nn import Linear\nmodel = Linear(2, 2)"
        networks = {"own": nn.Linear(2, 2).eval(), "lent": self.shared}
        return {name: Model(module, torch.zeros(2, 2), source) for name, module in networks.items()}


@dataclass(kw_only=True)
class FilmingAnew(Summing, genome="real-vector"):
    """Each of its films is brighter than the one before."""

    def bind(self, genotype):
        self.light = 0

    def film(self, member, rng):
        self.light += 1
        return Film(np.full((2, 4, 6, 3), self.light, np.uint8), 10, 0.0, "light")


@dataclass(kw_only=True)
class FilmingLate(Summing, genome="real-vector"):
    """Has something to see only once it was started."""

    def start(self, device, rng):
        self.size = 3

    def film(self, member, rng):
        return Film(np.zeros((2, getattr(self, "size", 1), 6, 3), np.uint8), 10, 0.0, "dark")


@dataclass(kw_only=True)
class AddingUp(Summing, genome="real-vector"):
    """Its ensembles are the better the more they are: one alone is better than itself."""

    def measure(self, members, split, rng):
        return {"sum": members.genomes.sum(1)}

    def ensemble(self, members, split, rng):
        return {"sum": members.genomes.sum().reshape(1) + len(members)}


@dataclass(kw_only=True)
class Offering(Summing, genome="real-vector"):
    """Whatever is to decide, it measures the sum."""

    headline: Annotated[Literal["sum", "least"], "what decides"] = "sum"

    def measure(self, members, split, rng):
        return {"sum": members.genomes.sum(1)}


@dataclass(kw_only=True)
class AlwaysAlike(Summing, genome="real-vector"):
    """Draws the weights that it owns from a seed of its own."""

    provides = ("update",)

    def start(self, device, rng):
        self.shared = torch.randn(3, generator=torch.Generator().manual_seed(0))

    def update(self, members, rng):
        self.shared = self.shared * 0.9
        return super().evaluate(members, rng)

    def state_dict(self):
        return {"shared": self.shared}

    def load_state_dict(self, state):
        self.shared = state["shared"]


class Sampling(TrackedLoop):
    """What the faulty ones share: a new population every generation."""

    def __init__(self, problem):
        super().__init__(problem)
        self.steps = 0

    def step(self):
        self.steps += 1
        self.members = self.problem.sample(4 + self.steps)
        self.problem.evaluate(self.members)
        self.track()

    def state_dict(self):
        return {**super().state_dict(), "members": self.members.state_dict()}

    def load_state_dict(self, state):
        self.members = Members.from_state_dict(state["members"], self.problem.device)
        super().load_state_dict(state)


@dataclass(kw_only=True)
class Forgetful(Strategy):
    """Does not save how often it stepped."""

    def start(self, problem):
        return Sampling(problem)


class DroppingStatesLoop(Sampling):
    """Evaluates copies, and takes no more than their fitness."""

    def step(self):
        self.members = self.problem.sample(4)
        self.members.fitness = self.problem.evaluate(self.members[:]).fitness
        self.track()


@dataclass(kw_only=True)
class DroppingStates(Strategy):
    """Forgets what its members have learned."""

    def start(self, problem):
        return DroppingStatesLoop(problem)


class LosingMembersLoop(Sampling):
    """Saves its members, and does not take them back."""

    def state_dict(self):
        return {**super().state_dict(), "steps": self.steps}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.steps = state["steps"]
        del self.members


@dataclass(kw_only=True)
class LosingMembers(Strategy):
    """Loses its members in a checkpoint, though the next step needs none."""

    def start(self, problem):
        return LosingMembersLoop(problem)


class CounterfeitingLoop(Sampling):
    """Gives all members one id."""

    def step(self):
        super().step()
        self.members.ids[:] = 0


@dataclass(kw_only=True)
class Counterfeiting(Strategy):
    """Makes members that cannot be told apart."""

    def start(self, problem):
        return CounterfeitingLoop(problem)


class UncasedLoop(Sampling):
    """Shows a selection fitness, whatever it asks for."""

    def __init__(self, problem, selection):
        super().__init__(problem)
        self.selection = selection

    def step(self):
        super().step()
        rows = self.selection(self.members.fitness, 3, self.problem.rng.child("step", self.problem.generation))
        self.members = self.members[rows]

    def state_dict(self):
        return {**super().state_dict(), "steps": self.steps}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.steps = state["steps"]


@dataclass(kw_only=True)
class Uncased(Strategy):
    """Knows nothing of cases."""

    selection: Selection = use("tournament")

    def start(self, problem):
        return UncasedLoop(problem, self.selection)


class TrustingLoop(Sampling):
    """Takes whatever stands last for the best."""

    @property
    def best(self):
        invalid = (~self.members.fitness.isfinite()).nonzero().flatten().tolist()
        return self.members[[invalid[0] if invalid else 0]]


@dataclass(kw_only=True)
class Trusting(Strategy):
    """Reports invalid members."""

    def start(self, problem):
        return TrustingLoop(problem)


@dataclass(kw_only=True)
class Doubles(Dataset):
    """Gives float64."""

    def info(self):
        return DatasetInfo((2,), 2, {"train": 4})

    def load(self, split):
        return torch.zeros(4, 2).double(), torch.zeros(4).long()


@dataclass(kw_only=True)
class CountingFromOne(Dataset):
    """Numbers its classes from 1 on."""

    def info(self):
        return DatasetInfo((2,), 2, {"train": 4})

    def load(self, split):
        return torch.zeros(4, 2), torch.tensor([1, 2, 1, 2])


@dataclass(kw_only=True)
class Misnaming(Dataset):
    """Has a split of another name."""

    def info(self):
        return DatasetInfo((2,), 2, {"train": 4, "valid": 4})

    def load(self, split):
        return torch.zeros(4, 2), torch.zeros(4).long()


@dataclass(kw_only=True)
class Dotted(Dataset):
    """Falls into tasks whose names look like paths."""

    def info(self):
        return DatasetInfo((2,), 2, {"train": 4})

    def load(self, split):
        return torch.zeros(4, 2), torch.zeros(4).long()

    def tasks(self):
        return {"left.half": self}


@dataclass(kw_only=True)
class Shared(Network):
    """Gives the same module twice."""

    def build(self, shape, outputs):
        key = (shape, outputs)
        if key not in BUILT:
            BUILT[key] = nn.Sequential(nn.Flatten(), nn.LazyLinear(outputs))
            BUILT[key](torch.zeros(1, *shape))
        return BUILT[key]


BUILT = {}


@dataclass(kw_only=True)
class ChangingRows(Recorder):
    """Takes keys out of the rows."""

    def row(self, row):
        row.pop("best")


@dataclass(kw_only=True)
class ByPyplot(Plot):
    """Opens a figure of pyplot's."""

    def draw(self, arms):
        from matplotlib import pyplot

        return pyplot.figure()
