"""The torch module gives what the crossbar gives."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import spikemem as sm
from spikemem.hardware import resistive
from spikemem.hardware.resistive import PCM, Crossbar, Ideal

WITHOUT_TORCH = importlib.util.find_spec("torch") is None


@pytest.mark.skipif(not WITHOUT_TORCH, reason="torch is installed")
def test_without_torch_the_message_gives_the_command():
    with pytest.raises(sm.BackendMissing, match="pip install"):
        resistive.learn.CrossbarLinear(Crossbar(Ideal(), [[1.0]]))
    with pytest.raises(sm.BackendMissing, match="pip install"):
        resistive.learn.CrossbarLinear.from_linear("layer", Ideal())


@pytest.mark.skipif(WITHOUT_TORCH, reason="torch is not installed")
def test_a_module_has_the_output_of_the_crossbar_and_a_gradient():
    import torch

    from spikemem.hardware.resistive.learn import CrossbarLinear

    weights = np.random.default_rng(0).normal(size=(6, 4))
    layer = CrossbarLinear(Crossbar(Ideal(), weights), bias=np.arange(4.0))
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    y = layer(x)
    np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy() @ weights + np.arange(4.0))
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(weights.sum(axis=1), x.shape))


@pytest.mark.skipif(WITHOUT_TORCH, reason="torch is not installed")
def test_a_linear_layer_is_written_into_a_device():
    import torch

    from spikemem.hardware.resistive.learn import CrossbarLinear

    linear = torch.nn.Linear(20, 5)
    layer = CrossbarLinear.from_linear(linear, PCM(), time=60.0, compensation="global")
    x = torch.randn(10, 20)
    error = (layer(x) - linear(x)).norm() / linear(x).norm()
    assert 0.01 < error < 0.4
    with pytest.raises(sm.DescriptionError, match="bias must have shape"):
        CrossbarLinear(layer.crossbar, bias=[1.0])
    with pytest.raises(sm.DescriptionError, match="must be a Crossbar"):
        CrossbarLinear(linear)
