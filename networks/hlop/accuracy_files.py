"""Rows of an accuracy matrix: checks, and conversion to and from files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, StorageError, shown
from ...files import NotRegular, open_regular

__all__ = ["FORMAT", "accuracy_array", "csv_table", "plain_row", "read_facts", "row_from_plain"]

FORMAT = "spikemem accuracy matrix 1"
"""Name of the format in a file."""

_LARGEST_FILE = 50_000_000

_Matrix = TypeVar("_Matrix")


def accuracy_array(value: Any, where: str, n_axes: int) -> NDArray[np.float64]:
    """Return a read-only array of accuracies; NaN is allowed."""
    try:
        array = np.array(value, dtype=np.float64)
        plain = np.asarray(value).dtype.kind in "biuf" or not array.size
    except (TypeError, ValueError, OverflowError):
        plain = False
    if not plain:
        raise DescriptionError(f"{where} must be an array of numbers, got {shown(value)}.")
    if array.ndim != n_axes:
        text = "(n_learnt, n_tasks)" if n_axes == 2 else "(n_tasks,)"
        raise DescriptionError(f"{where} must have shape {text}, got {array.shape}.")
    wrong = ~np.isnan(array) & ~((array >= 0) & (array <= 1))
    if wrong.any():
        raise DescriptionError(
            f"{where} must hold fractions from 0 to 1, or NaN where nothing was measured, got "
            f"{array[wrong][0]:g}."
        )
    array.flags.writeable = False
    return array


def plain_row(row: NDArray[np.float64]) -> list[float | None]:
    """Return accuracies for JSON, with None for NaN."""
    return [None if np.isnan(value) else float(value) for value in row]


def row_from_plain(row: Any) -> list[float]:
    """Return accuracies from JSON, with NaN for None."""
    return [float("nan") if value is None else value for value in row]


def csv_table(
    order: Sequence[int], rows: NDArray[np.float64], baseline: NDArray[np.float64] | None
) -> str:
    """Return a matrix as a CSV table, with one row for each learnt task."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["learnt", *(f"task {task}" for task in range(rows.shape[1]))])
    if baseline is not None:
        table.writerow(["none", *_cells(baseline)])
    for task, row in zip(order, rows, strict=True):
        table.writerow([task, *_cells(row)])
    return text.getvalue()


def _cells(row: NDArray[np.float64]) -> list[str]:
    return ["" if np.isnan(value) else f"{value:.6g}" for value in row]


def read_facts(path: Path, make: Callable[[Any], _Matrix]) -> _Matrix:
    """Return the matrix that `make` returns for the facts in a JSON file.

    Raises
    ------
    StorageError
        If there is no such file, or it does not hold a matrix.
    """
    where = f"AccuracyMatrix.load: cannot read {str(path)!r}"
    try:
        with open_regular(path) as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise ValueError("it is too large")
        facts = json.loads(content)
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise ValueError("it is not a matrix written by spikemem")
        return make(facts)
    except NotRegular as error:
        raise StorageError(f"{where}: it is {error}.") from error
    except OSError as error:
        raise StorageError(f"{where}: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(f"{where}: {str(error).rstrip('.')}.") from error
