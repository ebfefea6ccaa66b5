"""The BibTeX of what was used: complete, once each, and well formed."""

from __future__ import annotations

import re

import pytest
from families import FAMILIES
from nonsense import refusal

import spikemem as sm
from spikemem.backends import BACKENDS
from spikemem.citations import SIMULATORS, bibtex, citation
from spikemem.hardware.resistive import DEVICES


def keys(text):
    return re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)


def test_every_backend_has_its_papers():
    assert SIMULATORS.keys() >= BACKENDS.keys()
    for name in BACKENDS:
        assert len(keys(bibtex(backend=name))) >= 2


@pytest.mark.parametrize("name", SIMULATORS)
def test_entries_are_well_formed(name):
    require_well_formed(bibtex(name))


def require_well_formed(text):
    assert text.count("{") == text.count("}")
    for entry in text.split("\n\n"):
        fields = re.findall(r"^  (\w+) = \{", entry, re.MULTILINE)
        assert {"title", "author"} <= set(fields)
        assert len(fields) == len(set(fields))


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_every_family_names_its_papers(family):
    model = family.untrained()
    assert model.bibtex
    assert set(keys("\n\n".join(model.bibtex))) < set(keys(bibtex(model)))
    require_well_formed(bibtex(model))


# These have no paper: they are defined by numbers of the user.
OWN = {"Generic", "Ideal"}


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_names_its_source(name):
    device = DEVICES[name]()
    assert bool(device.bibtex) != (name in OWN)
    require_well_formed(bibtex(device))
    for entry in device.bibtex:
        author = re.search(r"author = \{(.*?)[,}]", entry).group(1)
        year = re.search(r"year = \{(\d+)\}", entry).group(1)
        assert author.split()[-1] in device.source
        assert year in device.source


def test_a_model_on_a_device_on_a_backend(capsys):
    sm.citation(sm.CA3Memory(2, 3), DEVICES["PCM"](), backend="native")
    assert keys(capsys.readouterr().out) == [
        "spikemem", "casanueva2024cam", "nandakumar2019pcm", "lam2015numba",
    ]  # fmt: skip


def test_each_entry_is_printed_once(capsys):
    recording = sm.Recording(
        spikes={"a": sm.SpikeTrains.empty(1)}, provenance={"backend": "pynn:nest"}
    )
    citation(recording, "nest", backend="pynn:brian2")
    found = keys(capsys.readouterr().out)
    wanted = {"spikemem", "stimberg2019brian", "davison2009pynn", "gewaltig2007nest"}
    assert len(found) == len(wanted)
    assert set(found) == wanted


def test_things_without_papers_are_refused():
    for thing in (1, None, [], object()):
        assert "citation" in refusal(bibtex, thing)
    assert "Did you mean 'nest'" in refusal(bibtex, "nst")
    assert refusal(bibtex, backend=7)
