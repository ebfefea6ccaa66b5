"""Writes and reads models in files: arguments as JSON, and arrays with their units."""

from __future__ import annotations

import importlib
import json
from dataclasses import fields
from typing import Any

import h5py
import numpy as np

from .errors import StorageError
from .models import DEVICES, MODELS, StoredModel
from .storage import FileKind, put

__all__ = ["MODEL", "PARTS"]

PARTS: dict[str, str] = {
    "DenseLiquid": "spikemem.networks.liquid:DenseLiquid",
    "MaassLiquid": "spikemem.networks.liquid:MaassLiquid",
    "PermanenceRule": "spikemem.networks.dendrites:PermanenceRule",
    **{
        name: f"spikemem.networks.hlop:{name}"
        for name in ("CubaNeuron", "DSRNeuron", "LIFNeuron", "Ranks", "SubspaceRule")
    },
    **{
        name: f"spikemem.networks.sparsey:{name}"
        for name in ("BackOff", "Level", "Plasticity", "Selection")
    },
    **DEVICES,
}
"""Dataclasses that can be arguments of a stored model, imported when they are first used."""


def _imported(table: dict[str, str], name: Any, what: str) -> Any:
    if not isinstance(name, str) or name not in table:
        raise StorageError(f"{name!r} is not a {what} that a file can hold")
    module, _, item = table[name].partition(":")
    return getattr(importlib.import_module(module), item)


def _plain(value: Any) -> Any:
    """Convert a value to plain types of JSON; a dataclass keeps the name of its type."""
    if hasattr(value, "__dataclass_fields__"):
        name = type(value).__name__
        if _imported(PARTS, name, "part of a model") is not type(value):
            raise StorageError(f"a user-defined {name} cannot be stored")
        inside = {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
        return {"type": name, "settings": inside}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _rebuilt(value: Any) -> Any:
    """Rebuild a value from the plain types that :func:`_plain` returned."""
    if isinstance(value, list):
        return tuple(_rebuilt(entry) for entry in value)
    if isinstance(value, dict):
        inside = {key: _rebuilt(entry) for key, entry in value.items()}
        if set(inside) == {"type", "settings"}:
            return _imported(PARTS, inside["type"], "part of a model")(**inside["settings"])
        return inside
    return value


def _write(file: h5py.File, model: StoredModel) -> None:
    name = type(model).__name__
    if _imported(MODELS, name, "model") is not type(model):
        raise StorageError(f"a user-defined {name} cannot be stored (see spikemem.models.MODELS)")
    group = file.create_group("model")
    group.attrs.update(type=name, arguments=json.dumps(_plain(model.arguments())))
    arrays = group.create_group("arrays")
    for key, stored in model.arrays().items():
        put(arrays, key, stored.values, None if stored.unit == "1" else stored.unit)


def _read(file: h5py.File) -> StoredModel:
    group = file["model"]
    cls: type[StoredModel] = _imported(MODELS, group.attrs["type"], "model")
    arguments = json.loads(group.attrs["arguments"])
    if not isinstance(arguments, dict):
        raise StorageError("its arguments must be a mapping")
    return cls.restored(_rebuilt(arguments), group["arrays"])


MODEL = FileKind(_write, _read, StoredModel)
