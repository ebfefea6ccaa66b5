"""What a file holds, as text for readers and as plain data for machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..network import Network
    from ..recording import Recording

__all__ = ["DESCRIBED", "kinds_in", "recording_facts"]


def kinds_in(file: Path) -> dict[str, Any]:
    """As :func:`spikemem.storage.contents`, with the models known by then."""
    # The models make themselves storable when they are imported.
    from ..networks import ca3, dendrites  # noqa: F401
    from ..storage import contents

    return contents(file)


def _network_facts(network: Network) -> dict[str, Any]:
    return {
        "dt_ms": network.dt,
        "duration_ms": network.duration,
        "neurons": network.n_neurons,
        "synapses": network.n_synapses,
        "hash": network.content_hash,
        "populations": {
            item.name: {"size": item.size, "cell": type(item.cell).__name__}
            for item in network.populations
        },
        "projections": {
            item.name: {
                "pre": item.pre, "post": item.post, "receptor": item.receptor,
                "connector": item.connector, "synapses": network.count(item.name),
                "plastic": item.plasticity is not None,
            }
            for item in network.projections
        },
    }  # fmt: skip


def _network_text(network: Network) -> str:
    return (
        f"{network.summary()}\nhash {network.content_hash[:12]}, input for {network.duration:g} ms"
    )


def recording_facts(recording: Recording) -> dict[str, Any]:
    """Times, spikes and origin of a recording, ready for JSON."""
    return {
        "start_ms": recording.start,
        "stop_ms": recording.stop,
        "dt_ms": recording.dt,
        "populations": {
            name: {"size": trains.size, "spikes": len(trains)}
            for name, trains in recording.spikes.items()
        },
        "traces": [{"of": name, "variable": variable} for name, variable in recording.traces],
        "weights": {name: len(weight) for name, weight in recording.weights.items()},
        "provenance": dict(recording.provenance),
    }


def _recording_text(recording: Recording) -> str:
    spikes = recording.spikes
    wide = max((len(name) for name in spikes), default=0)
    lines = [
        f"{recording.start:g} to {recording.stop:g} ms, dt = {recording.dt:g} ms, "
        f"{sum(map(len, spikes.values()))} spikes",
        *(f"  {name:<{wide}} {len(one):>8} spikes of {one.size} cells"
          for name, one in spikes.items()),
        *(f"  {name}: {variable} at every step" for name, variable in recording.traces),
        *(f"  {name}: {len(weight)} weights, {weight.min(initial=0):g} to "
          f"{weight.max(initial=0):g} nA at the end" for name, weight in recording.weights.items()),
        "by " + ", ".join(f"{key} {value}" for key, value in recording.provenance.items()),
    ]  # fmt: skip
    return "\n".join(lines)


def _memory_facts(memory: Any) -> dict[str, Any]:
    return {
        "model": type(memory).__name__,
        "cues": memory.n_cues,
        "content_bits": memory.n_contents,
        "contents": {str(cue): sorted(bits) for cue, bits in memory.contents.items()},
        "healthy": memory.health().ok,
    }


def _memory_text(memory: Any) -> str:
    sizes = [len(bits) for bits in memory.contents.values()]
    held = f"{min(sizes)} to {max(sizes)} bits each" if sizes else "the memory is empty"
    return (
        f"{type(memory).__name__} of {memory.n_cues} cues and {memory.n_contents} bits, preset "
        f"{memory.preset!r}\n{len(sizes)} cues hold something: {held}\n{memory.health()}"
    )


def _dendrite_facts(model: Any) -> dict[str, Any]:
    return {
        "model": type(model).__name__,
        **{name: value for name, value in model.arguments().items() if name != "rule"},
        "segments_with_synapses": int((model.segments.sizes > 0).sum()),
        "synapses": int(model.segments.sizes.sum()),
        "connected_synapses": int(model.segments.connected.sum()),
    }


DESCRIBED: dict[str, tuple[Callable[[Any], dict[str, Any]], Callable[[Any], str]]] = {
    "network": (_network_facts, _network_text),
    "recording": (recording_facts, _recording_text),
    "memory": (_memory_facts, _memory_text),
    "neurons": (_dendrite_facts, repr),
    "sequence_memory": (_dendrite_facts, repr),
}
