"""A SpiNNaker board in software: its chips, and the machine code that sPyNNaker ships.

Each core is an emulated ARM968 that runs an unmodified program. :class:`.board.Board` holds the
chips, their memories and routers; :class:`.core.Core` is one processor with the devices around it.
It needs the extra ``board`` of spikemem.
"""
