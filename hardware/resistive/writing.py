"""Writes the weights of a network into resistive memory, and reads them back at any age."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Instance, MappingOf, Name, check_fields, checked
from ...errors import DescriptionError, Problems, UnsupportedError, unknown_name
from ...frozen import Short
from ...network import Network, Projection, Synapses
from ...streams import Seed
from .array import ProgrammedArray, Verify, program
from .compensation import drift_scale
from .devices.base import Array, Device
from .faults import Faults
from .kinds import Age, Compensation, Draw, Names, Scales, to_number
from .weight_mapping import WeightMapping

__all__ = ["Quality", "Written", "apply", "write"]


class Quality(NamedTuple):
    """Comparison of a projection's weights in devices with the target weights.

    Attributes
    ----------
    error : float
        Root mean square of the deviations, divided by that of the target weights.
    gain : float
        Slope of the regression of the weights on the target weights.
    clipped : float
        Fraction of the weights below 0 (for a plastic projection: below its w_min).
    above : float
        Fraction of the weights of a plastic projection above its w_max.
    fixed : float
        Fraction of the synapses whose weight cannot change, because a device is broken.
    accepted : float
        Fraction of the devices that met the tolerance of the write-verify loop.
    """

    error: float
    gain: float
    clipped: float
    above: float
    fixed: float
    accepted: float


class _Absent(NamedTuple):
    """Devices of a crossbar where the projection has no synapse."""

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    array: ProgrammedArray


@dataclass(frozen=True, eq=False)
class Written(Short):
    """A network whose weights are in programmed arrays; :func:`write` makes one.

    Parameters
    ----------
    ideal : Network
        The network with its target weights.
    device : Device
        Model of the devices.
    arrays : mapping of str to ProgrammedArray
        Array of each projection in devices, with weights of shape (n_synapses,).
    absent : mapping of str to tuple
        Indices and arrays of the devices without a synapse, for ``unconnected="hrs"``.
    negative : {"clip", "split"}
        Treatment of weights below 0; see :func:`write`.
    """

    ideal: Network
    device: Device
    arrays: Annotated[Mapping[str, ProgrammedArray], MappingOf(Name(), Instance(ProgrammedArray))]
    absent: Annotated[Mapping[str, _Absent], MappingOf(Name(), Instance(_Absent))]
    negative: Annotated[str, Choice("clip", "split")]

    def __post_init__(self) -> None:
        check_fields(self)
        problems = Problems("Written")
        for name, array in self.arrays.items():
            shape = (self.ideal.count(name),)
            if array.shape != shape:
                problems.add(
                    f"arrays[{name!r}] must have shape {shape} (n_synapses,), got {array.shape}"
                )
        problems.raise_if_any()

    @checked
    def network(
        self,
        time: Age | None = None,
        *,
        draw: Draw | None = 0,
        compensation: Compensation = "none",
    ) -> Network:
        """Return the network with the weights that the arrays have at an age.

        Parameters
        ----------
        time : float, optional
            Age of the arrays, s. Default: the first age for which the device is calibrated.
        draw : int or None
            Number of the read; its noise stays in the weights. None: no read noise.
        compensation : {"none", "global", "column"}
            Digital factor against drift. It restores the mean absolute weight of a projection
            ("global"), or of each post-synaptic cell ("column").

        Raises
        ------
        DescriptionError
            If the age is outside the calibrated ages, or the compensation is unknown.
        """
        age = self.device.first_age if time is None else self.device.check_time(time)
        changed: list[Projection] = []
        added: list[Projection] = []
        for name in self.arrays:
            own, extra = self._projection(name, self.weights(name, age, draw, compensation), age)
            changed.append(own)
            added += extra
            if name in self.absent:
                added += self._residues(name, age, draw)
        # Removed or added synapses make copies side by side unequal.
        equal = all(item.tiles % self.ideal.copies == 0 for item in [*changed, *added])
        copies = self.ideal.copies if equal else 1
        whole = self.ideal.replace(*changed, copies=copies)
        return Network(
            populations=whole.populations,
            projections=[*whole.projections, *added],
            dt=whole.dt,
            copies=copies,
        )

    @checked
    def weights(
        self,
        name: Annotated[str, Name()],
        time: Age,
        draw: Draw | None = 0,
        compensation: Compensation = "none",
    ) -> Array:
        """Return the weights of a projection as they are read, nA, shape (n_synapses,).

        They may be below 0.
        """
        array = self._array(name)
        weight = array.weights(time, draw)
        if compensation == "none":
            return weight
        columns = None if compensation == "global" else self.ideal.synapses(name).j
        return weight * drift_scale(array.weights(self.device.first_age), weight, columns)

    def _projection(
        self, name: str, weight: Array, time: float
    ) -> tuple[Projection, list[Projection]]:
        """Return a projection with new weights, and further projections that it needs."""
        projection = self.ideal.projection(name)
        if projection.plasticity is not None:
            return self._plastic(projection, weight)
        own = replace(projection, weight=np.maximum(weight, 0.0))
        below = weight < 0
        if self.negative == "clip" or not below.any():
            return own, []
        other = "inhibitory" if projection.receptor == "excitatory" else "excitatory"
        synapses = self.ideal.synapses(name)
        return own, [_list(f"{name} negative", projection, synapses, below, -weight, other)]

    def _plastic(
        self, projection: Projection, weight: Array
    ) -> tuple[Projection, list[Projection]]:
        """Return a plastic projection with its new weights; broken synapses become static."""
        rule = projection.plasticity
        assert rule is not None
        kept = np.clip(weight, rule.w_min, rule.w_max)
        broken = self.broken(projection.name)
        if not broken.any():
            return replace(projection, weight=kept), []
        if projection.tiles > 1 and rule.last_tile >= 0:
            raise UnsupportedError(
                f"projection {projection.name!r}: broken cells leave the tiles unequal, but its "
                f"plasticity windows name tiles; apply the device to each network before stacking."
            )
        synapses = self.ideal.synapses(projection.name)
        works = ~broken
        own = replace(
            projection, connector="list", i=synapses.i[works], j=synapses.j[works], tiles=1,
            weight=kept[works], delay=synapses.delay[works], allow_self=True,
        )  # fmt: skip
        stuck = broken & (weight > 0)
        if not stuck.any():
            return own, []
        name = f"{projection.name} fixed"
        return own, [_list(name, projection, synapses, stuck, weight, projection.receptor)]

    def _array(self, name: str) -> ProgrammedArray:
        if name not in self.arrays:
            raise DescriptionError(
                f"Written: {unknown_name('projection in devices', name, self.arrays)}"
            )
        return self.arrays[name]

    @checked
    def broken(self, name: Annotated[str, Name()]) -> NDArray[np.bool_]:
        """Return a mask of the synapses whose weight cannot change, because a device is broken.

        Raises
        ------
        DescriptionError
            If the projection was not written into devices.
        """
        array = self._array(name)
        if array.fixed is None:
            return np.zeros(array.shape, dtype=np.bool_)
        stuck = ~np.isnan(array.fixed)
        readout = array.mapping.readout(array.w_max, array.device.g_min, array.device.g_max)
        # A subtracted device that is stuck at g_min does no harm: g_min is its target.
        idle = (readout.factors < 0).reshape(-1, *(1,) * len(array.shape))
        harmless = idle & (array.fixed == array.device.g_min)
        return np.asarray((stuck & ~harmless).any(axis=0))

    def _residues(self, name: str, time: float, draw: int | None) -> list[Projection]:
        """Return static projections with the weights of the devices without a synapse."""
        cells = self.absent[name]
        weight = cells.array.weights(time, draw)
        projection = self.ideal.projection(name)
        delay = np.broadcast_to(np.max(projection.delay), weight.shape)
        synapses = Synapses(cells.i, cells.j, weight, delay)
        residues = []
        if (weight > 0).any():
            residues.append(
                _list(f"{name} hrs", projection, synapses, weight > 0, weight, projection.receptor)
            )
        if self.negative == "split" and (weight < 0).any():
            other = "inhibitory" if projection.receptor == "excitatory" else "excitatory"
            residues.append(
                _list(f"{name} hrs negative", projection, synapses, weight < 0, -weight, other)
            )
        return residues

    @checked
    def report(
        self,
        time: Age | None = None,
        *,
        draw: Draw | None = 0,
        compensation: Compensation = "none",
    ) -> dict[str, Quality]:
        """Compare the weights of each projection with its target weights.

        For the arguments see :meth:`network`.
        """
        age = self.device.first_age if time is None else self.device.check_time(time)
        qualities = {}
        for name, array in self.arrays.items():
            wanted, got = (
                self.ideal.synapses(name).weight,
                self.weights(name, age, draw, compensation),
            )
            rule = self.ideal.projection(name).plasticity
            low, high = (0.0, np.inf) if rule is None else (rule.w_min, rule.w_max)
            power = float(wanted @ wanted)
            qualities[name] = Quality(
                error=float(np.sqrt(((got - wanted) ** 2).sum() / power)) if power else np.nan,
                gain=float(wanted @ got) / power if power else np.nan,
                clipped=float((got < low).mean()),
                above=float((got > high).mean()),
                fixed=float(self.broken(name).mean()),
                accepted=array.accepted,
            )
        return qualities


def _list(
    name: str,
    like: Projection,
    synapses: Synapses,
    chosen: NDArray[np.bool_],
    weight: Array,
    receptor: Any,
) -> Projection:
    """Return chosen synapses of a projection as a static list."""
    return Projection(
        name=name, pre=like.pre, post=like.post, i=synapses.i[chosen], j=synapses.j[chosen],
        weight=weight[chosen], delay=synapses.delay[chosen], receptor=receptor,
    )  # fmt: skip


@checked
def write(
    device: Device,
    network: Network,
    *,
    projections: Names | None = None,
    seed: Seed = 0,
    mapping: WeightMapping | None = None,
    w_max: Scales | None = None,
    faults: Faults | None = None,
    verify: Verify | None = None,
    unconnected: Annotated[str, Choice("absent", "hrs")] = "absent",
    negative: Annotated[str, Choice("clip", "split")] = "clip",
) -> Written:
    """Write the weights of a network into devices.

    Parameters
    ----------
    device : Device
        Model of the devices.
    network : Network
        Network whose weights are written.
    projections : sequence of str, optional
        Names of the projections to write. Default: all that have synapses.
    seed : int or Generator
        Seed of the arrays. The same int gives the same arrays; the array of one projection does
        not depend on the others.
    mapping : WeightMapping, optional
        Conversion of weights to conductances. Default: one differential pair for each weight.
    w_max : float or mapping of str to float, optional
        Weight of the largest conductance, nA. Default: the largest weight of the projection, or
        the w_max of its plasticity.
    faults : Faults, optional
        Fractions of broken devices and lines. A plastic synapse with a broken device is removed
        from the plastic projection; if the device conducts, the synapse becomes a static one in
        "<name> fixed".
    verify : Verify, optional
        Write-verify loop. Default: each device is written once.
    unconnected : {"absent", "hrs"}
        Device where a projection has no synapse: "absent" is no device; "hrs" is a device in its
        high-resistance state, whose noise becomes synapses of "<name> hrs".
    negative : {"clip", "split"}
        Treatment of weights that noise brings below 0: "clip" sets them to 0
        (:meth:`Written.report` counts them), and "split" moves them into "<name> negative" with
        the other receptor. Weights of plastic projections are always clipped to their range.

    Raises
    ------
    DescriptionError
        If a projection is unknown or has no synapses, a scale is unknown or too small, or the
        device cannot be written.
    """
    names = _chosen(network, projections)
    if isinstance(w_max, Mapping):
        for name in w_max:
            network.projection(name)  # Raises if the name is unknown.
    seed = to_number(seed)
    arrays, absent = {}, {}
    options: dict[str, Any] = {"mapping": mapping, "seed": seed, "faults": faults, "verify": verify}
    for name in names:
        synapses = network.synapses(name)
        scale = _scale(network.projection(name), w_max)
        arrays[name] = program(
            device, synapses.weight, w_max=scale, name=name, rows=synapses.i, columns=synapses.j,
            **options,
        )  # fmt: skip
        if unconnected == "hrs":
            i, j = _unconnected(network, name)
            if i.size:
                array = program(
                    device, np.zeros(i.size), w_max=arrays[name].w_max, name=f"{name} hrs",
                    rows=i, columns=j, **options,
                )  # fmt: skip
                absent[name] = _Absent(i, j, array)
    return Written(network, device, arrays, absent, negative)


@checked
def apply(
    device: Device,
    network: Network,
    *,
    time: Age | None = None,
    draw: Draw | None = 0,
    compensation: Compensation = "none",
    **options: Any,
) -> Network:
    """Return the network with its weights written into devices and aged.

    Parameters
    ----------
    device, network, **options
        See :func:`write`.
    time, draw, compensation
        See :meth:`Written.network`.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8, contents={0: [1, 2]}).build([sm.RecallCue(0)])
    >>> noisy = sm.hardware.resistive.PCM().apply(network, time=3600.0)
    >>> noisy.n_neurons == network.n_neurons
    True
    """
    return write(device, network, **options).network(time, draw=draw, compensation=compensation)


def _chosen(network: Network, projections: Iterable[str] | None) -> list[str]:
    if projections is None:
        return [item.name for item in network.projections if network.count(item.name)]
    names = list(projections)
    for name in names:
        if not network.count(name):
            raise DescriptionError(
                f"projections: {name!r} has no synapses, so that nothing can be written; leave it "
                f"out."
            )
    return names


def _scale(projection: Projection, w_max: float | Mapping[str, float] | None) -> float:
    rule = projection.plasticity
    scale = w_max.get(projection.name) if isinstance(w_max, Mapping) else w_max
    if scale is None:
        scale = float(np.max(projection.weight)) if rule is None else rule.w_max
    if scale <= 0:
        raise DescriptionError(
            f"projection {projection.name!r}: all weights are 0 nA, so that their scale is "
            f"unknown; pass w_max={{{projection.name!r}: ...}} or leave it out of projections."
        )
    return float(scale)


def _unconnected(network: Network, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the pairs of cells, within each tile, that the projection does not connect."""
    projection, synapses = network.projection(name), network.synapses(name)
    if np.size(synapses.delay) and np.ptp(synapses.delay) > 0:
        raise DescriptionError(
            f"projection {name!r}: its delays differ, so that the delay of devices without a "
            f"synapse is unknown; use unconnected='absent'."
        )
    tiles = projection.tiles
    n_pre = network.population(projection.pre).size // tiles
    n_post = network.population(projection.post).size // tiles
    free = np.ones((tiles, n_pre, n_post), dtype=np.bool_)
    free[synapses.i // n_pre, synapses.i % n_pre, synapses.j % n_post] = False
    tile, i, j = np.nonzero(free)
    return (tile * n_pre + i).astype(np.int32), (tile * n_post + j).astype(np.int32)
