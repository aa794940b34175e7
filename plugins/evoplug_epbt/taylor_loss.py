"""The TaylorGLO parameterisation of loss functions (Gonzalez and Miikkulainen, 2020), as in EPBT, equation 1."""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial

import torch
from torch.nn.functional import one_hot


def terms(order: int) -> Iterator[tuple[int, int]]:
    """(power of the label, power of the prediction) of each term, in the order of theta2, theta3, ...

    Terms without the prediction have no gradient and are left out.
    """
    return ((i, j) for i in range(order) for j in range(1, order - i + 1))


def length(order: int) -> int:
    """How many parameters: the two centres, and a coefficient a term. ``length(3)`` is 8."""
    return 2 + order * (order + 1) // 2


class TaylorLoss:
    """The Taylor polynomial of some order about (theta0, theta1) in the label x and the prediction y, equation 1.

    With x one-hot, y = softmax(logits), X = x - theta0, Y = y - theta1 and n classes, the loss of one example is ::

        -1/n sum_i [theta2 Y + theta3 Y^2/2 + theta4 Y^3/6 + theta5 XY + theta6 XY^2/2 + theta7 X^2 Y/2]

    for order 3: the term X^i Y^j comes with 1/(i! j!).

    Args:
        theta: ``(..., d)``, d = ``length(order)``: a loss function, or many.
    """

    def __init__(self, theta: torch.Tensor, order: int = 3) -> None:
        center_x, self.center_y, *thetas = theta.double().cpu()[..., None, None].unbind(-3)
        self.coefficients = torch.zeros(order, 2, *center_x.shape, dtype=torch.float64)
        """[j - 1, x]: ``(..., 1, 1)``, of Y^j, for a class whose label x is 0 or 1."""
        for (i, j), coefficient in zip(terms(order), thetas, strict=True):
            for x in (0, 1):
                self.coefficients[j - 1, x] += coefficient * (x - center_x) ** i / (factorial(i) * factorial(j))

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """``(..., n, classes)`` logits and ``(..., n)`` int64 labels to ``(..., n)`` losses."""
        y = logits.softmax(-1) - self.center_y.to(logits)
        is_label = one_hot(labels, logits.shape[-1]).bool()
        polynomial = torch.zeros_like(y)
        for no, yes in self.coefficients.to(logits).flip(0):
            polynomial = (polynomial + yes.where(is_label, no)) * y
        return -polynomial.mean(-1)
