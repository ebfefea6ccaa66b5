"""The backend class of "brian2": steps in Python, or one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, checked
from ...errors import DescriptionError, SpikememError, UnsupportedError
from ...network import Network
from ...recording import SpikeTrains
from ...simulation import IntegratorName, Results
from . import standalone
from .extensions import Extension, to_extensions
from .model import build
from .objects import Brian2Model
from .results import collect
from .runtime import Stepper
from .settings import TARGETS, Target

__all__ = ["Brian2Backend"]


class Brian2Backend:
    """Simulate with Brian2.

    Parameters
    ----------
    network : Network
        Network to simulate.
    integrator : {"spinnaker", "exact"}
        Rules of one time step; see ``docs/explanation/semantics.md``.
    target : {"numpy", "cython", "cpp_standalone"}
        "numpy" needs no compiler. "cython" compiles once for each kind of network (a minute) and
        is faster on large ones. "cpp_standalone" compiles one program, and runs only once.
    extensions : sequence of Extension
        User-defined code and functions; see :mod:`.extensions`.

    Attributes
    ----------
    model : Brian2Model or None
        The Brian2 objects; None with "cpp_standalone", where each run makes its own.

    Raises
    ------
    DescriptionError
        If an option or the target is unknown.
    """

    @checked
    def __init__(
        self,
        network: Network,
        integrator: IntegratorName,
        target: Annotated[Target, Choice(*TARGETS, what="target")] = "numpy",
        extensions: Sequence[Extension] = (),
    ) -> None:
        self.network, self.integrator, self.target = network, integrator, target
        self.can_continue = target != "cpp_standalone"
        self.model: Brian2Model | None = None
        self._extensions: tuple[Extension, ...] = ()
        used = to_extensions(extensions)
        if used and not self.can_continue:
            raise UnsupportedError(
                "backend 'brian2': extensions need target 'numpy' or 'cython', got "
                "'cpp_standalone'."
            )
        if self.can_continue:
            self._make(used)

    def _make(self, extensions: tuple[Extension, ...]) -> None:
        """Make the Brian2 objects and their code."""
        network = self.network
        try:
            model = build(network, self.integrator, target=self.target, extensions=extensions)
            stepper = Stepper(network, model, self.target)
        except SpikememError:
            raise
        except Exception as error:
            if not extensions:
                raise
            names = ", ".join(repr(item.name) for item in extensions)
            reason = error.__cause__ or error
            raise DescriptionError(
                f"extensions: Brian2 cannot make code with {names}: {reason}"
            ) from error
        self.model, self._stepper, self._extensions = model, stepper, extensions
        self._n_objects = len(model.network.objects)

    def extend(self, *extensions: Extension) -> None:
        """Add extensions before the first run; the Brian2 objects are made again.

        Raises
        ------
        DescriptionError
            If the session has run, ``brian2_network`` has objects that the user added, or an
            extension does not fit.
        UnsupportedError
            If the target is "cpp_standalone".
        """
        added = to_extensions(extensions)
        if self.model is None:
            raise UnsupportedError(
                "backend 'brian2': extensions need an open session with target 'numpy' or 'cython'."
            )
        if self.model.clock.variables["timestep"].get_value()[0] > 0:
            raise DescriptionError("extend: the session has run already; make a new one.")
        if len(self.model.network.objects) != self._n_objects:
            raise DescriptionError(
                "extend: brian2_network has objects that you added, which would be lost; add "
                "extensions first."
            )
        weights = {
            name: bundle.synapses.variables["weight"].get_value()[part].copy()
            for bundle in self.model.bundles
            for name, part in bundle.slices.items()
            if bundle.plastic
        }
        self._make((*self._extensions, *added))
        self.set_weights(weights)

    @property
    def brian2_network(self) -> Any:
        """The ``brian2.Network``, or None; objects that you add to it take part in runs."""
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
        results = collect(self.network, raw, inputs, first_step, n_steps, late)
        if self._extensions:
            results.versions["extensions"] = "; ".join(item.name for item in self._extensions)
        return results

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Replace the weights of some plastic projections; nA, shape (n_synapses,) each."""
        for bundle in self.model.bundles if self.model else ():
            for name in bundle.slices.keys() & weights.keys():
                values = bundle.synapses.variables["weight"].get_value()
                values[bundle.slices[name]] = weights[name]

    def snapshot(self) -> Any:
        """Return copies of everything that changes in a run."""
        return self._stepper.snapshot()

    def restore(self, state: Any) -> None:
        """Return to the state of a snapshot; can be called again after an interrupt."""
        self._stepper.restore(state)

    def save_state(self) -> Any:
        """Return a state from which another simulator of the same network can continue."""
        return self._extensions, self._stepper.save_state()

    def load_state(self, state: Any) -> None:
        """Continue from a state that :meth:`save_state` returned."""
        extensions, own = state
        if len(extensions) != len(self._extensions):  # extend() added some
            self._make(extensions)
        self._stepper.load_state(own)

    def close(self) -> None:
        """Free the Brian2 objects."""
        self.model = None
        self.__dict__.pop("_stepper", None)
