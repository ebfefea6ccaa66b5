"""The model: a hierarchy of macs that learns images and sequences in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...models import Stored, StoredModel
from ...streams import Seed
from .parameters import BackOff, Level, Plasticity, Selection
from .results import Codes

# Signatures; the bodies follow.


class Sparsey(StoredModel):
    """Hierarchy of macs. Inputs `x` are images or sequences, of binary pixels:

    - images: (n, h, w) or (n, n_pixels), or codes.Patterns of n_pixels cells;
    - sequences: (n, T, h, w), or a list of arrays (T, h, w) or of Patterns, one a sequence.
    Values are bool or 0 and 1; with `threshold` a pixel is on where its value is above it.
    """

    plastic: ClassVar[Mapping[str, str]]
    levels: tuple[Level, ...]
    classes_: NDArray[Any]
    n_features_in_: int
    familiarity_: NDArray[np.float64]
    """(n_frames, n_levels) of the last fit or partial_fit: mean G over active macs."""

    def __init__(
        self,
        input_shape: int | tuple[int, ...],
        levels: Sequence[Level] = (Level(),),
        *,
        selection: Selection | None = None,
        plasticity: Plasticity | None = None,
        back_off: BackOff | None = None,
        threshold: float | None = None,
        readout: str = "binary",
        seed: Seed = 0,
    ) -> None:
        raise NotImplementedError

    def fit(self, x: Any, y: Any = None, *, second_pass: bool = True) -> Self: ...
    def partial_fit(self, x: Any, y: Any = None, *, classes: Any = None) -> Self: ...
    def fit_readout(self, x: Any, y: Any) -> Self:
        """Second pass: class weights from the codes of retrieval."""

    def learn(self, x: Any) -> Codes:
        """Learns, and returns the codes that were drawn."""

    def retrieve(self, x: Any, *, context_only: bool = False) -> Codes: ...
    def complete(self, x: Any, *, level: int = -1) -> NDArray[np.float64]:
        """Support of each pixel, 0 to 1, shape (n_frames, h, w), read downward from codes."""

    def replay(self, first: Any, n_frames: int) -> Codes:
        """Sequences from their first frames: codes of `n_frames` frames each."""

    def read_back(self, codes: Codes, *, level: int = -1) -> NDArray[np.float64]:
        """Pixels of codes."""

    def class_scores(self, x: Any, *, single_pass: bool = False) -> NDArray[np.float64]: ...
    def predict(self, x: Any, *, single_pass: bool = False) -> NDArray[Any]: ...
    def score(self, x: Any, y: Any, *, single_pass: bool = False) -> float: ...
    def weights(self, level: int, mac: int, kind: str = "bottom_up") -> NDArray[np.float64]:
        """Dense weights (Q, K, n_afferents) of a mac, 0 to w_max; see `afferents`."""

    def afferents(self, level: int, mac: int, kind: str = "bottom_up") -> NDArray[np.int64]:
        """Cells of the weights' columns: pixels, or (mac * Q + module) * K + cell of a level."""

    def priorities(self, level: int) -> NDArray[np.float64]:
        """(n_macs, Q, K) in [0, 1): of equal V in retrieval the cell with the largest wins."""

    def draws(self, level: int, first: int, n_frames: int) -> NDArray[np.float64]:
        """(n_frames, n_macs, Q) uniforms: learning draws of frames `first`, ... since __init__."""

    def arguments(self) -> dict[str, Any]: ...
    def arrays(self) -> dict[str, Stored]: ...
    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self: ...
