"""Access to the synapses, priorities and random numbers of a hierarchy."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, checked
from ...errors import DescriptionError
from ...limits import require_memory
from .hierarchy import Hierarchy
from .reading import afferent_cells, dense_weights, positions
from .selection import uniforms
from .state import Bundle

__all__ = ["Inspected"]

_Index = Annotated[int, Count(low=0)]
_KindName = Literal["bottom_up", "horizontal", "top_down"]


class Inspected(Hierarchy):
    """Base of :class:`.Sparsey`: access to weights, afferents, priorities and draws."""

    def _mac(self, level: int, mac: int, where: str) -> int:
        n_macs = self.levels[self._level(level, where)].n_macs
        if mac >= n_macs:
            raise DescriptionError(
                f"Sparsey.{where}: mac must be from 0 to {n_macs - 1}, got {mac}."
            )
        return mac

    def _bundle(self, level: int, kind: str) -> Bundle:
        bundle: Bundle = getattr(self._tower.states[level], kind)
        return bundle

    def _afferent_size(self, level: int, kind: str) -> tuple[int, int]:
        rules = self._tower.rules[level]
        return {
            "bottom_up": (rules.below_modules, rules.below_cells),
            "horizontal": (rules.n_modules, rules.cells),
            "top_down": (rules.above_modules, rules.above_cells),
        }[kind]

    @checked
    def weights(
        self, level: _Index, mac: _Index, kind: _KindName = "bottom_up"
    ) -> NDArray[np.float64]:
        """Return the weights of a mac, 0 to w_max: float64, shape (Q, K, n_afferents).

        Parameters
        ----------
        level, mac : int
            Level, from 0 for the lowest, and mac.
        kind : {"bottom_up", "horizontal", "top_down"}
            Kind of projections.

        Raises
        ------
        DescriptionError
            If there is no such mac.
        """
        self._mac(level, mac, "weights")
        rules, bundle = self._tower.rules[level], self._bundle(level, kind)
        dense = dense_weights(rules, bundle, mac, self.n_frames_learnt)
        dense = dense[:, positions(bundle, mac, *self._afferent_size(level, kind))]
        scale = 1.0 if rules.decay else rules.w_max
        return scale * dense.reshape(rules.n_modules, rules.cells, -1)

    @checked
    def afferents(
        self, level: _Index, mac: _Index, kind: _KindName = "bottom_up"
    ) -> NDArray[np.int64]:
        """Return the cells that project to a mac, in the order of :meth:`weights`, (n_afferents,).

        They are pixels, or cells ``(mac * Q + module) * K + cell`` of their level.

        Raises
        ------
        DescriptionError
            If there is no such mac.
        """
        self._mac(level, mac, "afferents")
        bundle = self._bundle(level, kind)
        return afferent_cells(bundle, mac, *self._afferent_size(level, kind))

    @checked
    def priorities(self, level: _Index) -> NDArray[np.float64]:
        """Return the priorities of cells in retrieval; of equally supported cells the highest wins.

        Returns
        -------
        float64, shape (n_macs, Q, K)
            Priorities from 0 to 1.

        Raises
        ------
        DescriptionError
            If there is no such level.
        """
        part = self.levels[self._level(level, "priorities")]
        shape = (part.n_macs, part.n_modules, part.cells_per_module)
        return self._tower.states[level].priority.reshape(shape).copy()

    @checked
    def draws(
        self, level: _Index, first: _Index, n_frames: Annotated[int, Count()]
    ) -> NDArray[np.float64]:
        """Return the random numbers of the draws of learning, shape (n_frames, n_macs, Q), 0 to 1.

        `first` counts all frames that the model learns, from 0; see
        :func:`~spikemem.networks.sparsey.selection.uniforms`.

        Raises
        ------
        DescriptionError
            If there is no such level, or the numbers do not fit into memory.
        """
        part = self.levels[self._level(level, "draws")]
        require_memory(24.0 * n_frames * part.n_macs * part.n_modules,
                       f"Sparsey.draws: the numbers of {n_frames} frames",
                       "Use fewer frames.")  # fmt: skip
        key = int(self._tower.states[level].key)
        return uniforms(key, first, n_frames, part.n_macs, part.n_modules)
