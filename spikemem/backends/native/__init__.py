"""The compiled engine: backend "native", and the machine that other number systems share.

A network is laid out once as flat arrays (:mod:`.layout`, :mod:`.state`); compiled kernels then
advance these arrays by many steps at a time. The kernels know the network from tables of
integers alone, so that one compiled signature serves every network, and the machine code is kept
on disk.

======================  =================================================================
:mod:`.fields`          columns of the tables
:mod:`.state`           the arrays
:mod:`.blocks`          from a ``Network`` to tables: cells in blocks, blocks among threads
:mod:`.layout`          from a ``Network`` to tables: projections in units
:mod:`.numbers`         what a number system offers; floating point
:mod:`.neurons`         one step of a block of cells (of this number system)
:mod:`.plasticity`      deferred STDP (of this number system)
:mod:`.delivery`        spikes to ring buffers (of every number system)
:mod:`.stepping`        the loop over steps (of every number system)
:mod:`.compile`         binding the one to the other
:mod:`.engine`          the arrays with the kernels: run, snapshot, restore
:mod:`.backend`         ``simulate(network, backend="native")``
:mod:`.rows`            lists of synapses sorted into rows
:mod:`.threads`         the threads of one run, and what each works on
:mod:`.meeting`         where they wait for each other
======================  =================================================================

**Threads.** Each has some blocks of cells, and a piece of every unit that ends there; pieces
share the weights of the unit. In a window, which is no longer than the shortest delay, a thread
steps its own cells; then all meet, and each delivers the spikes of all cells to its own, step by
step and cell by cell. So every sum has the same terms in the same order, whatever the number of
threads, and one thread is no special case. Number systems of which a plastic unit can't be cut
(``plastic_*`` of the emulator take no notice of LOW and HIGH) must have one thread.

**How another number system plugs in.** The SpiNNaker emulator writes a class with the members of
:class:`.numbers.NumberSystem` and gives it to :class:`.engine.Engine`; its backend derives from
:class:`NativeBackend` and calls ``_set_up``. Its parts:

* *Types* of the arrays: `state` (membrane, currents, refractory steps and parameters, one type
  for all), `ring`, `weight`, `rule_type`, `trace`. Ring buffers are plain sums: weights are >= 0,
  so saturating them when they are read equals saturating at every addition.
* *Encoding*: :meth:`cells`, :meth:`potential`, :meth:`weights`, :meth:`rule` turn mV, nA and ms
  into these types, :meth:`in_mv` and :meth:`in_na` turn them back; :meth:`group` says which
  populations of equal cells may share their parameters. The parameters of a cell are
  ``fields.N_PARAM`` numbers whose meaning its own ``update_block`` decides; `weights` and `rule`
  are given network and projection, for shifts that depend on the post-synaptic population.
* *Kernels*, bound by :func:`.numbers.compile_engine` and decorated with :func:`.compile.kernel`
  (:func:`.compile.select` keeps vectorised loops free of branches):

  ``update_block(s, ring_e, ring_i, mask, tally, group, g, n, exact)``
      one step of a block; must clear the ring; see :func:`.neurons.update_block`.
  ``plastic_due(wiring, plastic, q, step, open_, ring)``
      in each step with a queue that is not empty, before the cells: post-synaptic spikes arrive.
      ``ring`` is that of all slots, for pre-synaptic spikes that were kept waiting (``lag``).
  ``plastic_pre(wiring, plastic, q, c, step, open_, ring)``
      a pre-synaptic spike: change the row and add it to the ring.
  ``plastic_post(wiring, plastic, q, c, step)``
      a post-synaptic spike; of one step all of them come before the pre-synaptic ones.
  ``plastic_flush(wiring, plastic, q, ring)``
      before weights are read; does nothing where pending changes are to stay invisible
      (``keeps_log``).

The arrays of :class:`.state.Plastic` have fixed names and types, but a number system may use them
as it likes: ``y`` can have more rows than the trace (``y_rows``), for example.
"""

from .backend import NativeBackend

__all__ = ["NativeBackend"]
