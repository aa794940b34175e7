"""torch's optimizers, ready at once.

torch hides their methods from its compiler, and to do so imports all of the compiler when the first optimizer is made,
which takes nearly as long as importing torch. Nothing is compiled here: these are the methods as they are inside, and
give the same numbers.
"""

from __future__ import annotations

from inspect import unwrap

import torch
from torch.optim import Optimizer


class _Plain(Optimizer):
    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)


class SGD(_Plain, torch.optim.SGD):
    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class Adam(_Plain, torch.optim.Adam):
    step = torch.no_grad()(unwrap(torch.optim.Adam.step))
