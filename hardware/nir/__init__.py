"""Conversion to and from NIR, the neuromorphic intermediate representation (package ``nir``).

NIR has no units except the second for time constants. The parameters are written in these units:

=============  ===============================================================================
``tau_mem``    s; also ``tau`` of a ``LIF``
``tau_syn``    s
``r``          MΩ: ``tau_m / cm``; for an ``IF`` mV per nA and step: ``dt / cm``
``v_...``      mV
``bias``       nA: ``i_offset / w_in``; cells without synapses have ``v_leak = v_rest + r *
               i_offset`` instead
``weight``     nA, negative for inhibitory synapses; shape (n_post, n_pre)
``delay``      s
``w_in``       ``tau_syn / dt``: readers of NIR with a time step take a spike as a pulse of
               height 1 and length ``dt``, so that a spike adds the weight to the current
=============  ===============================================================================

Properties that NIR cannot express (refractory periods, initial potentials, spikes of sources, exact
values, one-to-one and all-to-all connectors) are written into the ``metadata`` of the nodes, under
"spikemem"; other readers ignore them. A NIR neuron fires at ``v > v_threshold``, a cell of spikemem
at ``v >= v_thresh``.

``docs/howto/nir.md`` lists the conversion of each node.
"""

from __future__ import annotations

from .exporting import to_nir
from .files import read, write
from .importing import from_nir

__all__ = ["from_nir", "read", "to_nir", "write"]
