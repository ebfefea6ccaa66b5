"""The BibTeX of what was used: complete, once each, and well formed."""

from __future__ import annotations

import re

import pytest
from nonsense import refusal

import spikemem as sm
from spikemem.backends import BACKENDS
from spikemem.citations import SIMULATORS, bibtex, citation


def keys(text):
    return re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)


def test_every_backend_has_its_papers():
    assert SIMULATORS.keys() >= BACKENDS.keys()
    for name in BACKENDS:
        assert len(keys(bibtex(backend=name))) >= 2


@pytest.mark.parametrize("name", SIMULATORS)
def test_entries_are_well_formed(name):
    text = bibtex(name)
    assert text.count("{") == text.count("}")
    for entry in text.split("\n\n"):
        fields = re.findall(r"^  (\w+) = \{", entry, re.MULTILINE)
        assert {"title", "author"} <= set(fields)
        assert len(fields) == len(set(fields))


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
