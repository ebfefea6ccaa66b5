"""Export a network as a folder that runs on someone else's SpiNNaker machine, without spikemem."""

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
"""What an exported folder holds."""

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

The two do not give the same spikes. NEST takes one step longer from cell to cell and integrates
the synaptic currents exactly; SpiNNaker computes with fixed-point numbers. A network that was
made for one of them has to be checked on it.

* `run.py` builds the network with PyNN, runs it and writes the recording.
* `network.json` is the network: cells and synapses in ms, mV, nA and nF.
* `arrays.npz` holds the lists that `network.json` names.

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
    """Write a folder with one PyNN script, its data, a README and its requirements.

    Parameters
    ----------
    network : Network
        What is to run.
    folder : str or Path
        A folder that does not exist yet; it is written whole or not at all.
    duration : float, optional
        How long the script simulates, ms. Default: the length of the longest spike source.
    shifts : dict of str to (int, int), optional
        Left shifts of ring buffers to ask sPyNNaker for, by population. Default: it chooses.
    title : str
        First line of the README.
    smallest_step : float
        As for the check.
    force : bool
        Write it even if SpiNNaker cannot hold the network.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UnsupportedError
        SpiNNaker cannot hold the network; everything that :func:`spikemem.check` finds.
    DescriptionError
        No duration.
    StorageError
        The folder is there already, or cannot be written.
    """
    options: dict[str, Any] = {"shifts": shifts, "smallest_step": smallest_step}
    if force:
        problems = check_spinnaker(network, **options)
    else:
        problems = require_mappable(network, "export", **options)
    length = network.duration if duration is None else duration
    if length <= 0:
        raise DescriptionError(
            f"export: duration must be > 0 ms, got {length:g}; no spike source has one."
        )
    target = Path(folder)
    if target.exists():
        raise StorageError(f"export: {str(target)!r} is there already. Give a new folder.")
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
    listed = "\n".join(f"* {problem}" for problem in problems) or "Nothing worth mentioning."
    return _README.format(
        title=title, version=__version__, summary=network.summary(), problems=listed
    )
