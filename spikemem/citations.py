"""BibTeX of the models, devices and simulators that were used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._version import __version__
from .errors import DescriptionError, shown, unknown_name
from .network import Network
from .recording import Recording

__all__ = ["bibtex", "citation"]

_SPIKEMEM = f"""@software{{spikemem,
  title = {{spikemem: spiking memory models, defined once, run on a CPU or exported to SpiNNaker}},
  author = {{{{spikemem developers}}}},
  version = {{{__version__}}}
}}"""

_BRIAN2 = """@article{stimberg2019brian,
  title = {Brian 2, an intuitive and efficient neural simulator},
  author = {Stimberg, Marcel and Brette, Romain and Goodman, Dan F. M.},
  journal = {eLife},
  volume = {8},
  pages = {e47314},
  year = {2019},
  doi = {10.7554/eLife.47314}
}"""

_PYNN = """@article{davison2009pynn,
  title = {{PyNN}: a common interface for neuronal network simulators},
  author = {Davison, Andrew P. and Br{\\"u}derle, Daniel and Eppler, Jochen and Kremkow, Jens and
            Muller, Eilif and Pecevski, Dejan and Perrinet, Laurent and Yger, Pierre},
  journal = {Frontiers in Neuroinformatics},
  volume = {2},
  pages = {11},
  year = {2009},
  doi = {10.3389/neuro.11.011.2008}
}"""

_NEST = """@article{gewaltig2007nest,
  title = {{NEST} ({NEural} Simulation Tool)},
  author = {Gewaltig, Marc-Oliver and Diesmann, Markus},
  journal = {Scholarpedia},
  volume = {2},
  number = {4},
  pages = {1430},
  year = {2007},
  doi = {10.4249/scholarpedia.1430}
}"""

_SPYNNAKER = """@article{rhodes2018spynnaker,
  title = {{sPyNNaker}: a software package for running {PyNN} simulations on {SpiNNaker}},
  author = {Rhodes, Oliver and Bogdan, Petru{\\c{t}} A. and Brenninkmeijer, Christian and
            Davidson, Simon and Fellows, Donal and Gait, Andrew and Lester, David R. and
            Mikaitis, Mantas and Plana, Luis A. and Rowley, Andrew G. D. and others},
  journal = {Frontiers in Neuroscience},
  volume = {12},
  pages = {816},
  year = {2018},
  doi = {10.3389/fnins.2018.00816}
}"""

_SPINNAKER = """@article{furber2014spinnaker,
  title = {The {SpiNNaker} project},
  author = {Furber, Steve B. and Galluppi, Francesco and Temple, Steve and Plana, Luis A.},
  journal = {Proceedings of the IEEE},
  volume = {102},
  number = {5},
  pages = {652--665},
  year = {2014},
  doi = {10.1109/JPROC.2014.2304638}
}"""

_NIR = """@article{pedersen2024nir,
  title = {Neuromorphic intermediate representation: a unified instruction set for interoperable
           brain-inspired computing},
  author = {Pedersen, Jens E. and Abreu, Steven and Jobst, Matthias and Lenz, Gregor and
            Fra, Vittorio and Bauer, Felix C. and Muir, Dylan R. and Zhou, Peng and
            Vogginger, Bernhard and Heckel, Kade and others},
  journal = {Nature Communications},
  volume = {15},
  pages = {8122},
  year = {2024},
  doi = {10.1038/s41467-024-52259-9}
}"""

_NUMBA = """@inproceedings{lam2015numba,
  title = {Numba: a {LLVM}-based {Python} {JIT} compiler},
  author = {Lam, Siu Kwan and Pitrou, Antoine and Seibert, Stanley},
  booktitle = {Proceedings of the Second Workshop on the LLVM Compiler Infrastructure in HPC},
  year = {2015},
  doi = {10.1145/2833157.2833162}
}"""

SIMULATORS: dict[str, tuple[str, ...]] = {
    "brian2": (_BRIAN2,),
    "native": (_NUMBA,),
    "emulator": (_SPYNNAKER, _SPINNAKER, _NUMBA),
    "board": (_SPYNNAKER, _SPINNAKER, _PYNN),
    "spinnaker": (_SPYNNAKER, _SPINNAKER, _PYNN),
    "pynn:nest": (_PYNN, _NEST),
    "pynn:brian2": (_PYNN, _BRIAN2),
    "pynn:mock": (_PYNN,),
    "nest": (_PYNN, _NEST),
    "nir": (_NIR,),
}
"""BibTeX entries of each backend and each target of an export."""


def bibtex(*used: Any, backend: str | None = None) -> str:
    """Return the BibTeX that :func:`citation` prints; the arguments are the same."""
    entries = [_SPIKEMEM]
    names = [backend] if backend is not None else []
    for item in used:
        if isinstance(item, Recording):
            names += [str(item.provenance["backend"])] if "backend" in item.provenance else []
        elif isinstance(item, str):
            names.append(item)
        elif not isinstance(item, Network):
            entries += _entries_of(item)
    for name in names:
        if not isinstance(name, str) or name not in SIMULATORS:
            raise DescriptionError(
                f"citation: {unknown_name('backend or target', name, SIMULATORS)}"
            )
        entries += SIMULATORS[name]
    return "\n\n".join(dict.fromkeys(entries))


def _entries_of(item: Any) -> Iterator[str]:
    """Yield the entries in the attribute ``bibtex`` of a model or a device."""
    entries = getattr(item, "bibtex", None)
    if not isinstance(entries, tuple) or not all(isinstance(entry, str) for entry in entries):
        raise DescriptionError(
            f"citation: needs models, networks, recordings, devices or names of backends, got "
            f"{shown(item)}."
        )
    yield from entries


def citation(*used: Any, backend: str | None = None) -> None:
    """Print the BibTeX of what was used, ready for a paper.

    Parameters
    ----------
    *used : model, Network, Recording, Device or str
        Objects to cite; a str names a backend or a target of an export.
    backend : str, optional
        Backend of the simulation, or target of the export.

    Raises
    ------
    DescriptionError
        If an object has no papers to cite, or the backend is unknown.

    Examples
    --------
    >>> citation(backend="nir")  # doctest: +ELLIPSIS
    @software{spikemem,
    ...
    @article{pedersen2024nir,
    ...
    """
    print(bibtex(*used, backend=backend))
