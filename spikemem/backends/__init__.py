"""Simulators that run a :class:`spikemem.Network`, by name."""

from __future__ import annotations

from typing import Annotated

from ..checks import NameOf

__all__ = ["BACKENDS", "BackendName"]

BACKENDS: dict[str, str] = {
    "board": "spikemem.hardware.spinnaker.board.backend:BoardBackend",
    "brian2": "spikemem.backends.brian2:Brian2Backend",
    "emulator": "spikemem.hardware.spinnaker.emulator:EmulatorBackend",
    "native": "spikemem.backends.native:NativeBackend",
    "pynn:brian2": "spikemem.hardware.pynn:Brian2PyNNBackend",
    "pynn:mock": "spikemem.hardware.pynn:MockBackend",
    "pynn:nest": "spikemem.hardware.pynn:NestBackend",
    "spinnaker": "spikemem.hardware.spinnaker:SpinnakerBackend",
}
"""Backends with the class of each, imported when it is first used."""

BackendName = Annotated[str, NameOf(BACKENDS, "backend")]
"""Type of every ``backend`` argument."""
