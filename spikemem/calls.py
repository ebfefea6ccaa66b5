"""Checks the names of the arguments in a call, and suggests the nearest valid name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import CallError, shown

__all__ = ["SYNONYMS", "Signature", "nearest", "require_call", "signature_of", "unknown_argument"]

SYNONYMS: dict[str, tuple[str, ...]] = {
    # Cells, as NEST, Brian2 and other versions of PyNN call their parameters.
    "C_m": ("cm",), "C": ("cm",), "capacitance": ("cm",),
    "tau": ("tau_m", "tau_plus"), "tau_membrane": ("tau_m",), "membrane_time_constant": ("tau_m",),
    "E_L": ("v_rest",), "El": ("v_rest",), "V_rest": ("v_rest",), "e_rev_leak": ("v_rest",),
    "v_leak": ("v_rest",), "resting_potential": ("v_rest",),
    "V_th": ("v_thresh",), "Vt": ("v_thresh",), "v_th": ("v_thresh",), "theta": ("v_thresh",),
    "v_threshold": ("v_thresh",), "threshold": ("v_thresh",), "vthresh": ("v_thresh",),
    "V_reset": ("v_reset",), "Vr": ("v_reset",), "reset": ("v_reset",),
    "t_ref": ("tau_refrac",), "refractory": ("tau_refrac",), "tau_ref": ("tau_refrac",),
    "refractory_period": ("tau_refrac",),
    "tau_syn_ex": ("tau_syn_E",), "tau_exc": ("tau_syn_E",), "tau_e": ("tau_syn_E",),
    "tau_syn": ("tau_syn_E",), "tau_syn_in": ("tau_syn_I",), "tau_inh": ("tau_syn_I",),
    "tau_i": ("tau_syn_I",),
    "I_e": ("i_offset",), "I_ext": ("i_offset",), "I": ("i_offset",), "bias": ("i_offset",),
    "current": ("i_offset",),
    "V_m": ("v_init",), "v0": ("v_init",), "v": ("v_init",), "initial_values": ("v_init",),
    # Sources.
    "spike_times": ("spikes", "times"), "spiketrains": ("spikes", "times"),
    "trains": ("spikes", "times"),
    "indices": ("ids",), "senders": ("ids",), "t": ("times", "duration"),
    "rates": ("rate",), "freq": ("rate",), "frequency": ("rate",),
    # Plasticity.
    "A_plus": ("a_plus",), "Apre": ("a_plus",), "A_pre": ("a_plus",), "lambda": ("a_plus",),
    "A_minus": ("a_minus",), "Apost": ("a_minus",), "A_post": ("a_minus",), "alpha": ("a_minus",),
    "taupre": ("tau_plus",), "tau_pre": ("tau_plus",),
    "taupost": ("tau_minus",), "tau_post": ("tau_minus",),
    "Wmax": ("w_max",), "wmax": ("w_max",), "gmax": ("w_max",), "Wmin": ("w_min",),
    # Populations and projections.
    "n": ("size", "n"), "N": ("size", "n"), "n_neurons": ("size",), "n_cells": ("size",),
    "neuron": ("cell",), "celltype": ("cell",), "cellclass": ("cell",), "model": ("cell",),
    "neuron_model": ("cell",), "cellparams": ("cell",),
    "label": ("name",), "id": ("name",),
    "monitor": ("record",), "to_record": ("record",), "variables": ("record",),
    "source": ("pre",), "presynaptic_population": ("pre",), "pre_population": ("pre",),
    "target": ("post", "receptor"), "postsynaptic_population": ("post",),
    "post_population": ("post",),
    "weights": ("weight",), "w": ("weight",), "delays": ("delay",), "d": ("delay",),
    "receptor_type": ("receptor",), "sign": ("receptor",),
    "synapse_type": ("plasticity", "receptor"), "synapse": ("plasticity",),
    "stdp": ("plasticity",), "rule": ("plasticity", "connector"),
    "prob": ("p",), "p_connect": ("p",), "probability": ("p",),
    "indegree": ("n",), "outdegree": ("n",),
    "autapses": ("allow_self",), "allow_autapses": ("allow_self",),
    "allow_self_connections": ("allow_self",),
    "multapses": ("repeat",), "allow_multapses": ("repeat",), "with_replacement": ("repeat",),
    # Runs.
    "time": ("duration",), "T": ("duration",), "simtime": ("duration",), "sim_time": ("duration",),
    "runtime": ("duration",), "t_stop": ("stop", "duration"), "t_start": ("start",),
    "length": ("duration",),
    "timestep": ("dt",), "time_step": ("dt",), "resolution": ("dt",), "h": ("dt",),
    "simulator": ("backend",), "method": ("integrator",),
    "rng": ("seed",), "random_state": ("seed",), "random_seed": ("seed",),
    "neurons": ("populations",), "layers": ("populations",),
    "synapses": ("projections",), "connections": ("projections",),
}  # fmt: skip
"""Names that Brian2, NEST, PyNN and common usage give to arguments, with their names here."""


class Signature(NamedTuple):
    """The parameters of a function."""

    names: frozenset[str]
    """Parameters that can be passed by name."""
    positional: tuple[str, ...]
    required: tuple[str, ...]
    any_positional: bool
    """Whether the function takes any number of positional arguments."""
    any_keyword: bool
    """Whether the function takes keyword arguments of any name."""


def signature_of(function: Callable[..., Any], *, bound: bool = False) -> Signature:
    """Return the parameters of a function; `bound` leaves out the first one.

    Examples
    --------
    >>> signature_of(lambda a, *, b=1: None).required
    ('a',)
    """
    items = list(inspect.signature(function).parameters.values())[1 if bound else 0 :]
    plain = [item for item in items if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)]
    return Signature(
        frozenset(item.name for item in plain if item.kind != item.POSITIONAL_ONLY),
        tuple(item.name for item in plain if item.kind != item.KEYWORD_ONLY),
        tuple(item.name for item in plain if item.default is item.empty),
        any(item.kind == item.VAR_POSITIONAL for item in items),
        any(item.kind == item.VAR_KEYWORD for item in items),
    )


def require_call(
    signature: Signature, where: str, args: Sequence[Any], kwargs: Mapping[str, Any],
    units: Callable[[], Mapping[str, str]] = dict, hidden: int = 0,
) -> None:  # fmt: skip
    """Raise an error if a call has unknown, missing or surplus arguments.

    Parameters
    ----------
    signature : Signature
        Parameters of the function.
    where : str
        Name of the function; the message begins with it.
    args, kwargs : sequence, mapping
        Arguments of the call.
    units : callable
        Returns the unit of each parameter that has one, for the message.
    hidden : int
        Number of leading parameters that the caller does not write: 1 for `self`.

    Raises
    ------
    CallError
        If the call is wrong. The message lists every problem, with the nearest valid name of
        each unknown one.
    """
    keywords, positional = kwargs.keys(), signature.positional[: len(args)]
    if (
        (signature.any_keyword or keywords <= signature.names)
        and (signature.any_positional or len(args) <= len(signature.positional))
        and keywords.isdisjoint(positional)
        and all(name in positional or name in keywords for name in signature.required)
    ):
        return
    valid = sorted(signature.names - set(signature.positional[:hidden]))
    problems = []
    missing = [
        name for name in signature.required if name not in positional and name not in keywords
    ]
    extra = [name for name in keywords if name not in signature.names]
    unknown = [name for name in extra if not signature.any_keyword or nearest(name, missing)]
    for name in unknown:
        problems.append(unknown_argument(name, valid, units=units()))
    if not signature.any_positional and len(args) > len(signature.positional):
        most = len(signature.positional) - hidden
        problems.append(
            f"at most {most} arguments can be passed without their names, got "
            f"{len(args) - hidden}; valid names: {', '.join(valid) or 'none'}."
        )
    problems += [f"{name} is given twice." for name in positional if name in keywords]
    meant = {nearest(name, valid) for name in unknown}
    needed = [name for name in missing if name not in meant]
    if needed:
        text = " and ".join(filter(None, [", ".join(needed[:-1]), needed[-1]]))
        problems.append(f"{text} must be given.")
    raise CallError.of_call(where, problems) from None


def unknown_argument(
    name: str, valid: Iterable[str], *, what: str = "argument", also: Iterable[str] = (),
    units: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Return a message about an unknown argument: the valid names, and the nearest one.

    Examples
    --------
    >>> unknown_argument("C_m", ["cm", "tau_m"], units={"cm": "nF"})
    "'C_m' is not an argument (have: cm, tau_m). Did you mean 'cm' (nF)?"
    """
    names = sorted(valid)
    have = ", ".join(names) if names else "none"
    article = "an" if what[0] in "aeiou" else "a"
    text = f"{shown(name)} is not {article} {what} (have: {have})."
    close = nearest(name, [*names, *also])
    if not close:
        return text
    unit = (units or {}).get(close, "1")
    return f"{text} Did you mean {close!r}{'' if unit == '1' else f' ({unit})'}?"


def nearest(name: str, valid: Sequence[str]) -> str:
    """Return the valid name that is nearest in meaning or spelling, or ``""`` if none is near.

    Examples
    --------
    >>> nearest("t_ref", ["tau_m", "tau_refrac"]), nearest("tau_syn_e", ["tau_syn_E", "tau_syn_I"])
    ('tau_refrac', 'tau_syn_E')
    """
    synonym = next((item for item in SYNONYMS.get(name, ()) if item in valid), "")
    if synonym:
        return synonym
    same_letters = [item for item in valid if item.lower() == name.lower()]
    return (same_letters or difflib.get_close_matches(name, valid, n=1) or [""])[0]
