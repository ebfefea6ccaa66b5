"""What a session calls: one run after the other in Python, or one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, checked
from ...network import Network
from ...recording import SpikeTrains
from ...simulation import IntegratorName, Results
from . import standalone
from .model import Brian2Model, build
from .results import collect
from .runtime import Stepper
from .settings import TARGETS, Target

__all__ = ["Brian2Backend"]


class Brian2Backend:
    """Simulate with Brian2.

    Parameters
    ----------
    network : Network
        What to simulate.
    integrator : {"spinnaker", "exact"}
        What one step does; ``docs/semantics.md``.
    target : {"numpy", "cython", "cpp_standalone"}
        "numpy" needs no compiler. "cython" compiles once for each kind of network (a minute) and
        is faster on large ones. "cpp_standalone" compiles one program, and runs once.

    Attributes
    ----------
    model : Brian2Model or None
        The Brian2 objects; None with "cpp_standalone", where each run makes its own.

    Raises
    ------
    DescriptionError
        Unknown option or target.
    """

    @checked
    def __init__(
        self,
        network: Network,
        integrator: IntegratorName,
        target: Annotated[Target, Choice(*TARGETS, what="target")] = "numpy",
    ) -> None:
        self.network, self.integrator, self.target = network, integrator, target
        self.can_continue = target != "cpp_standalone"
        self.model: Brian2Model | None = None
        if self.can_continue:
            self.model = build(network, integrator, target=target)
            self._stepper = Stepper(network, self.model, target)

    @property
    def brian2_network(self) -> Any:
        """The ``brian2.Network``, where there is one; objects added to it take part in runs."""
        return None if self.model is None else self.model.network

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Advance by `n_steps`; see :class:`spikemem.simulation.Backend`."""
        if self.target == "cpp_standalone":
            raw = standalone.run(self.network, self.integrator, n_steps, inputs, gates, progress)
        else:
            raw = self._stepper.run(first_step, n_steps, inputs, gates, progress)
        late = 1 if self.integrator == "exact" else 0
        return collect(self.network, raw, inputs, first_step, n_steps, late)

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Replace the weights of some plastic projections; nA, shape (n_synapses,) each."""
        for bundle in self.model.bundles if self.model else ():
            for name in bundle.place.keys() & weights.keys():
                values = bundle.synapses.variables["weight"].get_value()
                values[bundle.place[name]] = weights[name]

    def snapshot(self) -> Any:
        """Copies of all that changes in a run."""
        return self._stepper.snapshot()

    def restore(self, state: Any) -> None:
        """Return to the state of a snapshot; may be called again if it was interrupted."""
        self._stepper.restore(state)

    def save_state(self) -> Any:
        """State that another simulator of the same network can continue from."""
        return self._stepper.save_state()

    def load_state(self, state: Any) -> None:
        """Continue from a state that :meth:`save_state` returned."""
        self._stepper.load_state(state)

    def close(self) -> None:
        """Free the Brian2 objects."""
        self.model = None
        self.__dict__.pop("_stepper", None)
