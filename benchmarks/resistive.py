"""Speed of crossbars, event-driven reads and programming, beside plain products and aihwkit.

All on one thread, in one process, one after the other: 1024 x 1024 weights, 64 vectors, single
precision; the smallest process CPU time of many repetitions. With aihwkit (and PyTorch) installed
its torch tile is timed as well, and the distributions of its noise models are compared with ours
by the two-sample Kolmogorov-Smirnov test.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/resistive.py [--quick]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

from spikemem.hardware import resistive  # noqa: E402

N, BATCH = 1024, 64
DAY = 86400.0


def best(function: Callable[[], object], repetitions: int) -> float:
    """Smallest CPU time of one call, ms."""
    function()
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def products(weights: np.ndarray, x: np.ndarray, repetitions: int) -> float:
    gemm = best(lambda: x @ weights, repetitions)
    print(f"{'plain product (numpy)':<44}{gemm:8.2f} ms")
    io = resistive.Converters(out_bound=60.0)
    chains = {
        "ideal crossbar": {"reads": "none"},
        "converters": {"reads": "none", "converters": io},
        "read noise at each read": {},
        "converters and read noise": {"converters": io},
        "converters, read noise, tiles of 256": {"converters": io, "tile": (256, 256)},
        "converters, read noise, voltage drop": {"converters": io, "ir_drop": 1.0},
    }
    for name, options in chains.items():
        bar = resistive.Crossbar(resistive.PCM(), weights, dtype="float32", time=DAY, **options)
        spent = best(lambda bar=bar: bar.matvec(x), repetitions)
        print(f"{name:<44}{spent:8.2f} ms {spent / gemm:7.1f} x")
    return gemm


def events(repetitions: int) -> None:
    """Spikes of some of 1000 inputs through sparse synapses (10 %)."""
    rng = np.random.default_rng(0)
    i, j = np.nonzero(rng.random((1000, 1000)) < 0.1)
    array = resistive.program(resistive.PCM(), rng.random(i.size))
    reader = resistive.EventReader(i, j, array, n_in=1000, n_out=1000, time=DAY)
    print()
    for fired in (10, 50, 250, 1000):
        spikes = rng.choice(1000, fired, replace=False)
        spent = best(lambda spikes=spikes: reader.read(spikes), repetitions)
        touched = np.isin(i, spikes).sum()
        print(f"{f'{fired} of 1000 inputs fire, {touched} synapses':<44}{spent:8.3f} ms")


def programming(repetitions: int) -> None:
    weights = np.random.default_rng(0).uniform(-1, 1, 1_000_000)
    print()
    for device in (resistive.PCM(), resistive.WanRRAM(), resistive.CMOHfOx()):
        spent = best(lambda device=device: resistive.program(device, weights, seed=1), repetitions)
        print(f"{f'program 10^6 differential pairs, {device.name}':<44}{spent:8.1f} ms")


def peer_tile(weights: np.ndarray, x: np.ndarray, gemm: float, repetitions: int) -> None:
    import torch
    from aihwkit.nn import AnalogLinear
    from aihwkit.simulator.configs import TorchInferenceRPUConfig

    torch.set_num_threads(1)
    layer = AnalogLinear(N, N, bias=False, rpu_config=TorchInferenceRPUConfig())
    layer.set_weights(torch.as_tensor(weights.T.copy()))
    layer.eval()
    vectors = torch.as_tensor(x)
    with torch.no_grad():
        spent = best(lambda: layer(vectors), repetitions)
    print(
        f"\n{'aihwkit torch tile, its default converters':<44}{spent:8.2f} ms {spent / gemm:7.1f} x"
    )


def peer_noise(n: int) -> None:
    """Weights after a time, ours and theirs, for some targets; p of the two-sample test."""
    import torch
    from aihwkit.inference import PCMLikeNoiseModel, ReRamCMONoiseModel, ReRamWan2022NoiseModel
    from aihwkit.inference.noise.hermes import HermesNoiseModel
    from scipy.stats import ks_2samp

    torch.manual_seed(1)
    pairs = {
        "PCM": (resistive.PCM(), PCMLikeNoiseModel(g_max=25.0), None, (1.0, 3600.0, DAY)),
        "CMOHfOx": (
            resistive.CMOHfOx(), ReRamCMONoiseModel(acceptance_range=2), resistive.Offset(),
            (1.0, DAY),
        ),
        "HERMES": (resistive.HERMES(), HermesNoiseModel(num_devices=2), None, (3600.0, DAY)),
        "WanRRAM": (
            resistive.WanRRAM(read_noise=0.0), ReRamWan2022NoiseModel(g_max=40.0), None,
            (1.0, DAY),
        ),
    }  # fmt: skip
    print(f"\n{'device, age, weight':<28}{'aihwkit':>20}{'ours':>20}{'p':>10}")
    for name, (device, model, mapping, times) in pairs.items():
        for age in times:
            for weight in (0.2, 0.5, 0.9):
                wanted = torch.full((n + 2,), weight, dtype=torch.float64)
                wanted[-2], wanted[-1] = 1.0, -1.0
                theirs = model.apply_noise(wanted, age)[:n].numpy()
                array = resistive.program(device, np.full(n, weight), w_max=1.0, mapping=mapping)
                ours = array.weights(age, draw=0)
                p = ks_2samp(theirs, ours).pvalue
                print(
                    f"{f'{name}, {age:g} s, {weight}':<28}"
                    f"{theirs.mean():>10.4f} ±{theirs.std():>7.4f}"
                    f"{ours.mean():>11.4f} ±{ours.std():>7.4f}{p:>10.3g}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    quick = parser.parse_args().quick
    repetitions = 5 if quick else 50
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.3, (N, N)).clip(-1, 1).astype(np.float32)
    x = rng.uniform(-1, 1, (BATCH, N)).astype(np.float32)
    gemm = products(weights, x, repetitions)
    events(repetitions)
    programming(3 if quick else 15)
    if importlib.util.find_spec("aihwkit") is None:
        print("\naihwkit is not installed: no comparison with it")
        return
    peer_tile(weights, x, gemm, repetitions)
    peer_noise(20_000 if quick else 100_000)


if __name__ == "__main__":
    main()
