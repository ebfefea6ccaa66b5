"""To and from NIR, the neuromorphic intermediate representation, with the package ``nir``.

NIR has no units but the second for time constants. Written are

=============  ===============================================================================
``tau_mem``    s
``tau_syn``    s
``r``          MΩ: ``tau_m / cm``
``v_...``      mV; ``v_leak`` holds ``i_offset`` too, as ``v_rest + r * i_offset``
``weight``     nA, negative for inhibitory synapses; shape (n_post, n_pre)
``delay``      s
``w_in``       ``tau_syn / dt``: a spike is a pulse of height 1 and of length ``dt``, as those
               who read NIR with a time step take it, so that it adds the weight to the current
=============  ===============================================================================

What NIR has no place for (refractory times, initial potentials, spikes of sources, exact values,
structured connectors) goes into the ``metadata`` of the nodes, under "spikemem"; other readers
ignore it. A spike there is ``v > v_threshold``, here ``v >= v_thresh``.
"""

from __future__ import annotations

from .exporting import to_nir
from .files import read, write
from .importing import from_nir

__all__ = ["from_nir", "read", "to_nir", "write"]
