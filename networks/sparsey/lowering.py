"""The hierarchy as a spiking model: build, decode, expected answers, and learning on spikes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, checked
from ...codes import Patterns
from ...errors import DescriptionError, UnsupportedError
from ...limits import require_memory
from ...network import Network
from ...recording import Recording
from .circuit import Wiring
from .engine import Tower
from .frames import Frames
from .inspection import Inspected
from .one_shot import Answers, SpikingFrames, plain_answers
from .results import BOTTOM_UP, Codes
from .shown import Retrieve, Store
from .spiking import SpikingMacs

__all__ = ["OnSpikes"]

_Trials = Annotated[Any, AnyValue()]


class OnSpikes(Inspected):
    """Base of :class:`.Sparsey`: retrieval and one-shot storage on spikes."""

    @property
    def plastic(self) -> Mapping[str, str]:
        """Projections that hold memories, one for each level."""
        return {
            f"bottom_up {k}": f"synapses of the macs of levels[{k}], one bit each"
            for k in range(len(self.levels))
        }

    @checked
    def spiking(self, **options: Any) -> SpikingMacs:
        """Return the spiking form of the hierarchy, with its current synapses.

        Parameters
        ----------
        **options
            ``dt``, ``integrator``, ``floor``; see :class:`SpikingMacs`.

        Raises
        ------
        UnsupportedError
            If the parameters have no spiking form; the message names them.
        """
        _require_lowerable(self._tower)
        clips = [
            k.min_active * (below or 1) if choice.normalization == "bound" else None
            for k, choice, below in zip(
                self.levels, self._tower.selections,
                [0, *(a.n_modules for a in self.levels)], strict=False,
            )
        ]  # fmt: skip
        wiring = [_wiring(self, k) for k in range(len(self.levels))]
        return SpikingMacs(wiring, self._tower.n_pixels, clip=clips, **options)

    @checked
    def build(self, trials: _Trials, **options: Any) -> Network:
        """Return the spiking network that receives the images; the model is unchanged.

        Parameters
        ----------
        trials : images, or a sequence of images, Retrieve and Store
            Each image is retrieved from its bottom-up input alone, like the first frame of a
            sequence.
        **options
            As for :meth:`spiking`.

        Raises
        ------
        DescriptionError
            If `trials` are not images of the model's shape, or there are none.
        UnsupportedError
            If trials are sequences, parameters have no spiking form, or images are to be stored
            by a model of several levels or with synapses that freeze.
        """
        checked_trials = _trial_frames(self, trials, "build")
        return self.spiking(**options).build(checked_trials.shown)

    @checked
    def decode(self, recording: Recording, trials: _Trials, **options: Any) -> list[Codes]:
        """Return the code of each trial, from a recording of the network of :meth:`build`.

        The first spike of each module gives the winner, and its time gives the familiarity. The
        number of hypotheses of an active mac is not decoded; it is set to 1.

        Parameters
        ----------
        recording : Recording
            Recording of the network that was built for these trials and options.
        trials, **options
            As for :meth:`build`.

        Returns
        -------
        list of Codes
            Codes of a single frame for each trial.

        Raises
        ------
        DescriptionError
            If it is not a recording of that network.
        """
        checked_trials = _trial_frames(self, trials, "decode")
        return _codes(self, self.spiking(**options).decode(recording, checked_trials.shown))

    @checked
    def expected(self, trials: _Trials) -> list[Codes]:
        """Return the code of each trial by the algorithm, without spikes; the model is unchanged.

        Images are retrieved by :meth:`retrieve`. If trials store images, all trials follow the
        rule of :class:`Store` in order.
        """
        checked_trials = _trial_frames(self, trials, "expected")
        if not checked_trials.shown.store.any():
            return list(self._retrieve(checked_trials.frames, False, "expected"))
        _require_lowerable(self._tower)
        wiring = _wiring(self, 0)
        return _codes(self, [plain_answers(wiring, _synapse_matrix(wiring), checked_trials.shown)])

    @checked
    def after(self, recording: Recording, trials: _Trials) -> Self:
        """Return the model after the storage of that run; without :class:`Store`, the model itself.

        Raises
        ------
        DescriptionError
            If it is not a recording of a network that was built for these trials.
        """
        checked_trials = _trial_frames(self, trials, "after")
        n_stored = int(np.count_nonzero(checked_trials.shown.store))
        if not n_stored:
            return self
        wiring = _wiring(self, 0)
        field, inside = wiring.field_pre, wiring.modules * wiring.cells
        weights = recording.weights.get("bottom_up 0")
        if weights is None or weights.size != field.size * inside:
            raise DescriptionError(
                "Sparsey.after: the recording must hold the weights of 'bottom_up 0' of the "
                "network for these trials; pass the trials of build."
            )
        increased = np.zeros((wiring.n_below, wiring.n_macs, inside), dtype=np.bool_)
        increased[field, wiring.field_mac] = weights.reshape(-1, inside) > 1.0
        learnt = copy.deepcopy(self)
        _write(learnt._tower, increased)
        learnt.n_frames_learnt += n_stored
        return learnt


class _TrialFrames(NamedTuple):
    frames: Frames
    shown: SpikingFrames


def _trial_frames(model: Inspected, trials: Any, where: str) -> _TrialFrames:
    """Check the trials and convert them to frames."""
    stored: list[Store | None] = []
    if isinstance(trials, Iterable) and not isinstance(trials, str | bytes | np.ndarray | Patterns):
        plain = []
        for trial in trials:
            stored.append(trial if isinstance(trial, Store) else None)
            plain.append(trial.image if isinstance(trial, Store | Retrieve) else trial)
        trials = plain
    frames = model._frames(trials, where)
    n = len(frames.pixels)
    if n != frames.n_items:
        raise UnsupportedError(
            f"Sparsey.{where}: trials must be images, got sequences, because the product of "
            f"bottom-up and horizontal input has no spiking form; use retrieve() for sequences."
        )
    if not n:
        raise DescriptionError(f"Sparsey.{where}: trials must have at least one image, got none.")
    stored = stored or [None] * n
    store = np.array([item is not None for item in stored])
    if store.any():
        _require_storable(model, where)
    level = model.levels[0]
    fresh = np.zeros((n, level.n_macs * level.n_modules), dtype=np.int64)
    if store.any():
        draws = model.draws(0, model.n_frames_learnt, int(store.sum()))
        cells = (draws * level.cells_per_module).astype(np.int64)
        fresh[store] = cells.reshape(len(cells), -1)
    familiar = np.array([1.0 if item is None else item.familiar for item in stored])
    return _TrialFrames(
        frames, SpikingFrames(frames.pixels.astype(np.bool_), store, familiar, fresh)
    )


def _require_storable(model: Inspected, where: str) -> None:
    if len(model.levels) > 1:
        raise UnsupportedError(
            f"Sparsey.{where}: only a model of one level can store images on spikes, this one has "
            f"{len(model.levels)} levels; learn with learn() or fit(), and retrieve on spikes."
        )
    if model._tower.selections[0].normalization != "count":
        raise UnsupportedError(
            f"Sparsey.{where}: storage on spikes needs normalization='count', got "
            f"{model._tower.selections[0].normalization!r}; learn with learn() or fit()."
        )
    if model._tower.plasticities[0].saturation is not None:
        raise UnsupportedError(
            f"Sparsey.{where}: synapses that learn on spikes cannot freeze; set "
            f"plasticity=Plasticity(saturation=None), or learn with learn() or fit()."
        )


def _require_lowerable(tower: Tower) -> None:
    """Raise an error if parameters have a retrieval other than by the largest overlap."""
    for k, (choice, rule) in enumerate(zip(tower.selections, tower.plasticities, strict=True)):
        problem = ""
        if rule.decay != "none":
            problem = f"weights that decay (decay={rule.decay!r}); use decay='none'"
        elif choice.v_low > 0 or choice.v_high < 1:
            problem = (
                f"cutoffs of V (v_low={choice.v_low:g}, v_high={choice.v_high:g}); use v_low=0 "
                f"and v_high=1"
            )
        elif choice.lambda_u_start == 0:
            problem = "lambda_u_start=0, which ignores the input; use a positive exponent"
        elif k + 1 < len(tower.levels) and (choice.zeta_exponent or choice.most_hypotheses):
            problem = (
                "outputs that depend on the number of competing hypotheses; use zeta_exponent=0 "
                "and most_hypotheses=None"
            )
        if problem:
            raise UnsupportedError(
                f"Sparsey.build: levels[{k}] has no spiking form with {problem}, or use retrieve()."
            )


def _wiring(model: Inspected, k: int) -> Wiring:
    """Return sizes and synapses of a level as plain arrays."""
    level, tower = model.levels[k], model._tower
    inside, q_below = level.cells_per_mac, model.levels[k - 1].n_modules if k else 1
    field = [model.afferents(k, mac) for mac in range(level.n_macs)]
    require_memory(
        9.0 * max(map(len, field)) * level.n_cells + 16.0 * sum(map(len, field)),
        f"Sparsey.build: the synapses of levels[{k}]", "Use fewer macs or cells."
    )  # fmt: skip
    pre, post = [], []
    for mac, cells in enumerate(field):
        rows, columns = np.nonzero(model.weights(k, mac).reshape(inside, -1))
        pre.append(cells[columns])
        post.append(rows + mac * inside)
    high = level.max_active
    return Wiring(
        n_below=model.levels[k - 1].n_cells if k else tower.n_pixels, n_macs=level.n_macs,
        modules=level.n_modules, cells=level.cells_per_module, field_pre=np.concatenate(field),
        field_mac=np.repeat(np.arange(level.n_macs), [len(cells) for cells in field]),
        pre=np.concatenate(pre), post=np.concatenate(post), low=level.min_active * q_below,
        high=None if high is None else high * q_below,
        priority=tower.states[k].priority.reshape(level.n_macs, level.n_modules, -1),
    )  # fmt: skip


def _synapse_matrix(wiring: Wiring) -> NDArray[np.bool_]:
    increased = np.zeros((wiring.n_below, wiring.n_cells), dtype=np.bool_)
    increased[wiring.pre, wiring.post] = True
    return increased


def _write(tower: Tower, increased: NDArray[np.bool_]) -> None:
    """Write the synapses of the lowest level, (n_pixels, n_macs, Q * K), into packed words."""
    bundle = tower.states[0].bottom_up
    for mac, sources in enumerate(bundle.sources):
        positions = np.flatnonzero(sources >= 0)
        dense = np.zeros((increased.shape[2], 64 * bundle.bits.shape[2]), dtype=np.uint8)
        dense[:, positions] = increased[sources[positions], mac].T
        packed = np.packbits(dense, axis=1, bitorder="little")
        bundle.bits[mac] = np.ascontiguousarray(packed).view("<u8")
        bundle.filled[mac] = int(dense.sum())


def _codes(model: Inspected, answers: list[Answers]) -> list[Codes]:
    """Convert winners and overlaps to codes, one for each frame."""
    winners, familiarity = [], []
    active: list[NDArray[np.bool_]] = []
    below = [1, *(a.n_modules for a in model.levels)]
    for k, (answer, choice) in enumerate(zip(answers, model._tower.selections, strict=True)):
        is_open = np.asarray((answer.winners >= 0).any(axis=2))
        most = answer.active
        if choice.normalization == "bound":
            most = np.full_like(most, model.levels[k].min_active * below[k])
        v = np.minimum(answer.overlaps / np.maximum(most, 1)[:, :, None], 1.0)
        v = v**choice.lambda_u_start * (answer.winners >= 0)
        winners.append(answer.winners.astype(np.int16))
        familiarity.append(v.mean(axis=2))
        active.append(is_open)
    n = len(winners[0])
    whole = Codes(
        np.arange(n + 1), tuple(winners), tuple(familiarity),
        tuple(each.astype(np.int32) for each in active),
        tuple((BOTTOM_UP * each).astype(np.uint8) for each in active),
        tuple(a.cells_per_module for a in model.levels),
    )  # fmt: skip
    return [whole[k] for k in range(n)]
