"""Metrics of a classification beside accuracy and loss, by scikit-learn.

Those of two classes take class 1 as the positive one. Those that have no value, as the recall of a class without
examples, are NaN and left out of means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch

from evoplug import PluginError
from evoplug.contracts import ConfigError, Dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

BY_SUBJECT = "by-subject"


def beside_accuracy(headline: str, metrics: Iterable[str]) -> tuple[str, ...]:
    """What is to be computed beside accuracy and loss."""
    return tuple(dict.fromkeys(name for name in (headline, *metrics) if name != "accuracy"))


def misfits(names: Iterable[str], dataset: Dataset) -> Iterable[tuple[str, str]]:
    """(key, message) where the data set cannot have metrics of these names."""
    if BY_SUBJECT in names and not hasattr(dataset, "subjects_of"):
        yield "metrics", f"by-subject: `{type(dataset).__name__}` does not know whose its examples are"


def subjects(names: Iterable[str], dataset: Dataset, sizes: Mapping[str, int]) -> dict[str, Sequence[str]]:
    """Split -> whose each of its examples is; empty where no metric of these asks for it.

    Args:
        names: of metrics.
        dataset: one of which :func:`misfits` says nothing.
        sizes: split -> number of examples.

    Raises:
        ConfigError: if the data set does not know it.
        PluginError: if it does not say it of every example.
    """
    if BY_SUBJECT not in names:
        return {}
    found = {split: dataset.subjects_of(split) for split in sizes}  # type: ignore[attr-defined]
    for split, size in sizes.items():
        if found[split] is None:
            raise ConfigError("metrics", "by-subject: the data set was not told whose its examples are")
        if len(found[split]) != size:
            raise PluginError(
                f"{type(dataset).__name__}: subjects_of: {len(found[split]):,} of {size:,} {split} examples"
            )
    return found


def measured(
    names: Sequence[str], logits: torch.Tensor, labels: torch.Tensor, subjects: Sequence[str] = ()
) -> dict[str, torch.Tensor]:
    """metric -> ``(k,)`` float64, on the CPU: of k networks. All of one that has a logit that is not finite are NaN.

    ``f1`` is the mean of the classes' by their examples, ``f1.macro`` the plain one. ``sensitivity`` and
    ``specificity`` are those of class 1; of more than two classes, the plain means of each one's against the rest.
    ``auc`` is the area under the ROC curve; of more than two classes, the mean by their examples of each one's against
    the rest, by probabilities. ``by-class`` gives ``recall.CLASS`` and their plain mean ``recall``, ``by-subject``
    ``accuracy.subject.SUBJECT``, and of how many examples each is, ``accuracy.examples.SUBJECT``.

    Args:
        names: of metrics.
        logits: ``(k, n, classes)``, or ``(k, n, 1)`` of two classes: that of class 1, chosen above 0.
        labels: ``(n,)``.
        subjects: n, for ``by-subject``.
    """
    y = labels.cpu().numpy()
    rows = [_of_network(names, Answers(own, y, subjects)) for own in logits.double().cpu()]
    return {name: torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in rows[0]}


@dataclass(frozen=True)
class Answers:
    """What one network says of n examples."""

    logits: torch.Tensor
    """``(n, classes)`` or ``(n, 1)`` float64, on the CPU."""
    labels: NDArray
    """``(n,)``."""
    subjects: Sequence[str] = ()

    @property
    def classes(self) -> range:
        return range(max(2, self.logits.shape[1]))

    @cached_property
    def chosen(self) -> NDArray:
        """``(n,)``: classes."""
        if self.logits.shape[1] == 1:
            return (self.logits[:, 0] > 0).long().numpy()
        return self.logits.argmax(1).numpy()

    @cached_property
    def by_class(self) -> ByClass:
        from sklearn.metrics import precision_recall_fscore_support

        labels = list(self.classes)
        _, recalls, f1s, examples = precision_recall_fscore_support(
            self.labels, self.chosen, labels=labels, zero_division=math.nan
        )
        return ByClass(recalls, f1s, examples)


class ByClass(NamedTuple):
    """``(classes,)`` each; NaN where there is no value."""

    recalls: NDArray
    f1s: NDArray
    examples: NDArray


def _of_network(names: Iterable[str], answers: Answers) -> dict[str, float]:
    """metric -> value."""
    finite = bool(answers.logits.isfinite().all())
    if not finite:
        answers = Answers(torch.zeros_like(answers.logits), answers.labels, answers.subjects)
    found: dict[str, float] = {}
    for name in names:
        found |= _SEVERAL[name](answers) if name in _SEVERAL else {name: _ONE[name](answers)}
    return found if finite else dict.fromkeys(found, math.nan)


# ------------------------------------------------------------------------------------------------------- one by one


def _f1(answers: Answers) -> float:
    import numpy as np

    _, f1s, examples = answers.by_class
    there = examples > 0
    return float(np.average(f1s[there], weights=examples[there]))


def _f1_macro(answers: Answers) -> float:
    return _mean(answers.by_class.f1s)


def _sensitivity(answers: Answers) -> float:
    return _of_positive(answers.by_class.recalls)


def _specificity(answers: Answers) -> float:
    """Of those that are not of a class, how many are not taken to be."""
    import numpy as np
    from sklearn.metrics import multilabel_confusion_matrix

    tables = multilabel_confusion_matrix(answers.labels, answers.chosen, labels=list(answers.classes))
    right, wrong = tables[:, 0, 0], tables[:, 0, 1]
    with np.errstate(invalid="ignore"):  # where all are of one class
        return _of_positive(right / (right + wrong))


def _of_positive(values: NDArray) -> float:
    """That of class 1; of more classes than two, their mean."""
    return float(values[1]) if len(values) == 2 else _mean(values)


def _mean(values: NDArray) -> float:
    """Of those that have a value."""
    import numpy as np

    return float(np.nanmean(values))


def _auc(answers: Answers) -> float:
    import numpy as np
    from sklearn.metrics import roc_auc_score

    present = np.unique(answers.labels)
    if len(present) == 1:
        return math.nan
    logits = answers.logits
    if len(answers.classes) == 2:
        # Their difference, and no probability: those near 1 are told apart.
        scores = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        return float(roc_auc_score(answers.labels, scores.numpy()))
    against_rest = answers.labels[:, None] == present
    return float(roc_auc_score(against_rest, logits.softmax(1).numpy()[:, present], average="weighted"))


_ONE: Mapping[str, Callable[[Answers], float]] = {
    "f1": _f1,
    "f1.macro": _f1_macro,
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "auc": _auc,
}


# ---------------------------------------------------------------------------------------------------------- in parts


def _by_class(answers: Answers) -> dict[str, float]:
    recalls = answers.by_class.recalls
    return {"recall": _mean(recalls), **{f"recall.{label}": float(value) for label, value in enumerate(recalls)}}


def _by_subject(answers: Answers) -> dict[str, float]:
    import numpy as np

    names, whose, counts = np.unique(np.array(answers.subjects), return_inverse=True, return_counts=True)
    shares = np.bincount(whose, answers.chosen == answers.labels) / counts
    accuracies = {f"accuracy.subject.{name}": float(share) for name, share in zip(names, shares, strict=True)}
    return accuracies | {f"accuracy.examples.{name}": float(n) for name, n in zip(names, counts, strict=True)}


_SEVERAL: Mapping[str, Callable[[Answers], dict[str, float]]] = {"by-class": _by_class, BY_SUBJECT: _by_subject}
