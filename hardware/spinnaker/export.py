"""Exports a network as a folder with a PyNN script that runs without spikemem."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Annotated, Any

from ..._version import __version__
from ...checks import Optional, PathName, Quantity, Text, checked
from ...errors import DescriptionError, StorageError
from ...network import Network
from ...problem import Problem
from .check import check_spinnaker, require_mappable
from .folder import write_data
from .machine_layout import AskedShifts
from .view import SMALLEST_STEP

__all__ = ["FILES", "export_folder"]

FILES = ("run.py", "network.json", "arrays.npz", "README.md", "requirements.txt")
"""Files of an exported folder."""

_REQUIREMENTS = """\
# On a SpiNNaker machine:
sPyNNaker >=1!7.3
# On this computer, with --sim nest:
#   pip install nest-simulator
PyNN >=0.12.1
neo >=0.13.4
numpy >=1.26
h5py >=3.10
"""

_README = """\
# {title}

Written by spikemem {version}; it runs without spikemem.

    pip install -r requirements.txt
    python run.py --sim spinnaker     # a SpiNNaker machine, set up in ~/.spynnaker.cfg
    python run.py --sim nest          # this computer, if NEST is installed

Both write `recording.h5`. `spikemem.load_recording("recording.h5")` reads it; any other HDF5
reader finds the spikes as SONATA keeps them, in `/spikes/<population>/timestamps` (ms) and
`node_ids`.

The two simulators do not produce the same spikes. In NEST a spike takes one step longer from cell
to cell, and synaptic currents are integrated exactly; SpiNNaker computes with fixed-point numbers.
Check a network on the simulator for which it is made.

* `run.py` builds the network with PyNN, runs it and writes the recording.
* `network.json` describes the network: cells and synapses in ms, mV, nA and nF.
* `arrays.npz` holds the arrays that `network.json` names.

```
{summary}
```

## What SpiNNaker changes

{problems}
"""


@checked
def export_folder(
    network: Network,
    folder: Annotated[str | Path, PathName()],
    *,
    duration: Annotated[Any, Optional(Quantity("ms", above=0.0))] = None,
    shifts: AskedShifts | None = None,
    title: Annotated[str, Text()] = "A spiking network",
    smallest_step: Annotated[float, Quantity(low=0.0)] = SMALLEST_STEP,
    force: bool = False,
) -> Path:
    """Write a folder with a PyNN script, its data, a README and its requirements.

    Parameters
    ----------
    network : Network
        Network to export.
    folder : str or Path
        Name of a new folder. It is written completely or not at all.
    duration : float, optional
        Time that the script simulates, ms. Default: the length of the longest spike source.
    shifts : dict of str to (int, int), optional
        Left shifts of ring buffers to request from sPyNNaker, by population. Default: sPyNNaker
        chooses.
    title : str
        First line of the README.
    smallest_step : float
        See :func:`check_spinnaker`.
    force : bool
        Write the folder even if SpiNNaker cannot run the network.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UnsupportedError
        If SpiNNaker cannot run the network. The message lists the errors of :func:`spikemem.check`.
    DescriptionError
        If the duration is not > 0 ms.
    StorageError
        If the folder exists, or cannot be written.
    """
    options: dict[str, Any] = {"shifts": shifts, "smallest_step": smallest_step}
    if force:
        problems = check_spinnaker(network, **options)
    else:
        problems = require_mappable(network, "export", **options)
    length = network.duration if duration is None else duration
    if length <= 0:
        raise DescriptionError(
            f"export: duration must be > 0 ms, got {length:g}; pass duration=, since the network "
            f"has no spike source with a duration."
        )
    target = Path(folder)
    if target.exists():
        raise StorageError(f"export: {str(target)!r} already exists. Pass a new folder.")
    part = target.with_name(f".{target.name}-{secrets.token_hex(4)}.part")
    try:
        part.mkdir()
        write_data(network, part, duration=length, shifts=shifts)
        shutil.copyfile(Path(__file__).with_name("script.py"), part / "run.py")
        (part / "README.md").write_text(_readme(network, problems, title), encoding="utf-8")
        (part / "requirements.txt").write_text(_REQUIREMENTS, encoding="utf-8")
        os.rename(part, target)
    except OSError as error:
        raise StorageError(
            f"export: cannot write {str(target)!r}: {error.strerror or error}. Pass the name of a "
            f"new folder inside an existing one to which you may write."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _readme(network: Network, problems: list[Problem], title: str) -> str:
    listed = "\n".join(f"* {problem}" for problem in problems) or "No differences were found."
    return _README.format(
        title=title, version=__version__, summary=network.summary(), problems=listed
    )
