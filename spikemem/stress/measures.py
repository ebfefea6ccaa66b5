"""Measures of the experiments: the catalogue, and the measures of recall and of cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError
from ..metrics import channel_information
from .answers import Answers
from .experiments.base import Measure
from .subject import Study, Subject, Task

__all__ = ["COSTS", "MEASURES", "RECALL", "Entry", "cost_outcome", "declared", "recall_outcome"]


class Entry(NamedTuple):
    """Definition of a measure."""

    kind: str
    """Kind of the measure; see :class:`.experiments.base.Measure`."""
    label: str
    unit: str
    """Unit; "1" for a number without a unit."""
    definition: str
    source: str = ""


_NEUROBENCH = (
    "J. Yik et al., The neurobench framework for benchmarking neuromorphic computing algorithms "
    "and systems, Nature Communications 16, 1545 (2025)"
)
_KNOBLAUCH = (
    "A. Knoblauch, G. Palm, F. T. Sommer, Memory capacities for synaptic and structural "
    "plasticity, Neural Computation 22, 289-341 (2010)"
)
_MACMILLAN = (
    "N. A. Macmillan, C. D. Creelman, Detection Theory: A User's Guide, 2nd edition, Erlbaum (2005)"
)
_HAUTUS = (
    "M. J. Hautus, Corrections for extreme proportions and their biasing effects on estimated "
    "values of d', Behavior Research Methods, Instruments, & Computers 27, 46-51 (1995)"
)
_WIXTED = (
    "J. T. Wixted, E. B. Ebbesen, On the form of forgetting, Psychological Science 2, 409-415 "
    "(1991)"
)

MEASURES: dict[str, Entry] = {
    "exact_recall": Entry(
        "proportion", "exact recall", "1", "Probes whose answer has no wrong bit, over all probes."
    ),
    "bit_errors": Entry(
        "mean", "bit errors", "1", "Bits that are missing or extra, over all bits of the answers."
    ),
    "precision": Entry(
        "mean", "precision", "1",
        "Active bits of the answers that belong to the item, over all active bits of the answers.",
    ),
    "bit_recall": Entry(
        "mean", "recall of bits", "1",
        "Active bits of the items that came back, over all active bits of the items.",
    ),
    "information": Entry(
        "mean", "information", "bit",
        "Mutual information of a stored and a recalled bit, from the two error rates of the trial, "
        "times the number of bits of all items that were studied. What the cues themselves tell "
        "is not subtracted.",
        _KNOBLAUCH,
    ),
    "information_per_synapse": Entry(
        "mean", "information per synapse", "bit",
        "Information, over the number of synapses that hold what is stored.", _KNOBLAUCH,
    ),
    "information_per_neuron": Entry(
        "mean", "information per neuron", "bit",
        "Information, over the number of neurons of the memory, inputs left out.", _KNOBLAUCH,
    ),
    "first_error": Entry(
        "mean", "probes before the first error", "probes",
        "Probes that were answered without a wrong bit before the first one that was not; all "
        "probes of a trial without an error, of which error_free is the share.",
    ),
    "error_free": Entry(
        "proportion", "trials without an error", "1", "Trials in which every answer was exact."
    ),
    "hits": Entry(
        "proportion", "hit rate", "1", "Studied items that were called studied.", _MACMILLAN
    ),
    "false_alarms": Entry(
        "proportion", "false-alarm rate", "1", "Novel items that were called studied.", _MACMILLAN
    ),
    "d_prime": Entry(
        "mean", "d'", "1",
        "z(hit rate) - z(false-alarm rate), with 0.5 added to each count of yes answers and 1 to "
        "each number of probes.",
        _HAUTUS,
    ),
    "bias": Entry(
        "mean", "bias c", "1",
        "-(z(hit rate) + z(false-alarm rate)) / 2, with the same correction; above 0 the model "
        "says no more often.",
        _MACMILLAN,
    ),
    "roc_area": Entry(
        "mean", "area under the ROC", "1",
        "Probability that a studied item is more familiar than a novel one; ties count one half.",
        _MACMILLAN,
    ),
    "exact_by_loss": Entry(
        "proportions", "exact recall", "1", "Exact recall, by the part of the cue that is missing."
    ),
    "bits_by_loss": Entry(
        "curve", "recall of bits", "1", "Recall of bits, by the part of the cue that is missing."
    ),
    "cue_loss": Entry("curve", "missing part of the cue", "1", "Active bits that a cue lacks."),
    "retained": Entry(
        "proportions", "items retained", "1",
        "Items that are answered right, by the number of items studied after them.", _WIXTED,
    ),
    "bits_by_lag": Entry(
        "curve", "recall of bits", "1", "Recall of bits, by the number of items studied since."
    ),
    "recalled_by_age": Entry(
        "proportions", "exact recall", "1", "Exact recall, by the number of newer items."
    ),
    "age": Entry("curve", "age (newer items)", "items", "Items that were new after an item."),
    "lag": Entry("curve", "lag (items studied since)", "items", "Items studied after an item."),
    "order_accuracy": Entry(
        "proportion", "order judged right", "1", "Pairs of which the model names the earlier item."
    ),
    "order_by_distance": Entry(
        "proportions", "order judged right", "1", "Order judged right, by distance in the list."
    ),
    "distance": Entry(
        "curve", "distance in the list (items)", "items", "Difference of the positions of a pair."
    ),
    "ideal_exact_recall": Entry(
        "proportion", "exact recall, ideal", "1", "Exact recall of the same trial without faults."
    ),
    "recall_lost": Entry(
        "mean", "exact recall lost", "1",
        "Exact recall of the same trial without faults, less that with them.",
    ),
    "ideal_bit_errors": Entry(
        "mean", "bit errors, ideal", "1", "Bit errors of the same trial without faults."
    ),
    "bit_errors_added": Entry(
        "mean", "bit errors added", "1",
        "Bit errors of a trial, less those of the same trial without faults.",
    ),
    "items_recalled": Entry("mean", "items recalled", "items", "Items that come back exactly."),
    "studies": Entry("mean", "studies", "studies", "Studies of a trial, repetitions included."),
    "recalled_per_study": Entry(
        "mean", "items recalled per study", "1", "Items that come back exactly, over all studies."
    ),
    "footprint": Entry(
        "mean", "footprint", "byte",
        "Memory that the model takes: synaptic weights, zero ones included, and the parameters and "
        "the state of its neurons.",
        _NEUROBENCH,
    ),
    "connection_sparsity": Entry(
        "mean", "connection sparsity", "1",
        "Zero weights over all weights: 0 for full connection, 1 for none.", _NEUROBENCH,
    ),
    "activation_sparsity": Entry(
        "mean", "activation sparsity", "1",
        "Neurons that do not fire in a time step, over all neurons and all steps: 1 for silence.",
        _NEUROBENCH,
    ),
    "synaptic_operations": Entry(
        "mean", "synaptic operations per memory operation", "1",
        "Effective accumulates: spikes that cross a synapse whose weight is not zero, on average "
        "over the memory operations of a trial.",
        _NEUROBENCH,
    ),
    "spikes": Entry(
        "mean", "spikes per memory operation", "1", "Spikes of a trial, over its memory operations."
    ),
    "duration": Entry(
        "mean", "model time per memory operation", "ms",
        "Simulated time of a trial, over its memory operations.",
    ),
    "energy": Entry(
        "mean", "energy per memory operation", "J",
        "Energy that the device estimates for a trial, over its memory operations.",
    ),
}  # fmt: skip
"""All measures of the experiments. A sweep adds wall time and CPU time."""

RECALL = (
    "exact_recall", "bit_errors", "precision", "bit_recall", "information",
    "information_per_synapse", "information_per_neuron", "first_error", "error_free",
)  # fmt: skip
"""Measures of :func:`recall_outcome`."""

_PER_OPERATION = ("synaptic_operations", "spikes", "duration", "energy")
COSTS = ("footprint", "connection_sparsity", "activation_sparsity", *_PER_OPERATION)
"""Measures of :func:`cost_outcome`."""


def declared(*names: str, **against: str) -> dict[str, Measure]:
    """Return measures of the catalogue in the form in which an experiment declares them.

    Parameters
    ----------
    *names : str
        Names in :data:`MEASURES`.
    **against : str
        For each curve, the name of the measure that holds its abscissa.
    """
    found = {}
    for name in names:
        entry = MEASURES[name]
        unit = "" if entry.unit in ("1", "items", "probes", "studies") else f" ({entry.unit})"
        found[name] = Measure(entry.kind, f"{entry.label}{unit}", against.get(name, ""))
    return found


def recall_outcome(
    subject: Subject, task: Task, answers: Answers
) -> dict[str, NDArray[np.float64]]:
    """Return the measures of recall of one trial, whose probes ask for studied items.

    Raises
    ------
    DescriptionError
        If answers have more active bits than bits.
    """
    n, right = len(answers), int(answers.right.sum())
    missing, extra = int(answers.missing.sum()), int(answers.extra.sum())
    n_bits = n * answers.n_bits
    if right + missing + extra > n_bits:
        raise DescriptionError(
            f"{type(subject).__name__}: {right + missing + extra} active bits of the items and "
            f"answers are more than the n_bits={answers.n_bits} of each of {n} answers."
        )
    bits = channel_information(n_bits, right, missing, extra) if n_bits else np.nan
    studied = len({event.item for event in task.script if isinstance(event, Study)})
    total = bits * _ratio(studied, n)
    wrong = np.flatnonzero(~answers.exact)
    values = {
        "exact_recall": (np.count_nonzero(answers.exact), n),
        "bit_errors": _ratio(missing + extra, n_bits),
        "precision": _ratio(right, right + extra),
        "bit_recall": _ratio(right, right + missing),
        "information": total,
        "information_per_synapse": _ratio(total, subject.n_synapses),
        "information_per_neuron": _ratio(total, subject.n_neurons),
        "first_error": wrong[0] if wrong.size else n,
        "error_free": (wrong.size == 0, 1),
    }
    return {name: np.asarray(value, np.float64) for name, value in values.items()}


def cost_outcome(task: Task, answers: Answers) -> dict[str, NDArray[np.float64]]:
    """Return the costs of one trial and the subject's own numbers.

    Costs per operation are means over the trial. A cost that the run does not measure is NaN.
    """
    operations = answers.costs.get("operations", len(task.script))
    found = {}
    for name in COSTS:
        value = answers.costs.get(name, np.nan)
        value = _ratio(value, operations) if name in _PER_OPERATION else value
        found[name] = np.asarray(value, np.float64)
    own = {name: np.asarray(value, np.float64) for name, value in answers.numbers.items()}
    return {**own, **found}


def _ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN if `whole` is 0."""
    return part / whole if whole else np.nan
