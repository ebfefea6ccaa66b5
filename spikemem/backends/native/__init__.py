"""The compiled engine of the backend "native", which other number systems share.

A network becomes flat arrays (:mod:`.tables`, :mod:`.state`), and compiled kernels advance these
arrays by many steps at a time. The kernels read the network from tables of integers only, so that
one compiled signature serves every network, and the machine code can be stored on disk.

======================  =================================================================
:mod:`.fields`          columns of the tables
:mod:`.state`           the arrays
:mod:`.blocks`          from a ``Network`` to tables: cells in blocks, blocks among threads
:mod:`.tables`          from a ``Network`` to tables: projections in units
:mod:`.numbers`         interface of a number system; floating point
:mod:`.neurons`         one step of a block of cells (of this number system)
:mod:`.plasticity`      deferred STDP (of this number system)
:mod:`.delivery`        spikes to ring buffers (of every number system)
:mod:`.stepping`        the loop over steps (of every number system)
:mod:`.compile`         binds the functions of a number system to the engine
:mod:`.engine`          the arrays with the kernels: run, snapshot, restore
:mod:`.backend`         ``simulate(network, backend="native")``
:mod:`.rows`            lists of synapses sorted into rows
:mod:`.threads`         the threads of one run, and the arrays of each
:mod:`.barrier`         the barrier at which threads wait for each other
======================  =================================================================

**Threads.** Each thread has some blocks of cells, and a piece of every unit that ends there; the
pieces share the weights of the unit. In a window, which is no longer than the shortest delay, a
thread steps its own cells. Then all threads wait at a barrier, and each delivers the spikes of all
cells to its own cells, step by step and cell by cell. So every sum has the same terms in the same
order for any number of threads, and one thread is no special case. A number system whose plastic
units cannot be divided (``plastic_*`` of the emulator ignore LOW and HIGH) must use one thread.

**Adding a number system.** The SpiNNaker emulator defines a class with the members of
:class:`.numbers.NumberSystem` and passes it to :class:`.engine.Engine`; its backend derives from
:class:`NativeBackend` and calls ``_set_up``. A number system has these parts:

* *Types* of the arrays: `state` (membrane, currents, refractory steps and parameters, one type
  for all), `ring`, `weight`, `rule_type`, `trace`. Ring buffers are plain sums. Weights are >= 0,
  so saturating a sum when it is read equals saturating at every addition.
* *Encoding*: :meth:`cells`, :meth:`potential`, :meth:`weights`, :meth:`rule` convert mV, nA and ms
  to these types, and :meth:`in_mv` and :meth:`in_na` convert back. :meth:`group` determines which
  populations of equal cells share their parameters. The parameters of a cell are
  ``fields.N_PARAM`` numbers that only the system's own ``update_block`` interprets. `weights` and
  `rule` take network and projection, for shifts that depend on the post-synaptic population.
* *Kernels*, bound by :func:`.numbers.compile_engine` and decorated with :func:`.compile.kernel`
  (:func:`.compile.select` keeps vectorised loops free of branches):

  ``update_block(s, ring_e, ring_i, mask, tally, group, g, n, exact)``
      one step of a block; must clear the ring; see :func:`.neurons.update_block`.
  ``plastic_due(wiring, plastic, q, step, open_, ring)``
      in each step with a non-empty queue, before the cells: post-synaptic spikes arrive.
      ``ring`` has all slots, for pre-synaptic spikes that had to wait (``lag``).
  ``plastic_pre(wiring, plastic, q, c, step, open_, ring)``
      a pre-synaptic spike: change the row and add it to the ring.
  ``plastic_post(wiring, plastic, q, c, step)``
      a post-synaptic spike; in each step all of them come before the pre-synaptic ones.
  ``plastic_flush(wiring, plastic, q, ring)``
      before weights are read; does nothing if pending changes must stay invisible
      (``keeps_log``).

The arrays of :class:`.state.Plastic` have fixed names and types, but a number system is free in
their use: for example, ``y`` can have more rows than the trace (``y_rows``).
"""

from .backend import NativeBackend

__all__ = ["NativeBackend"]
