"""Evaluating 1,000 networks of 92k weights: ours, batched products, a loop over networks, and the plain product.

python benchmarks/forward.py [--device cuda]
"""

from __future__ import annotations

import click
import torch
from leea import batched, weights
from timing import by_torch, interleaved, show
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from evoplug import Rng, Task
from evoplug.contracts import Network
from evoplug.population.forward import layout, map_outputs, parameters
from evoplug.population.workers import workers
from evoplug_supervised import losses
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.resnet import ResNet

POPULATION, SIDE = 1000, 2048
SECONDS = 7


@click.command(help=__doc__)
@click.option("--device", default="cpu", help="cpu or cuda")
def main(device: str) -> None:
    with workers("auto"), torch.inference_mode():
        chains(device)
        other_networks(device)


def chains(device: str) -> None:
    """A plain chain of layers, at several sizes of batch."""
    genotype = weights()
    genotype.bind(Task(input_shape=(1, 14, 14), outputs=10))
    template, genomes = genotype.template.to(device), genotype.sample(POPULATION, Rng(1, device))
    show(
        f"Evaluating {POPULATION:,} networks of {genotype.length:,} weights",
        ["batch", "ours, ms", "GFLOP/s", f"of a {SIDE}^3 product", "x bmm", "x baddbmm"],
        [chain(template, genomes, batch, device) for batch in (8, 64, 512, 1024)],
        "Losses included; biases are not counted as operations; x: how many times faster ours is",
    )


def chain(template: nn.Module, genomes: torch.Tensor, batch: int, device: str) -> list[str]:
    x, y = torch.randn(batch, 1, 14, 14, device=device), torch.randint(10, (batch,), device=device)
    a, b = torch.randn(2, SIDE, SIDE, device=device)
    timings = interleaved(
        {
            "product": by_torch(lambda: a @ b),
            "ours": lambda: evaluate(template, genomes, x, y),
            "bmm": by_torch(lambda: mean_losses(batched(template, genomes, x, add=False), y)),
            "baddbmm": by_torch(lambda: mean_losses(batched(template, genomes, x), y)),
        },
        SECONDS,
        device,
    )
    operations = 2 * genomes.numel() * batch
    of_product = operations / (2 * SIDE**3) * timings.ratio("product", "ours")
    return [
        f"{batch:,}", f"{1e3 * timings.median('ours'):.0f}", f"{operations / timings.median('ours') / 1e9:.0f}",
        f"{of_product:.2f}", f"{timings.ratio('bmm', 'ours'):.2f}", f"{timings.ratio('baddbmm', 'ours'):.2f}",
    ]  # fmt: skip


def other_networks(device: str) -> None:
    """Networks that are no plain chain of layers, against a loop of ``torch.func.functional_call``."""
    cases = [
        ("convnet 8-16, 14x14", ConvNet(channels=(8, 16)), (1, 14, 14), 100, 64),
        ("resnet-20, 32x32, no batch norm", ResNet(depth=20), (3, 32, 32), 4, 32),
    ]
    show(
        "Other networks, against a loop of functional_call",
        ["network", "population", "batch", "ours, ms", "loop, ms", "x loop"],
        [[name, *other_network(network, shape, n, batch, device)] for name, network, shape, n, batch in cases],
    )


def other_network(network: Network, shape: tuple[int, ...], n: int, batch: int, device: str) -> list[str]:
    template = without_statistics(network.build(shape, 10)).to(device).eval().requires_grad_(False)
    length = sum(weight.numel() for weight in template.parameters())
    genomes = 0.05 * torch.randn(n, length, device=device)
    x, y = torch.randn(batch, *shape, device=device), torch.randint(10, (batch,), device=device)
    laid_out = x.to(memory_format=layout(template, x))
    timings = interleaved(
        {
            "ours": lambda: evaluate(template, genomes, laid_out, y),
            "loop": by_torch(lambda: mean_losses(one_by_one(template, genomes, x), y)),
        },
        SECONDS,
        device,
    )
    milliseconds = [f"{1e3 * timings.median(variant):.0f}" for variant in ("ours", "loop")]
    return [f"{n}", f"{batch}", *milliseconds, f"{timings.ratio('loop', 'ours'):.2f}"]


def evaluate(template: nn.Module, genomes: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return map_outputs(template, genomes, x, lambda logits: losses.cross_entropy(logits, y).mean(-1))


def mean_losses(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    labels = y.expand(len(logits), -1)
    return cross_entropy(logits.mT, labels, reduction="none").mean(1)


def one_by_one(template: nn.Module, genomes: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    blocks = parameters(template, genomes)
    calls = ({name: block[row] for name, block in blocks.items()} for row in range(len(genomes)))
    return torch.stack([functional_call(template, weights, (x,)) for weights in calls])


def without_statistics(network: nn.Module) -> nn.Module:
    """Batch normalisation replaced: weights alone cannot hold running statistics."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return network


if __name__ == "__main__":
    main()
