"""Spiking memory models, defined once, run on a CPU or exported to SpiNNaker."""
