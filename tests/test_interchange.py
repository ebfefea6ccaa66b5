"""Recordings as neo blocks."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from nonsense import nonsense
from samples import small_recording

import spikemem as sm
from spikemem.errors import BackendMissing, DescriptionError
from spikemem.interchange import recording_to_neo


@pytest.fixture
def neo():
    return pytest.importorskip("neo")


def test_a_block_says_what_the_recording_says(neo):
    recording = small_recording(start=0.0)
    block = recording.to_neo()
    assert isinstance(block, neo.Block)
    assert block.annotations == {"backend": "none", "seed": 3}
    (segment,) = block.segments
    assert len(segment.spiketrains) == 5
    for train in segment.spiketrains:
        name, cell = train.annotations["population"], train.annotations["cell"]
        assert train.name == f"{name}[{cell}]"
        assert train.units.dimensionality.string == "ms"
        assert train.magnitude.tolist() == recording[name].to_lists()[cell]
        assert (float(train.t_start), float(train.t_stop)) == (0.0, 4.0)
    signals = {signal.name: signal for signal in segment.analogsignals}
    assert signals["out.v"].units.dimensionality.string == "mV"
    assert signals["learnt.weight"].units.dimensionality.string == "nA"
    assert np.array_equal(signals["out.v"].magnitude, recording.traces["out", "v"])
    assert np.allclose(signals["out.v"].times.rescale("ms").magnitude, recording.times)
    assert signals["out.v"].annotations == {"source": "out", "variable": "v"}


def test_a_later_part_of_a_run_keeps_its_times(neo):
    trains = sm.SpikeTrains(ids=[0], times=[12.5], size=1)
    recording = sm.Recording(
        spikes={"a": trains}, traces={("a", "v"): np.zeros((6, 1))}, start=10.0, stop=13.0, dt=0.5
    )
    (segment,) = recording.to_neo().segments
    train, signal = segment.spiketrains[0], segment.analogsignals[0]
    assert (float(train.t_start), float(train.t_stop)) == (10.0, 13.0)
    assert float(signal.t_start.rescale("ms")) == 10.0
    assert float(signal.sampling_period.rescale("ms")) == 0.5


def test_recordings_without_an_end_or_with_awkward_provenance(neo):
    trains = sm.SpikeTrains(ids=[0, 0], times=[1.0, 3.0], size=1)
    block = sm.Recording(
        spikes={"a": trains}, provenance={"name": "x", "index": 3, "none": None, "list": [1]}
    ).to_neo()
    assert block.segments[0].spiketrains[0].magnitude.tolist() == [1.0, 3.0]
    assert block.name == "spikemem"
    assert block.annotations["provenance_name"] == "x"
    assert block.annotations["none"] == "None"


def test_without_neo_the_message_gives_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(BackendMissing, match=r'pip install "\.\[neo\]"'):
        small_recording().to_neo()


def test_other_things_are_refused():
    for value in nonsense():
        with pytest.raises(DescriptionError, match="must be a Recording"):
            recording_to_neo(value)
