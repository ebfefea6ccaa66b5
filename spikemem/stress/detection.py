"""Signal detection: d', bias, area under the ROC, and yes/no answers from familiarity."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Quantities, Quantity, checked
from ..errors import DescriptionError, UnsupportedError

__all__ = ["bias", "d_prime", "roc_area"]

_Count = Annotated[float, Quantity(low=0.0)]
_Values = Annotated[ArrayLike, Quantities(infinite=True, shape=("n",))]


@checked
def d_prime(hits: _Count, n_studied: _Count, false_alarms: _Count, n_novel: _Count) -> float:
    """Sensitivity d' from counts, with the log-linear correction.

    Parameters
    ----------
    hits, n_studied : float
        Yes answers to studied items, and number of studied items.
    false_alarms, n_novel : float
        Yes answers to novel items, and number of novel items.

    Returns
    -------
    float
        z((hits + 0.5) / (n_studied + 1)) - z((false_alarms + 0.5) / (n_novel + 1)).

    Raises
    ------
    DescriptionError
        More yes answers than items, or negative counts.

    References
    ----------
    M. J. Hautus, "Corrections for extreme proportions and their biasing effects on estimated
    values of d'", Behavior Research Methods, Instruments, & Computers 27, 46-51 (1995).

    Examples
    --------
    >>> round(d_prime(20, 25, 10, 25), 3)
    1.044
    """
    hit, false = _scores("d_prime", hits, n_studied, false_alarms, n_novel)
    return hit - false


@checked
def bias(hits: _Count, n_studied: _Count, false_alarms: _Count, n_novel: _Count) -> float:
    """Bias c from counts, with the log-linear correction; arguments as :func:`d_prime`.

    Returns
    -------
    float
        -(z(hit rate) + z(false-alarm rate)) / 2. Above 0 the answer "no" is more frequent.

    Raises
    ------
    DescriptionError
        More yes answers than items, or negative counts.

    References
    ----------
    N. A. Macmillan, C. D. Creelman, "Detection Theory: A User's Guide", 2nd edition, Erlbaum
    (2005), ch. 2.

    Examples
    --------
    >>> bias(20, 25, 5, 25)
    0.0
    """
    hit, false = _scores("bias", hits, n_studied, false_alarms, n_novel)
    return -(hit + false) / 2 + 0.0


def _scores(where: str, *counts: float) -> tuple[float, float]:
    from scipy.special import ndtri

    found = []
    names = ("hits", "n_studied"), ("false_alarms", "n_novel")
    for (yes, all_of), k, n in zip(names, counts[::2], counts[1::2], strict=True):
        if k > n:
            raise DescriptionError(f"{where}: {yes} must be at most {all_of}={n:g}, got {k:g}.")
        found.append(float(ndtri((k + 0.5) / (n + 1.0))))
    return found[0], found[1]


@checked
def roc_area(studied: _Values, novel: _Values) -> float:
    """Probability that a studied item is more familiar than a novel one; ties count one half.

    Parameters
    ----------
    studied, novel : array_like, shape (n,)
        Familiarity of studied and of novel items.

    Returns
    -------
    float
        From 0 to 1; 0.5 is chance. NaN if `studied` or `novel` is empty.

    Raises
    ------
    DescriptionError
        If a value is not a number, or is NaN.

    Examples
    --------
    >>> roc_area([2.0, 3.0], [1.0, 2.0])
    0.875
    """
    old, new = np.asarray(studied), np.sort(np.asarray(novel))
    if not old.size or not new.size:
        return float("nan")
    below = np.searchsorted(new, old, "left")
    upto = np.searchsorted(new, old, "right")
    return float((below + upto).sum() / (2.0 * old.size * new.size))


def said_studied(
    familiarity: NDArray[np.float64], n_studied: int, threshold: float | None, model: str
) -> NDArray[np.bool_]:
    """Return which probes a model calls studied, from their familiarity.

    Parameters
    ----------
    familiarity : ndarray of float64, shape (n_probes,)
        Familiarity of studied and novel items together.
    n_studied : int
        Number of probes that are studied items.
    threshold : float, optional
        Probes of at least this familiarity are called studied. Default: the threshold at which
        the number of yes answers is closest to `n_studied`; if two numbers are equally close, the
        smaller one. It is the threshold of an observer who knows how many items were studied, but
        not which ones.
    model : str
        Name of the model, for messages.

    Raises
    ------
    UnsupportedError
        If a probe has no familiarity.
    """
    if np.isnan(familiarity).any():
        raise UnsupportedError(
            f"stress: {model} gives no familiarity for {np.count_nonzero(np.isnan(familiarity))} "
            f"of {len(familiarity)} probes, so that nothing can be recognised."
        )
    if threshold is not None:
        return np.asarray(familiarity >= threshold)
    levels, counts = np.unique(familiarity, return_counts=True)
    yes = np.append(0, np.cumsum(counts[::-1]))
    cut = int(np.argmin(np.abs(yes - n_studied)))
    return np.asarray(familiarity >= levels[-cut]) if cut else np.zeros(len(familiarity), np.bool_)
