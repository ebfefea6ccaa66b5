"""The convolutional networks of the paper: a small CNN and a pre-activation ResNet-18.

Importing this module imports PyTorch.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn

from ...checks import Count, Each, Flag, Instance, checked
from ...errors import DescriptionError
from ...streams import Seed, own_seed, stream
from .convolution import Convolution
from .parameters import DSRNeuron, LIFNeuron, Ranks
from .spike_functions import neurons

__all__ = ["SpikingCNN", "SpikingResNet18", "SpikingStack"]

Neurons = Annotated[DSRNeuron | LIFNeuron, Instance(DSRNeuron, LIFNeuron)]
Shape = Annotated[tuple[int, ...], Each(Count(), "numbers", least=3, most=3)]


class SpikingStack(nn.Module):
    """Base of the networks: a stem, a body that runs for T steps, and one head for each task.

    An image is the same in every step, so that the layers before the first neurons, `stem`, are
    computed once. Subclasses set `stem`, then `body`, which maps (T B, ...) to
    (T B, n_features), and call :meth:`add_heads`.

    Attributes
    ----------
    steps : int
        Number of time steps T.
    features : tensor or None
        Latest mean activity that the heads read, (B, n_features).
    """

    stem: nn.Module
    body: nn.Module
    heads: nn.ModuleList

    def __init__(self, neuron: DSRNeuron | LIFNeuron, image_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.neuron, self.image_shape = neuron, image_shape
        self.steps = neuron.steps
        self.features: Tensor | None = None
        self._frozen: list[nn.Module] = []
        self._last = neurons(neuron)

    def add_heads(self, n_features: int, n_classes: int, n_heads: int) -> None:
        """Add the heads, which have no bias."""
        self.heads = nn.ModuleList(_head(n_features, n_classes) for _ in range(n_heads))

    def draw_weights(self, seed: Seed) -> None:
        """Draw all weights from normal distributions, as published.

        The variance of a kernel is 2 / (output channels x kernel area); the standard deviation of a
        head is 0.01.
        """
        own = own_seed(seed)
        for name, weights in self.named_parameters():
            if weights.ndim > 1:
                rng = stream(own, "hlop", "weights", name)
                area = weights[0, 0].numel()
                deviation = (2 / (len(weights) * area)) ** 0.5 if weights.ndim == 4 else 0.01
                drawn = rng.normal(0, deviation, tuple(weights.shape)).astype(np.float32)
                weights.data.copy_(torch.from_numpy(drawn))

    def forward(self, images: Tensor, task: int = 0) -> Tensor:
        """Return the logits (B, n_classes) of images (B, channels, height, width) for one task.

        A network with one head uses it for every task.
        """
        currents = self.stem(images)
        rows = currents.repeat(self.steps, *[1] * (currents.dim() - 1))
        features: Tensor = self._last.mean(self.body(rows))
        self.features = features.detach()
        logits: Tensor = self.heads[task if len(self.heads) > 1 else 0](features)
        return logits

    @property
    def ranks(self) -> Ranks:
        """Number of subspace neurons of each projected layer."""
        raise NotImplementedError

    @property
    def n_classes(self) -> int:
        """Number of outputs of a head."""
        weights: Any = self.heads[0].weight
        return len(weights)

    def projected_layers(self) -> dict[str, nn.Module]:
        """Return the layers whose gradients are projected: all convolutions, and a shared head."""
        layers: dict[str, nn.Module] = {
            name: part for name, part in self.named_modules() if isinstance(part, Convolution)
        }
        if len(self.heads) == 1:
            layers["heads.0"] = self.heads[0]
        return layers

    def freeze_norms(self) -> None:
        """Freeze batch normalisation and all other vectors; called after the first task.

        Batch normalisation then uses its running statistics, also in training, and only tensors of
        more than one dimension are trained. With :class:`DSRNeuron`, all errors are then the same
        in every step, and convolutions learn from mean activity.
        """
        for part in self.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eval()
                self._frozen.append(part)
            if isinstance(part, Convolution):
                part.steady = isinstance(self.neuron, DSRNeuron)
        for weights in self.parameters():
            if weights.ndim == 1:
                weights.requires_grad_(False)

    def train(self, mode: bool = True) -> SpikingStack:
        """Set training or evaluation; frozen normalisation stays in evaluation."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self


class SpikingCNN(SpikingStack):
    """Small CNN of the paper: 64C3-M-128C3-M-256C3-M, with one linear head for each task.

    Each 3 x 3 convolution is followed by batch normalisation, spiking neurons and average pooling
    by 2.

    Parameters
    ----------
    image_shape : sequence of int
        Number of channels, height and width; height and width must be at least 8.
    n_classes : int
        Number of classes of each task.
    n_heads : int
        Number of heads: one for each task, or 1 for a head that all tasks share.
    channels : sequence of int
        Number of channels of each convolution.
    neuron : DSRNeuron or LIFNeuron, optional
        Parameters of the neurons. Default: ``DSRNeuron()``.
    seed : int or numpy.random.Generator
        Seed of the weights.

    Raises
    ------
    DescriptionError
        If the image is too small for the poolings.

    Examples
    --------
    >>> import torch
    >>> net = SpikingCNN((3, 32, 32), 10, 10)
    >>> net.ranks.first, net(torch.zeros(2, 3, 32, 32), 9).shape
    ((6, 100, 200), torch.Size([2, 10]))
    """

    @checked
    def __init__(
        self,
        image_shape: Shape = (3, 32, 32),
        n_classes: Annotated[int, Count(high=100_000)] = 10,
        n_heads: Annotated[int, Count(high=100_000)] = 1,
        *,
        channels: Annotated[
            tuple[int, ...], Each(Count(high=10_000), "channels", least=1, most=16)
        ] = (64, 128, 256),
        neuron: Neurons | None = None,
        seed: Seed = 0,
    ) -> None:
        kind = DSRNeuron() if neuron is None else neuron
        super().__init__(kind, image_shape)
        planes, height, width = image_shape
        smallest = 2 ** len(channels)
        if min(height, width) < smallest:
            raise DescriptionError(
                f"SpikingCNN: image_shape must have a height and width of at least {smallest} for "
                f"{len(channels)} poolings, got {height} x {width}."
            )
        parts: list[nn.Module] = []
        for k, now in enumerate(channels):
            parts += [Convolution(planes, now, 3, steps=kind.steps if k else 1)]
            parts += [nn.BatchNorm2d(now), neurons(kind), nn.AvgPool2d(2)]
            planes, height, width = now, height // 2, width // 2
        self.stem, self.body = nn.Sequential(*parts[:2]), nn.Sequential(*parts[2:], nn.Flatten())
        self.add_heads(planes * height * width, n_classes, n_heads)
        self.draw_weights(seed)

    @property
    def ranks(self) -> Ranks:
        """Published numbers of subspace neurons, scaled for other numbers of channels.

        The first convolution has 6 of 27 dimensions, the second 100 of 576, all others 200 of
        1152; each further task adds 2, 20 and 40 of these. No number is published for a shared
        head, which gets an eighth of its inputs.
        """
        layers = list(self.projected_layers().values())
        shares, further = (6 / 27, 100 / 576, 200 / 1152), (2 / 27, 20 / 576, 40 / 1152)
        first, more = [], []
        for k, layer in enumerate(layers):
            n = row_length(layer)
            if isinstance(layer, nn.Linear):
                first.append(max(n // 8, 1))
                more.append(n // 80)
                continue
            first.append(max(round(shares[min(k, 2)] * n), 1))
            more.append(round(further[min(k, 2)] * n))
        return Ranks(first=tuple(first), further=(tuple(more),))


class _Block(nn.Module):
    """Pre-activation block: normalisation, spikes and convolution, twice, plus the input."""

    def __init__(self, planes: int, wider: int, stride: int, kind: DSRNeuron | LIFNeuron) -> None:
        super().__init__()
        self.norm1, self.spike1 = nn.BatchNorm2d(planes), neurons(kind)
        self.conv1 = Convolution(planes, wider, 3, steps=kind.steps, stride=stride)
        self.norm2, self.spike2 = nn.BatchNorm2d(wider), neurons(kind)
        self.conv2 = Convolution(wider, wider, 3, steps=kind.steps)
        self.shortcut: nn.Module | None = None
        if stride != 1 or planes != wider:
            self.shortcut = Convolution(planes, wider, 1, steps=kind.steps, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Transform maps (T B, planes, h, w) to maps (T B, wider, h / stride, w / stride)."""
        spikes = self.spike1(self.norm1(x))
        beside = x if self.shortcut is None else self.shortcut(spikes)
        out: Tensor = self.conv2(self.spike2(self.norm2(self.conv1(spikes)))) + beside
        return out


class SpikingResNet18(SpikingStack):
    """Pre-activation ResNet-18 of spiking neurons with `width` filters in its first stage.

    It has a convolution; four stages of two blocks with 1, 2, 4 and 8 times `width` filters, of
    which the last three halve height and width; spiking neurons; the mean over all positions; and
    a head.

    Parameters
    ----------
    image_shape : sequence of int
        Number of channels, height and width.
    n_classes, n_heads : int
        Number of classes of each task, and of heads: 1 for a head that all tasks share.
    width : int
        Number of filters of the first stage; the paper uses 20.
    large : bool
        Whether the first convolution is 5 x 5 with stride 2, as for miniImageNet, instead of 3 x 3.
    neuron : DSRNeuron or LIFNeuron, optional
        Parameters of the neurons. Default: ``DSRNeuron()``.
    seed : int or numpy.random.Generator
        Seed of the weights.

    Examples
    --------
    >>> net = SpikingResNet18((3, 32, 32), 10)
    >>> net.ranks.first
    (6, 40, 40, 40, 40, 40, 100, 6, 100, 100, 100, 200, 8, 200, 200, 200, 200, 16, 200, 200, 10)
    """

    @checked
    def __init__(
        self,
        image_shape: Shape = (3, 32, 32),
        n_classes: Annotated[int, Count(high=100_000)] = 10,
        n_heads: Annotated[int, Count(high=100_000)] = 1,
        *,
        width: Annotated[int, Count(high=10_000)] = 20,
        large: Annotated[bool, Flag()] = False,
        neuron: Neurons | None = None,
        seed: Seed = 0,
    ) -> None:
        kind = DSRNeuron() if neuron is None else neuron
        super().__init__(kind, image_shape)
        self.large = large
        size, stride = (5, 2) if large else (3, 1)
        self.stem = Convolution(image_shape[0], width, size, steps=1, stride=stride)
        parts: list[nn.Module] = []
        planes = width
        for stage in range(4):
            for block in range(2):
                halving = 2 if stage and not block else 1
                parts.append(_Block(planes, width * 2**stage, halving, kind))
                planes = width * 2**stage
        parts += [nn.BatchNorm2d(planes), neurons(kind), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.body = nn.Sequential(*parts)
        self.add_heads(planes, n_classes, n_heads)
        self.draw_weights(seed)

    @property
    def ranks(self) -> Ranks:
        """Published numbers of subspace neurons, scaled for other widths.

        They are those of 5-Datasets, where each further task adds the same number. With `large`,
        they are those of miniImageNet, where tasks 2 to 6, and later ones, add fewer.
        """
        layers = list(self.projected_layers().values())
        published = _LARGE if self.large else _SMALL
        first, further = [], []
        for layer, (dims, rows) in zip(layers, [*published, (160, 10)], strict=False):
            n = row_length(layer)
            first.append(max(round(rows * n / dims), 1))
            same = not self.large or isinstance(layer, nn.Linear)
            now = first[-1]
            further.append([now, now] if same else [round(now / 15), now // 45])
        early, late = (tuple(row) for row in zip(*further, strict=True))
        return Ranks(first=tuple(first), further=(early,) * 5 + (late,))


_DIMS = (180, 180, 180, 180, 180, 360, 20, 360, 360, 360, 720, 40, 720, 720, 720, 1440, 80,
         1440, 1440)  # fmt: skip
_SMALL = tuple(zip((27, *_DIMS), (6, 40, 40, 40, 40, 40, 100, 6, 100, 100, 100, 200, 8, 200, 200,
                                  200, 200, 16, 200, 200), strict=True))  # fmt: skip
"""Numbers of dimensions and published rows of each layer, in the order of the modules."""
_LARGE = tuple(zip((75, *_DIMS), (24, 90, 90, 90, 90, 90, 180, 10, 180, 180, 180, 360, 20, 360,
                                  360, 360, 720, 40, 720, 720), strict=True))  # fmt: skip


def _head(n_features: int, n_classes: int) -> nn.Module:
    """Return a head whose weights are not drawn yet."""
    head: nn.Module = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, n_features, n_classes, bias=False
    )
    return head


def row_length(layer: nn.Module) -> int:
    """Return the number of inputs of one output of a layer: the length of a subspace's rows."""
    weights: Any = layer.weight
    return int(weights[0].numel())


def count_bytes(module: nn.Module) -> int:
    """Return the bytes of a module's parameters and normalisation statistics."""
    return sum(t.numel() * t.element_size() for t in module.state_dict().values())
