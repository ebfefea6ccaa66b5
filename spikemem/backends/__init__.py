"""Simulators that run a :class:`spikemem.Network`."""
