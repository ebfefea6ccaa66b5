"""Gradient projection for any PyTorch module, by hooks on linear and convolutional layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...checks import Count, Each, Flag, Kind, MappingOf, Text, checked
from ...errors import DescriptionError, StorageError, UnsupportedError, shown
from ...streams import Seed, own_seed, stream
from .arrays import Rules
from .parameters import Ranks, SubspaceRule
from .subspace import Subspace, SVDSubspace

__all__ = ["Projections", "attach"]

Tensor = torch.Tensor


class ModuleKind(Kind):
    """A ``torch.nn.Module``."""

    def check(self, value: Any, where: str) -> nn.Module:
        """Return the same module."""
        if not isinstance(value, nn.Module):
            raise DescriptionError(f"{where} must be a torch.nn.Module, got {shown(value)}.")
        return value


def presynaptic(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the input of a layer as rows (n, n_in): one for each sample and image position."""
    if not isinstance(layer, nn.Conv2d):
        return x.reshape(-1, x.shape[-1])
    x = x[None] if x.ndim == 3 else x
    padding: Any = layer.padding
    if isinstance(padding, str):
        spans = [d * (k - 1) if padding == "same" else 0
                 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]  # fmt: skip
        (top, left), (high, wide) = [span // 2 for span in spans], spans
        x = nn.functional.pad(x, (left, wide - left, top, high - top))
        padding = (0, 0)
    size, dilation, stride = layer.kernel_size, layer.dilation, layer.stride
    patches = nn.functional.unfold(x, size, dilation, padding, stride)
    return patches.transpose(1, 2).flatten(0, 1)


class _ProjectedLayer:
    """One layer with its subspace, and the inputs and errors of its latest passes."""

    def __init__(self, name: str, layer: Any, subspace: Subspace) -> None:
        self.name, self.layer, self.subspace = name, layer, subspace
        self.clear()

    def clear(self) -> None:
        """Drop the passes since the last :meth:`Projections.project`."""
        self.sums: dict[tuple[int, ...], tuple[Tensor, int]] = {}
        self.inputs: list[Tensor] = []
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def note(self, x: Tensor) -> None:
        """Add the input of one forward pass; passes of the same shape are time steps."""
        total, count = self.sums.get(tuple(x.shape), (torch.zeros_like(x), 0))
        self.sums[tuple(x.shape)] = (total + x, count + 1)

    def traces(self, averaged: bool, most: int | None, rng: np.random.Generator) -> Tensor:
        """Return the input, averaged over time, as at most `most` rows."""
        if averaged:
            rows = [presynaptic(self.layer, total / n) for total, n in self.sums.values()]
        else:
            rows = [presynaptic(self.layer, x) for x in self.inputs]
        stacked = torch.cat(rows).to(self.subspace.tensors.dtype)
        if most is not None and len(stacked) > most:
            stacked = stacked[torch.from_numpy(rng.choice(len(stacked), most, replace=False))]
        return stacked

    def gradient(self) -> Tensor:
        """Return the gradient of the weights, with the trace of each pass projected."""
        weight = self.layer.weight
        total = torch.zeros(len(weight), self.subspace.size, dtype=weight.dtype)
        for x, error in self.pairs:
            rows = presynaptic(self.layer, x).to(self.subspace.tensors.dtype)
            left = self.subspace.residual(rows).to(weight.dtype)
            if isinstance(self.layer, nn.Conv2d):  # One row for each image position.
                error = (error[None] if error.ndim == 3 else error).flatten(2).transpose(1, 2)
            total += error.reshape(len(left), -1).T @ left
        return total.view_as(weight)


@dataclass(frozen=True)
class AttachedLayers:
    """Layers that :func:`attach` found in a module, and the settings of the projection."""

    module: nn.Module
    watched: list[_ProjectedLayer]
    ranks: Ranks
    mode: str
    averaged: bool
    most_rows: int | None
    seed: int


class Projections:
    """Subspaces of the layers of a module; :func:`attach` makes them.

    For each task, call :meth:`start_task`. For each mini-batch, call ``loss.backward()``,
    :meth:`project`, and a step of the optimiser. At the end of the task, call :meth:`end_task`. Use
    an optimiser whose step is a multiple of the gradient, such as SGD, and reset its momentum for
    each task. Adam scales each entry separately, so that its steps leave the directions that the
    projection allows.

    Attributes
    ----------
    subspaces : dict of str to Subspace
        Subspace of each layer, by its name in the module.
    """

    @checked
    def __init__(self, attached: AttachedLayers) -> None:
        self.attached = attached
        self.module, self.ranks, self.seed = attached.module, attached.ranks, attached.seed
        self.mode, self.averaged = attached.mode, attached.averaged
        self.most_rows = attached.most_rows
        self.n_tasks = 0
        self.n_batches = 0
        self.is_learning = False
        self._watched = attached.watched
        self._handles: list[Any] = []
        for item in self._watched:
            self._handles.append(item.layer.register_forward_hook(self._noting(item)))

    def __repr__(self) -> str:
        names = ", ".join(f"{w.name}: {w.subspace.n_frozen}" for w in self._watched)
        return f"Projections({self.n_tasks} tasks, rows of {names})"

    @property
    def subspaces(self) -> dict[str, Subspace]:
        """Subspace of each layer, by its name."""
        return {item.name: item.subspace for item in self._watched}

    def _noting(self, item: _ProjectedLayer) -> Any:
        def hook(layer: Any, args: tuple[Tensor, ...], output: Tensor) -> None:
            if not (self.is_learning and layer.training and output.requires_grad):
                return
            x = args[0].detach()
            if self.averaged:
                item.note(x)
            else:
                item.inputs.append(x)
            if self.mode == "input":
                keep: Any = output
                keep.register_hook(lambda error: item.pairs.append((x, error)))

        return hook

    def start_task(self) -> None:
        """Start a task: each subspace gets new rows.

        Raises
        ------
        DescriptionError
            If the last task has not ended, or a layer would have more rows than dimensions.
        """
        if self.is_learning:
            raise DescriptionError("Projections.start_task: the last task has not ended; call "
                                   "end_task first.")  # fmt: skip
        ranks = self.ranks.of_task(self.n_tasks)
        for item, n in zip(self._watched, ranks, strict=True):
            if item.subspace.n_frozen + n > item.subspace.size:
                raise DescriptionError(
                    f"Projections.start_task: layer {item.name!r} would have "
                    f"{item.subspace.n_frozen + n} rows in {item.subspace.size} dimensions; use "
                    f"smaller ranks."
                )
        for item, n in zip(self._watched, ranks, strict=True):
            item.subspace.grow(n)
        self.is_learning = True

    def project(self) -> None:
        """Project the gradients of the layers, and train new rows on this mini-batch.

        Call it after ``backward()`` and before the step of the optimiser. Layers without a gradient
        do not change.

        Raises
        ------
        DescriptionError
            If no task has been started.
        """
        if not self.is_learning:
            raise DescriptionError(
                "Projections.project: no task is started; call start_task first."
            )
        with torch.no_grad():
            for k, item in enumerate(self._watched):
                if item.layer.weight.grad is not None:
                    self._project_one(item)
                if item.sums or item.inputs:
                    rng = stream(self.seed, "hlop", "rows of patches", k, self.n_batches)
                    rows = item.traces(self.averaged, self.most_rows, rng)
                    item.subspace.learn(rows, item.subspace.residual(rows))
                item.clear()
        self.n_batches += 1

    def _project_one(self, item: _ProjectedLayer) -> None:
        grad, subspace = item.layer.weight.grad, item.subspace
        if not subspace.n_frozen:
            return
        if self.mode == "input":
            grad.copy_(item.gradient())
            return
        rows = grad.flatten(1).to(subspace.tensors.dtype)
        grad.copy_(subspace.residual(rows).view_as(grad))

    @checked
    def end_task(self, exact: Annotated[bool, Flag()] = True) -> None:
        """End a task: freeze the new rows; see :meth:`Subspace.freeze`.

        Raises
        ------
        DescriptionError
            If no task has been started.
        """
        if not self.is_learning:
            raise DescriptionError(
                "Projections.end_task: no task is started; call start_task first."
            )
        for item in self._watched:
            item.subspace.freeze(exact=exact)
            item.clear()
        self.n_tasks += 1
        self.is_learning = False

    def detach(self) -> None:
        """Remove the hooks from the module."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the frozen rows of all layers and the number of tasks; call it between tasks.

        Raises
        ------
        DescriptionError
            If a task is being learnt.
        """
        if self.is_learning:
            raise DescriptionError("Projections.arrays: a task is being learnt; call end_task "
                                   "first.")  # fmt: skip
        stored: dict[str, NDArray[Any]] = {"n_tasks": np.array([self.n_tasks, self.n_batches])}
        for item in self._watched:
            state = item.subspace.arrays()
            stored |= {f"{item.name} {key}": array for key, array in state.items()}
        return stored

    @checked
    def restore(self, arrays: Annotated[Mapping[str, NDArray[Any]], MappingOf(Text())]) -> None:
        """Restore the state from :meth:`arrays`.

        Raises
        ------
        StorageError
            If the arrays belong to other layers.
        """
        try:
            counts = [int(n) for n in arrays["n_tasks"]]
            for item in self._watched:
                state = {key: arrays[f"{item.name} {key}"] for key in item.subspace.arrays()}
                item.subspace.restore(state)
            self.n_tasks, self.n_batches = counts
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise StorageError(f"Projections.restore: the arrays belong to other layers "
                               f"({error}).") from None  # fmt: skip


@checked
def attach(
    module: Annotated[nn.Module, ModuleKind()],
    *,
    ranks: Ranks,
    rule: Rules | None = None,
    layers: Annotated[Sequence[str], Each(Text(), "layers")] | None = None,
    mode: Literal["weight", "input"] = "weight",
    extraction: Literal["hebbian", "svd"] = "hebbian",
    averaged: Annotated[bool, Flag()] = True,
    most_rows: Annotated[int, Count()] | None = None,
    seed: Seed = 0,
) -> Projections:
    """Attach subspaces to the linear and convolutional layers of any PyTorch module.

    Spiking modules, such as those of norse, call a layer once for each time step. Passes of the
    same shape between two calls of :meth:`Projections.project` are averaged.

    Parameters
    ----------
    module : torch.nn.Module
        Module that contains ``nn.Linear`` or ``nn.Conv2d`` layers. A bias is not projected: train
        without biases, or freeze them after the first task.
    ranks : Ranks
        Number of new rows of each layer, in the order of ``module.named_modules()``.
    rule : SubspaceRule or sequence of SubspaceRule
        One rule for all layers, or one for each layer. Default: ``SubspaceRule()``.
    layers : sequence of str, optional
        Names of the layers that get a subspace. Default: all.
    mode : {"weight", "input"}
        Whether the gradient is projected, or the input from which it is computed. Both give the
        same result, except for spiking lateral neurons, which need "input".
    extraction : {"hebbian", "svd"}
        "hebbian" uses :class:`Subspace`, "svd" uses :class:`SVDSubspace`.
    averaged : bool
        Whether subspaces learn from the input averaged over time, or from the input of each step.
    most_rows : int, optional
        Largest number of rows of a mini-batch that a subspace learns from; they are drawn at
        random. A convolution has one row for each position of an image. Default: all.
    seed : int or numpy.random.Generator
        Seed of new rows and of the choice of rows.

    Returns
    -------
    Projections
        Object that starts and ends tasks, and projects gradients.

    Raises
    ------
    DescriptionError
        If `module` is not a module or has no such layers, ranks or rules are for another number
        of layers, or there are more rows than dimensions.
    UnsupportedError
        If a convolution has groups or a padding other than zeros, or lateral neurons are spiking
        in mode "weight".

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(8, 5, bias=False), nn.ReLU(), nn.Linear(5, 2, bias=False))
    >>> projections = attach(net, ranks=Ranks(first=(2, 1), further=((1, 1),)))
    >>> projections.start_task()
    >>> net(torch.ones(3, 8)).sum().backward()
    >>> projections.project()
    >>> projections.end_task()
    >>> projections
    Projections(1 tasks, rows of 0: 2, 2: 1)
    """
    number = own_seed(seed)
    chosen = _layers(module, layers)
    rules = rule if isinstance(rule, tuple) else (rule or SubspaceRule(),) * len(chosen)
    for what, n in (("ranks", len(ranks.first)), ("rule", len(rules))):
        if n != len(chosen):
            raise DescriptionError(
                f"attach: {what} must be for {len(chosen)} layers ({', '.join(chosen)}), got {n}."
            )
    watched = []
    for k, (name, layer) in enumerate(chosen.items()):
        size = int(layer.weight[0].numel())
        if ranks.first[k] > size:
            raise DescriptionError(
                f"attach: ranks: {ranks.first[k]} rows for layer {name!r} are more than the {size} "
                f"dimensions of its input; use smaller ranks."
            )
        if rules[k].lateral == "spiking" and mode == "weight":
            raise UnsupportedError("attach: spiking lateral neurons act on activity; use "
                                   "mode='input'.")  # fmt: skip
        double = layer.weight.dtype == torch.float64
        dtype: Literal["float32", "float64"] = "float64" if double else "float32"
        own = int(stream(number, "hlop", "subspace", k).integers(2**62))
        kind = Subspace if extraction == "hebbian" else SVDSubspace
        watched.append(_ProjectedLayer(name, layer, kind(size, rules[k], dtype=dtype, seed=own)))
    return Projections(AttachedLayers(module, watched, ranks, mode, averaged, most_rows, number))


def _layers(module: nn.Module, names: Sequence[str] | None) -> dict[str, Any]:
    """Return the linear and convolutional layers, by name."""
    layers = {
        n: part for n, part in module.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)
    }
    if names is not None:
        unknown = [name for name in names if name not in layers]
        if unknown:
            raise DescriptionError(
                f"attach: layers: there is no linear or convolutional layer {shown(unknown[0])}; "
                f"valid layers: {', '.join(map(repr, layers)) or 'none'}."
            )
        layers = {name: layers[name] for name in layers if name in names}
    if not layers:
        raise DescriptionError(
            "attach: module must have a linear or convolutional layer, got none."
        )
    for name, layer in layers.items():
        if isinstance(layer, nn.Conv2d) and (layer.groups != 1 or layer.padding_mode != "zeros"):
            raise UnsupportedError(
                f"attach: layer {name!r} must be a convolution with one group and zero padding, "
                f"got groups={layer.groups}, padding_mode={layer.padding_mode!r}."
            )
    return layers
