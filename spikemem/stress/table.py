"""Table of the subjects and the experiments. Each is imported when it is first used."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import DescriptionError, shown, unknown_name

__all__ = ["EXPERIMENTS", "SUBJECTS", "experiment_named", "model_of", "subject_class"]

SUBJECTS: dict[str, str] = {
    "ActiveDendriteNeurons": "spikemem.networks.dendrites.stress:DendriteSubject",
    "CA3Memory": "spikemem.networks.ca3.stress:CA3Subject",
    "DenseAssociativeMemory": "spikemem.networks.reference:DenseSubject",
    "HLOPClassifier": "spikemem.networks.hlop.stress:HLOPSubject",
    "HippocampalMemory": "spikemem.networks.ca3.stress:HippocampalSubject",
    "HopfieldNetwork": "spikemem.networks.reference:HopfieldSubject",
    "LiquidStateMachine": "spikemem.networks.liquid.stress:LiquidSubject",
    "MultitaskingHebbian": "spikemem.networks.reference:MultitaskingSubject",
    "Sparsey": "spikemem.networks.sparsey.stress:SparseySubject",
    "TemporalMemory": "spikemem.networks.dendrites.stress:SequenceSubject",
    "WillshawMemory": "spikemem.networks.reference:WillshawSubject",
}
"""Subject class of each model."""

EXPERIMENTS: dict[str, str] = {
    name: f"spikemem.stress.experiments.{name}:{name.capitalize()}"
    for name in (
        "capacity", "recognition", "recall", "retention", "order", "noise", "rehearsal",
    )
}  # fmt: skip
"""Class of each experiment."""


def _imported(where: str) -> Any:
    module, _, item = where.partition(":")
    return getattr(importlib.import_module(module), item)


def experiment_named(name: str) -> Any:
    """Class of an experiment."""
    if name not in EXPERIMENTS:
        raise DescriptionError(unknown_name("experiment", name, EXPERIMENTS))
    return _imported(EXPERIMENTS[name])


def subject_class(model: Any) -> Any:
    """Class of the subject of a model class, of a model's name, or of a subject itself.

    A model class outside spikemem names its subject in its attribute ``subject``.
    """
    from .subject import Subject

    if isinstance(model, type) and issubclass(model, Subject):
        return model
    own = getattr(model, "subject", None) if isinstance(model, type) else None
    if own is not None:
        return _imported(own) if isinstance(own, str) else own
    name = model if isinstance(model, str) else getattr(model, "__name__", None)
    names = {known.lower(): where for known, where in SUBJECTS.items()}
    if not isinstance(name, str) or name.lower() not in names:
        if isinstance(model, str):
            raise DescriptionError(unknown_name("model", model, SUBJECTS))
        raise DescriptionError(
            f"stress: model must be a model class with an attribute subject, or one of "
            f"{', '.join(SUBJECTS)}, got {shown(model)}."
        )
    return _imported(names[name.lower()])


def model_of(subject: str) -> str:
    """Name of the model that a class of subjects tests; its own name if it is not in the table.

    Examples
    --------
    >>> model_of("CA3Subject"), model_of("MySubject")
    ('CA3Memory', 'MySubject')
    """
    names = {where.partition(":")[2]: model for model, where in SUBJECTS.items()}
    return names.get(subject, subject)
