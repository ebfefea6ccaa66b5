"""Targets of memory tasks: NARMA-10, parity and delayed match-to-sample."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Quantities, checked
from ...errors import DescriptionError

__all__ = ["match_to_sample", "narma10", "parity"]

Values = Annotated[NDArray[np.float64], Quantities()]
"""Values of one sequence, shape (n_values,), or of several, shape (n_runs, n_values)."""

Digits = Annotated[NDArray[np.float64], Quantities(low=0.0, high=1.0)]
"""Binary sequences, shape (..., n_digits)."""


@checked
def narma10(values: Values) -> NDArray[np.float64]:
    """Return the NARMA-10 series of an input from 0 to 0.5; it starts with ten zeros.

    ``y(t+1) = 0.3 y(t) + 0.05 y(t) sum_{i=0}^{9} y(t-i) + 1.5 u(t-9) u(t) + 0.1``

    Parameters
    ----------
    values : array_like, shape (n_values,) or (n_runs, n_values)
        Input ``u``, from 0 to 0.5.

    Returns
    -------
    ndarray of float64, of the same shape
        ``y(t)`` depends on ``u`` up to ``t - 1``.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or the series grows without bound.

    References
    ----------
    A. F. Atiya, A. G. Parlos, "New results on recurrent network training", IEEE Transactions on
    Neural Networks 11 (2000) 697-709.
    """
    u = np.atleast_2d(values)
    if values.ndim not in (1, 2):
        raise DescriptionError(
            f"narma10: values must have shape (n_values,) or (n_runs, n_values), got "
            f"{values.shape}."
        )
    y = np.zeros(u.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(9, u.shape[1] - 1):
            past = y[:, t - 9 : t + 1].sum(axis=1)
            y[:, t + 1] = 0.3 * y[:, t] + 0.05 * y[:, t] * past + 1.5 * u[:, t - 9] * u[:, t] + 0.1
    if not np.all(np.abs(y) < 1e6):
        raise DescriptionError(
            "narma10: the series of these values grows without bound. Values must be from 0 to "
            "0.5; if they are, this happens rarely: draw new values."
        )
    return y.reshape(values.shape)


@checked
def parity(
    digits: Digits, n: Annotated[int, Count()], *, delay: Annotated[int, Count(low=0)] = 0
) -> NDArray[np.int64]:
    """Return the parity of the last `n` digits: 1 if an odd number of them is 1.

    Parameters
    ----------
    digits : array_like of 0 and 1, shape (..., n_digits)
        Binary sequences along the last axis.
    n : int
        Number of digits, including the present one.
    delay : int
        Number of later digits. The answer at `t` is the parity of the digits up to ``t - delay``.

    Returns
    -------
    ndarray of int64, shape (..., n_digits - n - delay + 1)
        The first entry is for the earliest time at which `n` digits are available.

    Raises
    ------
    DescriptionError
        If digits are not 0 and 1, or there are fewer than ``n + delay``.

    Examples
    --------
    >>> parity([0, 1, 1, 0, 1], 2).tolist(), parity([0, 1, 1, 0, 1], 2, delay=1).tolist()
    ([1, 0, 1, 1], [1, 0, 1])

    References
    ----------
    N. Bertschinger, T. Natschläger, "Real-time computation at the edge of chaos in recurrent neural
    networks", Neural Computation 16 (2004) 1413-1436. S. Khajehabdollahi et al., "Emergent
    mechanisms for long timescales depends on training curriculum and affects performance in memory
    tasks", ICLR (2024).
    """
    bits = _binary(digits, n + delay, "parity")
    windows = np.lib.stride_tricks.sliding_window_view(bits, n, axis=-1)
    parities = windows.sum(axis=-1) % 2
    return np.asarray(parities[..., : parities.shape[-1] - delay], dtype=np.int64)


@checked
def match_to_sample(digits: Digits, n: Annotated[int, Count(low=2)]) -> NDArray[np.int64]:
    """Return delayed match-to-sample (N-DMS): 1 if a digit equals the one ``n - 1`` before.

    Parameters
    ----------
    digits : array_like of 0 and 1, shape (..., n_digits)
        Binary sequences along the last axis.
    n : int
        Number of digits in the window, whose two ends are compared.

    Returns
    -------
    ndarray of int64, shape (..., n_digits - n + 1)

    Raises
    ------
    DescriptionError
        If digits are not 0 and 1, or there are fewer than `n`.

    Examples
    --------
    >>> match_to_sample([0, 1, 0, 0], 3).tolist()
    [1, 0]

    References
    ----------
    S. Khajehabdollahi et al., as in :func:`parity`.
    """
    bits = _binary(digits, n, "match_to_sample")
    return np.asarray(bits[..., n - 1 :] == bits[..., : 1 - n], dtype=np.int64)


def _binary(digits: NDArray[np.float64], least: int, where: str) -> NDArray[np.int64]:
    if not digits.ndim or not np.all((digits == 0) | (digits == 1)):
        raise DescriptionError(f"{where}: digits must be 0 and 1, shape (..., n_digits).")
    if digits.shape[-1] < least:
        raise DescriptionError(
            f"{where}: digits must have at least {least} values, got {digits.shape[-1]}."
        )
    return digits.astype(np.int64)
