"""Draws the race of a competitive module."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from ...checks import AnyValue, Count, Instance, checked
from ...errors import DescriptionError
from ...network import Network
from ...plotting import COLORS, new_panels, title
from ...plotting.kinds import Axes
from ...recording import Recording
from ...simulation import simulate
from .lowering import OnSpikes

__all__ = ["race_of_a_module"]

_Number = Annotated[int, Count(low=0)]


@checked
def race_of_a_module(
    model: Annotated[OnSpikes, Instance(OnSpikes)],
    image: Annotated[Any, AnyValue()],
    *,
    level: _Number = 0,
    mac: _Number = 0,
    module: _Number = 0,
) -> list[Axes]:
    """Draw how the cells of a module race to their threshold in response to an image.

    Parameters
    ----------
    model : Sparsey
        Hierarchy that has learnt.
    image : array_like
        Image that activates the mac.
    level, mac, module : int
        Level, mac and module to draw.

    Returns
    -------
    list of Axes
        Potentials of the cells (top), and spikes of the inputs, cells and winners (bottom).

    Raises
    ------
    DescriptionError
        If the image is not valid or does not activate the mac, or the module does not exist.
    """
    where = "race_of_a_module"
    sizes = {"level": (level, len(model.levels))}
    if level < len(model.levels):
        chosen = model.levels[level]
        sizes |= {"mac": (mac, chosen.n_macs), "module": (module, chosen.n_modules)}
    for name, (value, size) in sizes.items():
        if value >= size:
            raise DescriptionError(f"{where}: {name} must be from 0 to {size - 1}, got {value}.")
    network = _recorded(model.build([image]), f"cells {level}")
    recording = simulate(network, backend="native")
    n = chosen.cells_per_module
    cells = (mac * chosen.n_modules + module) * n + np.arange(n)
    winners = recording[f"winners {level}"]
    is_own = np.isin(winners.ids, cells)
    reset = float(network.population(f"reset {level}").source.times[0])
    _, arrivals = _afferent_spikes(recording, model, level, mac)
    if not is_own.any() or not arrivals.size:
        raise DescriptionError(f"{where}: image must make mac {mac} of level {level} active.")
    start = float(arrivals.min())
    top, bottom = new_panels(7.0, 5.0, rows=2)
    winner = np.flatnonzero(np.isin(cells, winners.ids[is_own]))
    threshold = float(network.population(f"cells {level}").lif.v_thresh)
    _potentials(top, recording.traces[f"cells {level}", "v"][:, cells], winner, threshold)
    _spikes(bottom, recording, model, level, mac, cells)
    for ax in (top, bottom):
        ax.set_xlim(start - 2.0, reset + 7.0)
        ax.axvline(reset + _delay(network, level), color="0.6", lw=0.8, ls=":")
    bottom.set_xlabel("time (ms)")
    title(top, f"race of module {module} of mac {mac}, level {level}: K = {n}")
    return [top, bottom]


def _recorded(network: Network, name: str) -> Network:
    """Return the network with the potentials of one population recorded."""
    changed = [
        replace(item, record=("spikes", "v")) if item.name == name else item
        for item in network.populations
    ]
    return Network(populations=changed, projections=network.projections, dt=network.dt)


def _delay(network: Network, level: int) -> float:
    return float(np.max(network.projection(f"restart {level}").delay))


def _afferent_spikes(recording: Recording, model: OnSpikes, level: int, mac: int) -> Any:
    """Return the spikes of the inputs of a mac: indices among its afferents, and times."""
    trains = recording["inputs" if level == 0 else f"relays {level - 1}"]
    afferent = model.afferents(level, mac)
    selected = np.isin(trains.ids, afferent)
    return np.searchsorted(afferent, trains.ids[selected]), trains.times[selected]


def _potentials(ax: Axes, values: Any, winner: Any, threshold: float) -> None:
    times = np.arange(len(values))
    for k in range(values.shape[1]):
        wins = k in winner
        ax.plot(times, values[:, k], color=COLORS[1] if wins else "0.55",
                lw=1.8 if wins else 0.8, zorder=3 if wins else 2)  # fmt: skip
    ax.axhline(threshold, color="0.3", lw=0.8, ls="--")
    ax.text(0.995, threshold, "threshold", transform=ax.get_yaxis_transform(), ha="right",
            va="bottom", fontsize=8, color="0.3")  # fmt: skip
    rest = float(values[0, 0])
    span = threshold - rest
    ax.set(ylabel="potential (mV)", ylim=(rest - 2.0 * span, threshold + 0.35 * span))


def _spikes(ax: Axes, recording: Recording, model: OnSpikes, level: int, mac: int,
            cells: Any) -> None:  # fmt: skip
    """Draw the spikes of inputs, racing cells and winners, each in its own band."""
    rows, times = _afferent_spikes(recording, model, level, mac)
    n_rows = max(int(rows.max(initial=0)) + 1, 1)
    parts = [("inputs", rows / n_rows, times, "0.45")]
    for name, color in ((f"cells {level}", COLORS[0]), (f"winners {level}", COLORS[1])):
        trains = recording[name]
        selected = np.isin(trains.ids, cells)
        height = (trains.ids[selected] - cells[0]) / cells.size
        parts.append((name.split()[0], height, trains.times[selected], color))
    for band, (_, height, times, color) in enumerate(reversed(parts)):
        ax.plot(times, band + 0.1 + 0.8 * height, "|", ms=5, mew=1.2, color=color)
    ax.set_yticks([0.5, 1.5, 2.5], [name for name, *_ in reversed(parts)])
    ax.set_ylim(0, 3)
    ax.tick_params(axis="y", length=0)
