"""To and from NIR, the neuromorphic intermediate representation, with the package ``nir``.

NIR has no units but the second for time constants. Written are

=============  ===============================================================================
``tau_mem``    s; ``tau`` of a ``LIF`` too
``tau_syn``    s
``r``          MΩ: ``tau_m / cm``; of an ``IF`` mV per nA and step: ``dt / cm``
``v_...``      mV
``bias``       nA: ``i_offset / w_in``; cells without synapses have ``v_leak = v_rest + r *
               i_offset`` instead
``weight``     nA, negative for inhibitory synapses; shape (n_post, n_pre)
``delay``      s
``w_in``       ``tau_syn / dt``: a spike is a pulse of height 1 and of length ``dt``, as those
               who read NIR with a time step take it, so that it adds the weight to the current
=============  ===============================================================================

What NIR has no place for (refractory times, initial potentials, spikes of sources, exact values,
structured connectors) goes into the ``metadata`` of the nodes, under "spikemem"; other readers
ignore it. A spike there is ``v > v_threshold``, here ``v >= v_thresh``.

``docs/howto/nir.md`` says what each node becomes.
"""

from __future__ import annotations

from .exporting import to_nir
from .files import read, write
from .importing import from_nir

__all__ = ["from_nir", "read", "to_nir", "write"]
