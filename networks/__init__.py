"""Families of spiking memory models, each lowered to a :class:`spikemem.Network`."""
