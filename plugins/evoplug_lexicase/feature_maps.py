"""What trained networks make of one and the same image, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from matplotlib.figure import Figure

from evoplug import EvoplugError, build
from evoplug.analysis.plots import counted, mean_curve
from evoplug.contracts import Component, Model, Plot, dataclass
from evoplug.population.workers import one_thread
from evoplug_lexicase.representations import by_channel, effective_rank, represent
from evoplug_supervised import Images, data_folder

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]

IMAGES = 256
"""Of the test split, over which diversity is measured."""
ROWS, COLUMNS = 2, 8
"""Of maps beside the image."""
GAP = 0.08
"""Between maps, in their sides."""
ARMS = 6
"""What a page has room for."""
WIDTH, TITLE = 7.0, 0.3
"""Of the figure, and height of a title, in inches."""


@dataclass(kw_only=True)
class FeatureMaps(Plot):
    """Feature maps of one test image in the networks of all arms, and the effective rank of their representations.

    Shown are maps of the first convolution, before any normalisation, of the first run of each arm, each map on a scale
    of its own. How diverse representations are is said by the effective rank (Roy and Vetterli 2007), exp of the
    entropy of the singular values as shares of their sum: 1 where channels or features go up and down together, as many
    as there are where each varies on its own and as strongly as the others. It does not depend on the scale. Taken over
    256 test images, less the mean: of the channels that are shown, every place of every image being an observation, and
    of the features, which the last dense layer gets, every image being one. Of features, whose mean it leaves in, it is
    the number by which Garrido et al., "RankMe", ICML 2023, judge representations without labels.

    Drawn of networks with convolutions that were trained on images from files, by any strategy. Arms whose data or
    weights are not here are left out.
    """

    @one_thread()
    def draw(self, arms: Arms) -> Figure | None:
        convolutional = {arm: runs for arm, runs in arms.items() if _has_convolutions(runs[0])}
        images = next((each for runs in convolutional.values() if (each := _test_images(runs[0])) is not None), None)
        if images is None:
            return None
        shown = list(convolutional.items())[:ARMS]
        found = {arm: seen for arm, runs in shown if (seen := _of_runs(runs, images))}
        if not found:
            return None
        height = WIDTH * ROWS / (ROWS + COLUMNS) + TITLE
        figure = Figure(figsize=(WIDTH, height * len(found) + TITLE))
        rows = figure.subfigures(len(found), 1, squeeze=False)[:, 0]
        for row, (arm, seen) in zip(rows, found.items(), strict=True):
            said = f"{counted(arm, arms[arm])}, seed {arms[arm][0].seed}: effective rank {_ranks(seen)}"
            row.suptitle(said, x=0.01, ha="left", fontsize="medium")
            _draw(row, images[0], seen[0].maps)
        of_many = f"; {len(shown)} of {len(convolutional)} arms" if len(convolutional) > len(shown) else ""
        several = "; rank: mean ± standard deviation over runs" if max(len(seen) for seen in found.values()) > 1 else ""
        figure.supxlabel(f"maps from their least value, dark, to their largest{several}{of_many}", fontsize=8)
        return figure


class _Seen(NamedTuple):
    """In the network of one run."""

    maps: torch.Tensor
    """``(channels, height, width)``, of the image that is shown."""
    ranks: Mapping[str, tuple[float, int]]
    """Of what -> its effective rank, and how many there are."""


# -------------------------------------------------------------------------------------------------- what is in a run


def _has_convolutions(run: Run) -> bool:
    """Whether its solution is a trained network with some; False where it has no solution."""
    with suppress(EvoplugError):
        states = run.best.member.states
        weights = states[0].get("weights", {}) if states and states[0] else {}
        return any(weight.dim() == 4 for weight in weights.values())
    return False


def _test_images(run: Run) -> torch.Tensor | None:
    """``(n, channels, height, width)`` uint8, evenly spaced in the test split, as the files hold them."""
    with suppress(EvoplugError):
        dataset = _dataset(run)
        if isinstance(dataset, Images):
            test = dataset.checked(data_folder(dataset.root), "test")
            last = len(test.labels) - 1
            return cast(torch.Tensor, test.pixels[torch.linspace(0, last, min(IMAGES, last + 1)).long()])
    return None


def _dataset(run: Run) -> Component | None:
    """As the run had it; None where it had none."""
    table = run.config["evaluator"].get("dataset")
    if not isinstance(table, Mapping):
        return None
    given: dict[str, Any] = {name: run.seed if value == "run" else value for name, value in table.items()}
    return build("datasets", given.pop("use"), **given)


def _of_runs(runs: Sequence[Run], images: torch.Tensor) -> list[_Seen]:
    """Of all runs; empty where one of them cannot be looked into."""
    found = [_of_run(run, images) for run in runs]
    return [seen for seen in found if seen is not None] if None not in found else []


def _of_run(run: Run, images: torch.Tensor) -> _Seen | None:
    with suppress(EvoplugError):
        model = run.best.model
        if not isinstance(model, Model) or model.example.shape[1:] != images.shape[1:]:
            return None
        found = represent(model.module, images.to(model.example.dtype))
        if found is not None:
            rows = {"channels": by_channel(found.maps), "features": found.features}
            ranks = {what: (effective_rank(each), each.shape[1]) for what, each in rows.items() if each is not None}
            return _Seen(found.maps[0], ranks)
    return None


# ------------------------------------------------------------------------------------------------------------ drawing


def _ranks(seen: Sequence[_Seen]) -> str:
    """``5.3 ± 0.1 of 16 channels, 20.1 ± 1.2 of 64 features``."""
    said = []
    for what, (_, count) in seen[0].ranks.items():
        line = mean_curve([([0.0], [each.ranks[what][0]]) for each in seen])
        deviation = f" ± {line.deviation[0]:.1f}" if len(seen) > 1 else ""
        said.append(f"{line.mean[0]:.1f}{deviation} of {count} {what}")
    return ", ".join(said)


def _draw(row: SubFigure, image: torch.Tensor, maps: torch.Tensor) -> None:
    """The image, and the first of its maps beside it."""
    left, right = row.subplots(1, 2, width_ratios=(ROWS, COLUMNS))
    left.imshow(image.movedim(0, -1).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    right.imshow(_mosaic(maps[: ROWS * COLUMNS]), cmap="gray", interpolation="nearest")
    for axes in (left, right):
        axes.set_axis_off()


def _mosaic(maps: torch.Tensor) -> Any:
    """Some maps ``(k, height, width)`` as one image, each from 0 to 1; NaN where there is none."""
    count, height, width = maps.shape
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    scaled = (maps - low) / (high - low).where(high > low, 1)
    down, across = height + max(1, round(GAP * height)), width + max(1, round(GAP * width))
    whole = torch.full((ROWS * down, COLUMNS * across), torch.nan)
    for number in range(count):
        top, left = number // COLUMNS * down, number % COLUMNS * across
        whole[top : top + height, left : left + width] = scaled[number]
    return whole[: -(-count // COLUMNS) * down].numpy()
