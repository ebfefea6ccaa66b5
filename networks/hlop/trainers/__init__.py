"""Trainers: gradients of a network of spiking layers, by one small interface.

Each is found by its name in :data:`TRAINERS`, and imported when it is used.
"""

from __future__ import annotations

TRAINERS: dict[str, str] = {
    "bptt": "spikemem.networks.hlop.trainers.bptt:BPTT",
    "dsr": "spikemem.networks.hlop.trainers.dsr:DSR",
    "ottt": "spikemem.networks.hlop.trainers.ottt:OTTT",
}
"""Trainer of each name."""
