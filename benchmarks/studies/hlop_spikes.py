"""Compares the spikes of a trained network in PyTorch, on simulators and on SpiNNaker.

    python benchmarks/studies/hlop_spikes.py [--images 1000] [--mnist PATH.npz] [--general]

A classifier learns two tasks (the images, and the images with their pixels in another order) in
PyTorch. Its weights are rounded to the grid of its cells. Then the test images are shown to the
PyTorch network, to Brian2, to the compiled engine and to the emulator of SpiNNaker, one after the
other in one circuit, and all spikes of all hidden neurons in all steps are compared. `PATH` is a
file with the arrays ``images`` and ``labels``, of which the last 10,000 are kept for the test;
without it the digits of scikit-learn are taken. With ``--general`` the neuron is the one with the
time constants 10 and 5 ms, whose spikes are not proven to be the same.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import spikemem as sm
from spikemem.networks.hlop import CubaNeuron, HLOPClassifier
from spikemem.networks.hlop.cuba import code_levels, encode
from spikemem.networks.hlop.trainers.bptt import FusedLIF

Images = tuple[NDArray[np.float64], NDArray[np.int64]]


def images(path: str | None, n_test: int) -> tuple[Images, Images]:
    """Images for training and for the test, as rows of values from 0 to 1, with their classes.

    Those of the test come from the last 10,000 of a file; of the digits they are drawn at random.
    """
    if path is None:
        from sklearn.datasets import load_digits

        data = load_digits()
        order = np.random.default_rng(0).permutation(len(data.target))
        x, y = data.data[order] / 16.0, data.target[order].astype(np.int64)
        return (x[n_test:], y[n_test:]), (x[:n_test], y[:n_test])
    with np.load(path) as held:
        x, y = held["images"], held["labels"].astype(np.int64)
    x = x.reshape(len(x), -1) / 255.0
    first = len(x) - 10_000
    return (x[:first], y[:first]), (x[first : first + n_test], y[first : first + n_test])


def trained(data: Images, general: bool) -> HLOPClassifier:
    """A classifier that has learnt two tasks; the second has the pixels in another order."""
    x, y = data
    wide = x.shape[1] > 100
    neuron = CubaNeuron(v_thresh=1.0) if general else CubaNeuron.halving()
    model = HLOPClassifier(
        (x.shape[1], 128, 128 if wide else 64, 10), trainer="bptt", neuron=neuron, batch=32,
        epochs=1 if wide else 10, learning_rate=0.1, seed=0,
    )  # fmt: skip
    for order in (np.arange(x.shape[1]), other_order(x.shape[1])):
        model.learn_task(x[:, order], y)
    return model


def other_order(n: int) -> NDArray[np.int64]:
    """Order of the pixels in the second task."""
    return np.random.default_rng(1).permutation(n)


def torch_spikes(model: HLOPClassifier, x: NDArray[np.float64]) -> tuple[list[Any], Any]:
    """Spikes of the hidden layers in PyTorch, (steps, n, n_neurons) each, and the outputs.

    The network is the trained one: the trainer's own neuron in double precision, with the weights
    that `model` has.
    """
    neuron: Any = model.neuron
    levels = code_levels(neuron, model.layers[0], model.seed)
    rows = x.astype(model.dtype)
    given = torch.from_numpy(encode(rows, levels, neuron)).double()
    found = []
    for weights in model.weights_[:-1]:
        given = FusedLIF.apply(given @ torch.from_numpy(weights).double().T, neuron)
        found.append(given.numpy().astype(bool))
    return found, (given.mean(0) @ torch.from_numpy(model.weights_[-1]).double().T).numpy()


def compare(model: HLOPClassifier, data: Images, backends: list[str]) -> None:
    """Show the images to all backends, and print what differs."""
    x, y = data
    rounded = model.on_grid()
    print(f"  accuracy as trained {model.score(x, y):.4f}, on the grid {rounded.score(x, y):.4f}")
    for k, layer in enumerate(model.spike_margins(x)):
        print(
            f"  hidden {k + 1}: nearest potential {layer.margin:.3g} of the threshold away, error "
            f"of the machine up to {layer.error:.3g}; proven for any input: {layer.is_proven}, for "
            f"these images: {layer.is_identical}"
        )
    wanted = model.hidden_spikes(x)
    made, outputs = torch_spikes(rounded, x)
    cells = sum(spikes.size for spikes in wanted)
    differ = sum(int((a != b).sum()) for a, b in zip(made, wanted, strict=True))
    print(f"  {sum(int(spikes.sum()) for spikes in wanted)} spikes in {cells} cells of time")
    print(f"  {'PyTorch':10} {differ} differ, accuracy {np.mean(outputs.argmax(1) == y):.4f}")
    network = model.build(x, samples="in turn")
    for backend in backends:
        began = time.process_time()
        recording = sm.simulate(network, backend=backend)
        cpu = time.process_time() - began
        found = model.recorded_spikes(recording, x, samples="in turn")
        differ = sum(int((a != b).sum()) for a, b in zip(found, wanted, strict=True))
        answers = np.array(model.decode(recording, x, samples="in turn"))
        print(
            f"  {backend:10} {differ} differ, accuracy {np.mean(answers == y):.4f}, {cpu:.1f} CPU-s"
        )


def main() -> None:
    """Train, build, simulate, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--train", type=int, default=12_000)
    parser.add_argument("--mnist", help="file with images and labels (.npz)")
    parser.add_argument("--general", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    (x, y), test = images(given.mnist, given.images)
    began = time.process_time()
    model = trained((x[: given.train], y[: given.train]), given.general)
    print(f"{model!r}: {time.process_time() - began:.1f} CPU-s of training")
    orders = {"first task": np.arange(x.shape[1]), "second task": other_order(x.shape[1])}
    for name, order in orders.items():
        print(name)
        compare(model, (test[0][:, order], test[1]), ["brian2", "native", "emulator"])


if __name__ == "__main__":
    main()
