"""A SpiNNaker board in software, which runs the machine code of sPyNNaker.

Each core is an emulated ARM968 processor that runs an unmodified program. :class:`.board.Board`
holds the chips with their memories and routers. :class:`.core.Core` is one processor with its
devices. The package needs the extra ``board`` of spikemem.
"""
