"""Trainers, which compute the gradients of a network of spiking layers.

:data:`TRAINERS` holds them by name; they are imported when they are used.
"""

from __future__ import annotations

TRAINERS: dict[str, str] = {
    "bptt": "spikemem.networks.hlop.trainers.bptt:BPTT",
    "dsr": "spikemem.networks.hlop.trainers.dsr:DSR",
    "ottt": "spikemem.networks.hlop.trainers.ottt:OTTT",
}
"""Import path of each trainer, by name."""
