"""Recordings as neo blocks."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from nonsense import nonsense
from samples import small_network, small_recording

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


def test_a_recording_comes_back_from_neo(neo):
    for recording in (
        small_recording(),
        small_recording(traces={}, provenance={"name": "x", "index": 3}),
        sm.simulate(small_network(), 20.0, backend="native").window(5.0),
    ):
        block = recording.to_neo()
        for source in (block, block.segments[0]):
            back = sm.Recording.from_neo(source)
            assert back.same_as(recording)
            assert (back.dt, back.start, back.stop) == (
                recording.dt, recording.start, recording.stop,
            )  # fmt: skip
        assert dict(sm.Recording.from_neo(block).provenance) == dict(recording.provenance)


def test_blocks_of_others_are_read(neo):
    import quantities as pq

    train = neo.SpikeTrain([0.25, 0.5], units="s", t_start=0.2 * pq.s, t_stop=1.2 * pq.s)
    other = neo.SpikeTrain([300.0], units="ms", t_stop=1200.0, source_population="a",
                           source_index=2)  # fmt: skip
    signal = neo.AnalogSignal(
        np.full((4, 1), -0.065), units="V", sampling_rate=2.0 * pq.kHz, name="v",
        source_population="a",
    )  # fmt: skip
    segment = neo.Segment()
    segment.spiketrains.extend([train, other])
    recording = sm.Recording.from_neo(segment, dt=0.5)
    assert np.allclose(recording["spikes"].times, [250.0, 500.0])
    assert (recording["a"].size, recording["a"].ids.tolist()) == (3, [2])
    assert recording.stop == pytest.approx(1200.0)
    segment.analogsignals.append(signal)
    recording = sm.Recording.from_neo(segment)
    assert recording.dt == 0.5
    assert np.allclose(recording.v["a"], -65.0)


def test_what_neo_blocks_are_refused(neo):
    for value in nonsense():
        with pytest.raises(DescriptionError, match=r"from_neo"):
            sm.Recording.from_neo(value)
    with pytest.raises(DescriptionError, match="one segment"):
        sm.Recording.from_neo(neo.Block())
    with pytest.raises(DescriptionError, match="dt must be given"):
        sm.Recording.from_neo(neo.Segment())
    segment = neo.Segment()
    for _ in range(2):
        segment.spiketrains.append(
            neo.SpikeTrain([1.0], units="ms", t_stop=2.0, population="a", cell=1)
        )
    with pytest.raises(DescriptionError, match="two trains of cell 1"):
        sm.Recording.from_neo(segment, dt=1.0)


def test_spikes_as_a_table(monkeypatch):
    made = []

    def table(columns):
        made.append(columns)
        return "table"

    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(DataFrame=table))
    assert small_recording().to_pandas() == "table"
    columns = made.pop()
    assert {name: list(values) for name, values in columns.items()} == {
        "population": ["out", "out", "out"], "cell": [0, 1, 2], "time": [1.0, 1.0, 3.0],
    }  # fmt: skip
    sm.Recording(spikes={}).to_pandas()
    assert [len(values) for values in made.pop().values()] == [0, 0, 0]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BackendMissing, match="pip install pandas"):
        small_recording().to_pandas()
