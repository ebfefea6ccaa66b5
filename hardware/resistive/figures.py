"""Plots of devices: distributions, ageing, errors over time, and maps of a crossbar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...checks import Count, Each, Instance, Kind, Name, Quantities, checked
from ...errors import DescriptionError, shown
from ...plotting import COLORS, new_axes, plain, title
from ...plotting.axes import LINE, MAP, SMALL, WRONG, color_bar, tidy, whole_ticks
from ...units import to_int
from .array import ProgrammedArray, program
from .crossbar import Crossbar
from .devices.base import DAY, YEAR, Device
from .kinds import Age, SomeAxes
from .weight_mapping import SingleDevice

__all__ = ["ageing", "conductances", "crossbar_map", "error_against_time"]

_TICKS = {"1 s": 1.0, "1 min": 60.0, "1 h": 3600.0, "1 day": DAY, "30 d": 30 * DAY, "1 year": YEAR}

_Targets = Annotated[int, Count(high=len(COLORS))]


@dataclass(frozen=True)
class _Crossbars(Kind):
    """One crossbar, or a sequence of at least one."""

    def check(self, value: Any, where: str) -> tuple[Crossbar, ...]:
        """Return a tuple of crossbars."""
        several = (value,) if isinstance(value, Crossbar) else value
        return Each(Instance(Crossbar), "crossbars", least=1).check(several, where)


@checked
def conductances(
    device: Device,
    time: Age | None = None,
    *,
    targets: _Targets = 5,
    n: Annotated[int, Count(high=10**8)] = 20_000,
    seed: Annotated[int, Count(low=0, high=2**63)] = 0,
    ax: SomeAxes | None = None,
) -> SomeAxes:
    """Plot the distribution of conductances for several targets, with read noise.

    Parameters
    ----------
    device : Device
        Model of the devices.
    time : float, optional
        Age, s. Default: the first age for which the device is calibrated.
    targets : int
        Number of targets, from g_min to g_max.
    n : int
        Number of devices for each target.
    seed : int
        Seed of the devices.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in. Default: a new figure.
    """
    age = _device(device, "conductances").first_age if time is None else device.check_time(time)
    axes = _axes(ax)
    levels = np.linspace(device.g_min, device.g_max, targets)
    for k, target in enumerate(levels):
        share = np.full(n, (target - device.g_min) / (device.g_max - device.g_min))
        array = program(device, share, w_max=1.0, mapping=SingleDevice(), seed=seed + k)
        values = array.read(age)[0]
        axes.hist(values, bins=80, density=True, histtype="stepfilled", alpha=0.45,
                  color=COLORS[k])  # fmt: skip
        axes.axvline(target, color=COLORS[k], linewidth=LINE, linestyle="--")
    axes.set_xlabel("conductance (µS); dashed: target")
    axes.set_ylabel("density (1/µS)")
    title(axes, f"{device.name} after {_written_out(age)}")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1e-3)
    return tidy(axes)


@checked
def ageing(
    device: Device,
    *,
    targets: _Targets = 5,
    n: Annotated[int, Count(high=10**8)] = 2000,
    seed: Annotated[int, Count(low=0, high=2**63)] = 0,
    ax: SomeAxes | None = None,
) -> SomeAxes:
    """Plot mean and standard deviation of conductances over age.

    Parameters
    ----------
    device, targets, n, seed, ax
        See :func:`conductances`.
    """
    times = _times(_device(device, "ageing"))
    axes = _axes(ax)
    levels = np.linspace(device.g_min, device.g_max, targets)
    for k, target in enumerate(levels):
        share = np.full(n, (target - device.g_min) / (device.g_max - device.g_min))
        array = program(device, share, w_max=1.0, mapping=SingleDevice(), seed=seed + k)
        values = np.array([array.read(time)[0] for time in times])
        mean, sd = values.mean(axis=1), values.std(axis=1)
        axes.plot(times, mean, color=COLORS[k], label=f"{target:.3g} µS")
        axes.fill_between(times, mean - sd, mean + sd, color=COLORS[k], alpha=0.25, linewidth=0)
    _time_axis(axes, times)
    axes.set_ylabel("conductance (µS), mean ± SD")
    title(axes, device.name)
    axes.legend(title="target", fontsize=SMALL, title_fontsize=SMALL, loc="upper left",
                bbox_to_anchor=(1.0, 1.0), frameon=False)  # fmt: skip
    return tidy(axes)


@checked
def error_against_time(
    crossbars: Annotated[Sequence[Crossbar], _Crossbars()],
    x: Annotated[Any, Quantities(shape=(None, None))],
    *,
    labels: Annotated[Sequence[str], Each(Name(), "names")] | None = None,
    ax: SomeAxes | None = None,
) -> SomeAxes:
    """Plot the relative error of products over age; the age of the crossbars is unchanged.

    Parameters
    ----------
    crossbars : Crossbar or sequence of Crossbar
        Crossbars to compare.
    x : array_like, shape (n_vectors, n_in)
        Input vectors.
    labels : sequence of str, optional
        One label for each crossbar. Default: the names of their devices.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in. Default: a new figure.
    """
    names = [bar.array.device.name for bar in crossbars] if labels is None else labels
    if len(names) != len(crossbars):
        raise DescriptionError(
            f"error_against_time: labels must have one entry for each crossbar, got "
            f"{len(names)} labels and {len(crossbars)} crossbars."
        )
    axes, shown_times = _axes(ax), []
    for k, (bar, name) in enumerate(zip(crossbars, names, strict=True)):
        device, now = bar.array.device, bar.time
        times = _times(device)
        shown_times += list(times)
        if x.shape[1] != bar.shape[0]:
            raise DescriptionError(
                f"error_against_time: x must have shape (n_vectors, {bar.shape[0]}), got {x.shape}."
            )
        exact = x @ bar.array.wanted()
        errors = [
            np.linalg.norm(bar.age(time).matvec(x) - exact) / np.linalg.norm(exact)
            for time in times
        ]
        bar.age(now)
        axes.plot(times, errors, marker=".", color=COLORS[k % len(COLORS)], label=plain(name))
    _time_axis(axes, np.array(sorted(set(shown_times))))
    axes.set_ylabel("relative error of a product")
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize=SMALL, frameon=False)
    return tidy(axes)


@checked
def crossbar_map(
    matrix: Annotated[Crossbar | ProgrammedArray, Instance(Crossbar, ProgrammedArray)],
    time: Age | None = None,
    *,
    device: Annotated[int, Count(low=0)] = 0,
    ax: SomeAxes | None = None,
) -> SomeAxes:
    """Plot the conductances of one plane of devices; broken devices are crossed out.

    Parameters
    ----------
    matrix : Crossbar or ProgrammedArray
        Matrix in devices.
    time : float, optional
        Age, s. Default: the age of the crossbar, or the first calibrated age of an array.
    device : int
        Number of the device of each weight, from 0.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in. Default: a new figure.
    """
    array = matrix.array if isinstance(matrix, Crossbar) else matrix
    now = matrix.time if isinstance(matrix, Crossbar) else array.device.first_age
    age = now if time is None else time
    if len(array.shape) != 2:
        raise DescriptionError(f"crossbar_map: needs a matrix, got weights of shape {array.shape}.")
    plane = to_int(device, "device", low=0, high=array.mapping.n_devices - 1)
    axes = _axes(ax, 4.2)
    values = array.conductances(age)[plane]
    picture = axes.imshow(values, cmap=MAP, aspect="auto", interpolation="nearest",
                          vmin=0.0, vmax=array.device.g_max)  # fmt: skip
    if array.fixed is not None:
        rows, columns = np.nonzero(~np.isnan(array.fixed[plane]))
        axes.plot(columns, rows, linestyle="none", marker="x", markersize=4, color=WRONG,
                  label=f"{rows.size} broken")  # fmt: skip
        axes.legend(fontsize=SMALL, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False)
    color_bar(axes, picture, "conductance (µS)")
    whole_ticks(axes)
    axes.set_xlabel("output")
    axes.set_ylabel("input")
    return axes


def _device(device: Any, where: str) -> Device:
    if not isinstance(device, Device) or not device.writable:
        raise DescriptionError(f"{where}: needs a device that can be written, got {shown(device)}.")
    return device


def _times(device: Device) -> Any:
    first, last = max(device.first_age, 1.0), device.ages[1]
    if last < 1.0:
        raise DescriptionError(
            f"{device.name}: its ageing was not measured, so that there is nothing to plot."
        )
    return np.geomspace(first, min(last, YEAR), 25)


def _written_out(time: float) -> str:
    for text, seconds in reversed(_TICKS.items()):
        if np.isclose(time, seconds):
            return text
    return f"{time:g} s"


def _time_axis(axes: SomeAxes, times: Any) -> None:
    axes.set_xscale("log")
    ticks = {text: t for text, t in _TICKS.items() if times[0] * 0.99 <= t <= times[-1] * 1.01}
    axes.set_xticks(list(ticks.values()), list(ticks))
    axes.minorticks_off()
    axes.set_xlabel("age")


def _axes(ax: SomeAxes | None, height: float = 3.2) -> SomeAxes:
    return new_axes(6.0, height) if ax is None else ax
