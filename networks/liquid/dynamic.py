"""Dynamic synapses of Maass's liquid, as an extension of the backend "brian2"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Each, MappingOf, Name, NameOf, Quantity, check_fields, checked
from ...errors import UnsupportedError
from ...frozen import Frozen
from ...limits import require_memory
from ...streams import Seed, own_seed, stream

__all__ = ["DYNAMICS", "DynamicSynapses"]

DYNAMICS: dict[str, tuple[float, float, float]] = {
    "EE": (0.5, 1.1, 0.05),
    "EI": (0.05, 0.125, 1.2),
    "IE": (0.25, 0.7, 0.02),
    "II": (0.32, 0.144, 0.06),
}
"""Means of U, D (s) and F (s) for each kind of synapse (Markram, Wang & Tsodyks 1998)."""

_SPREAD = 0.5

_CODE = """
gap = t_in_timesteps - earlier
resource = 1 + (resource * (1 - release) - 1) * exp(-gap / steps_D)
release = share_U + release * (1 - share_U) * exp(-gap / steps_F)
read = read * release * resource / mean_U
earlier = earlier + gap
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class DynamicSynapses(Frozen):
    """Short-term depression and facilitation, for ``simulate(network, extensions=[...])``.

    At the first spike, ``u = U`` and ``R = 1``. At each later spike, ``interval`` is the time since
    the spike before; R changes first, ``R = 1 + (R - u R - 1) exp(-interval / D)`` with the old u,
    and then ``u = U + u (1 - U) exp(-interval / F)``. The synapse transmits ``A u R``. The weights
    of a network are ``A`` times the mean of U. The static network, which every other backend runs,
    therefore has the mean response of rested synapses.

    Parameters
    ----------
    dynamics : mapping of str to (float, float, float)
        Means of U, D (s) and F (s) for each projection.
    seed : int or numpy.random.Generator
        Seed for the values of each synapse. Their standard deviation is half the mean; values that
        are not positive, and U above 1, are drawn again.

    Raises
    ------
    DescriptionError
        If a projection does not have three positive numbers.

    References
    ----------
    Markram, Wang, Tsodyks, PNAS 95 (1998) 5323-5328, equations 1 and 2; the values are those of
    Maass, Natschläger, Markram (2002).
    """

    dynamics: Annotated[
        Any, MappingOf(Name(), Each(Quantity(above=0.0), "numbers", least=3, most=3))
    ] = field(default_factory=lambda: dict(DYNAMICS))
    seed: Seed = 0

    name: ClassVar[str] = "dynamic synapses"

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "seed", own_seed(self.seed))

    def hooks(self, context: Any) -> Any:
        """Return the code and constants for the projections of the network that have synapses."""
        # The backend "brian2" calls this method, so that it is imported already.
        from ...backends.brian2.extensions import Hooks

        network = context.network
        names = [n for n in self.dynamics if n in network and network.count(n)]
        if not names:
            raise UnsupportedError(
                f"dynamic synapses: the network has none of the projections "
                f"{', '.join(self.dynamics)}."
            )
        parts = [self.drawn(name, network.count(name) // network.copies) for name in names]
        copies = [[np.tile(values, network.copies) for values in part] for part in parts]
        share, depress, facil = (np.concatenate(column) for column in zip(*copies, strict=True))
        sizes = [network.count(name) for name in names]
        per_step = 1000.0 / network.dt
        return Hooks(
            projections=names,
            code={"before_delivery": _CODE},
            constants={
                "share_U": share, "mean_U": np.repeat([self.dynamics[n][0] for n in names], sizes),
                "steps_D": depress * per_step, "steps_F": facil * per_step,
            },
            variables={"resource": 1.0, "release": 0.0, "earlier": -1e12},
        )  # fmt: skip

    @checked
    def drawn(
        self, name: Annotated[str, Name()], n: Annotated[int, Count(low=0)]
    ) -> list[NDArray[np.float64]]:
        """Draw U, D (s) and F (s) of the `n` synapses of a projection.

        Raises
        ------
        DescriptionError
            If the projection has no dynamics.
        """
        NameOf(self.dynamics, "projection").check(name, "DynamicSynapses.drawn: name")
        require_memory(24.0 * n, f"DynamicSynapses.drawn: n={n} synapses", "Draw fewer.")
        rng = stream(self.seed, "liquid", "dynamics", name)
        return [
            _positive(rng, mean, n, 1.0 if k == 0 else np.inf)
            for k, mean in enumerate(self.dynamics[name])
        ]


def _positive(rng: np.random.Generator, mean: float, n: int, most: float) -> NDArray[np.float64]:
    """Draw normal numbers above 0 and at most `most`, with a deviation of half their mean."""
    values = rng.normal(mean, _SPREAD * mean, n)
    while np.any(bad := (values <= 0) | (values > most)):
        values[bad] = rng.normal(mean, _SPREAD * mean, int(bad.sum()))
    return values
