"""SpiNNaker without a board: check, map, export; with a board: run."""
