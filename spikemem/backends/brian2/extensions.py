"""Extensions: code and functions of one's own in the synapses that the backend makes.

An extension is passed as an option, ``simulate(network, extensions=[mine])`` or
``Session(network, extensions=[mine])``. It says at which named hooks its code runs, and in which
projections; the backend raises if there is no such hook, or if the code would never run.
"""

from __future__ import annotations

import copy
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, Protocol

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from ...checks import Callback, Choice, Each, Instance, MappingOf, Name, check_fields
from ...errors import DescriptionError, Problems, shown, unknown_name
from ...network import Network
from ...units import to_array, to_tuple
from . import equations
from .objects import Brian2Model

__all__ = ["HOOKS", "Context", "Extension", "Hooks"]

HOOKS = {
    "weight_update": "plastic synapses: expression of the new weight (nA), from `weight` and "
    "`change` (what the rule asks for, signed); limited to `weight_min` and `weight_max`",
    "after_update": "plastic synapses: statements after each update; `change` is what the rule "
    "asked for",
    "before_delivery": "all synapses: statements when a spike reads the weight; they may change "
    "`read` (nA), the current that is sent",
}
"""Names of the hooks, and what their code may do."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ALIAS = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([A-Za-z_]\w*)\s*")
_RESERVED = {
    *equations.PLASTIC_STATE, *equations.RULE, "arrived", "change", "dt", "gate", "gate_column",
    "i", "is_open", "j", "read", "slot", "steps_under_way", "t", "t_in_timesteps",
}  # fmt: skip


class Context(NamedTuple):
    """What an extension is made for.

    Attributes
    ----------
    network : Network
        What is simulated.
    integrator : {"spinnaker", "exact"}
        What one step does.
    target : {"numpy", "cython"}
        What the code is made for.
    place : mapping of str to slice
        For each population which cells of ``model.cells`` or ``model.sources`` are its own.
    n_cells : int
        Number of LIF cells in all.
    """

    network: Network
    integrator: str
    target: str
    place: Mapping[str, slice]
    n_cells: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Hooks:
    """What an extension changes in one session.

    Parameters
    ----------
    projections : sequence of str
        Projections that it changes; each must have synapses.
    code : mapping of str to str, optional
        Brian2 code for each hook, by the names of :data:`HOOKS`.
    constants, variables : mapping of str to array_like, optional
        Values for each synapse, shape (n_synapses,) of all its projections in their order, or one
        number. Only variables may change in a run; :meth:`spikemem.Session.run` undoes their
        changes if it fails.
    functions : mapping of str to callable, optional
        Functions that the code calls, with arrays of one number for each synapse of an event. Their
        arguments and results have no units. They need ``target="numpy"``.
    each_step : callable, optional
        ``each_step(model, step)`` is called in each step, after the spikes were delivered.
    state : sequence of ndarray or numpy.random.Generator, optional
        What changes in Python during a run, e.g. the generator that a function draws from. It is
        saved and restored together with the session.
    """

    projections: Annotated[Sequence[str], Each(Name(), "names", least=1)]
    code: Annotated[Mapping[str, str], MappingOf(Choice(*HOOKS))] = field(default_factory=dict)
    constants: Annotated[Mapping[str, Any], MappingOf(Name())] = field(default_factory=dict)
    variables: Annotated[Mapping[str, Any], MappingOf(Name())] = field(default_factory=dict)
    functions: Annotated[Mapping[str, Callable[..., Any]], MappingOf(Name(), Callback())] = field(
        default_factory=dict
    )
    each_step: Annotated[Callable[[Any, int], None], Callback()] | None = None
    state: Annotated[
        Sequence[Any], Each(Instance(np.ndarray, np.random.Generator), "arrays and generators")
    ] = ()

    def __post_init__(self) -> None:
        check_fields(self)


class Extension(Protocol):
    """Anything with a name and a method ``hooks``.

    Attributes
    ----------
    name : str
        Stands in messages and in the provenance of recordings.

    Examples
    --------
    >>> import spikemem as sm
    >>> class Weaker:
    ...     name = "half of each weight"
    ...     def hooks(self, context):
    ...         return Hooks(projections=["p"], code={"before_delivery": "read = 0.5*read"})
    >>> trains = sm.SpikeTrains.from_lists([[1.0]])
    >>> net = sm.Network(
    ...     populations=[
    ...         sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
    ...         sm.Population(name="out", size=1, cell=sm.LIF(), record=["v"]),
    ...     ],
    ...     projections=[sm.Projection.one_to_one("p", "in", "out", weight=1.0, delay=1.0)],
    ... )
    >>> whole, half = (
    ...     sm.simulate(net, 5.0, extensions=used).traces["out", "v"] for used in ([], [Weaker()])
    ... )
    >>> np.allclose(half - half[0], 0.5 * (whole - whole[0]))
    True
    """

    @property
    def name(self) -> str:
        """Stands in messages and in the provenance of recordings."""

    def hooks(self, context: Context) -> Hooks:
        """What it changes; called once for each session, so that its state is that session's own.

        Parameters
        ----------
        context : Context
            The network, and where its cells are in the Brian2 objects.
        """


class Prepared(NamedTuple):
    """An extension that fits its network."""

    name: str
    hooks: Hooks
    code: dict[str, str]
    arrays: dict[str, NDArray[np.float64]]
    functions: dict[str, Any]


class Added(NamedTuple):
    """What the extensions add to the synapses of one bundle."""

    code: dict[str, str]
    declarations: str
    arrays: dict[str, NDArray[np.float64]]
    functions: dict[str, Any]
    state: tuple[str, ...]


def to_extensions(values: Any) -> tuple[Extension, ...]:
    """Check that these are extensions.

    Raises
    ------
    DescriptionError
        Not a sequence, or something in it has no name or no method ``hooks``.
    """
    items = to_tuple(values, "extensions", "extensions")
    for item in items:
        named = isinstance(getattr(item, "name", None), str)
        if isinstance(item, type) or not named or not callable(getattr(item, "hooks", None)):
            raise DescriptionError(
                f"extensions: each must have a name and a method hooks(context), got {shown(item)}."
            )
    return items


def prepare(extensions: Iterable[Extension], context: Context) -> list[Prepared]:
    """Ask each extension for its hooks, and check that they fit the network.

    Raises
    ------
    DescriptionError
        Unknown hooks or projections, code that would never run, names in use, wrong shapes.
    """
    found: list[Prepared] = []
    for extension in extensions:
        hooks = extension.hooks(context)
        problems = Problems(f"extension {extension.name!r}")
        if not isinstance(hooks, Hooks):
            problems.add(f"hooks() must return Hooks, got {shown(hooks)}")
            problems.raise_if_any()
        found.append(_prepared(extension.name, hooks, context, problems))
        problems.raise_if_any()
    _check_pairs(found)
    return found


def _prepared(name: str, hooks: Hooks, context: Context, problems: Problems) -> Prepared:
    network = context.network
    if hooks.functions and context.target != "numpy":
        problems.add(f"functions need target 'numpy', got {context.target!r}")
    known = [item.name for item in network.projections]
    for item in hooks.projections:
        if item not in known:
            problems.add(unknown_name("projection", item, known))
        elif not network.count(item):
            problems.add(f"projection {item!r} has no synapses, so that it can't be changed")
    problems.raise_if_any()
    code = _code(hooks, network, problems)
    if not code and hooks.each_step is None:
        problems.add("it has neither code nor each_step, so that it changes nothing")
    text = "\n".join(code.values())
    for part in ("constants", "variables", "functions"):
        for item in getattr(hooks, part):
            _check_name(item, part, text, problems)
    problems.raise_if_any()
    size = sum(network.count(item) for item in hooks.projections)
    arrays = {}
    for item, values in {**hooks.constants, **hooks.variables}.items():
        with problems.noting():
            array = to_array(values, "1", item)
            if array.ndim and array.shape != (size,):
                problems.add(f"{item} must have shape ({size},), got {array.shape}")
            else:
                arrays[item] = np.broadcast_to(array, size)
    functions = {}
    for item, function in hooks.functions.items():
        with problems.noting():
            functions[item] = _function(item, function)
    return Prepared(name, hooks, code, arrays, functions)


def _code(hooks: Hooks, network: Network, problems: Problems) -> dict[str, str]:
    code = {}
    for hook, text in hooks.code.items():
        if not isinstance(text, str) or not text.strip():
            problems.add(f"code[{hook!r}] must be Brian2 code, got {shown(text)}")
        else:
            code[hook] = textwrap.dedent(text).strip()
            for line in code[hook].splitlines():
                if alias := _ALIAS.fullmatch(line):
                    problems.add(
                        f"code[{hook!r}]: in Brian2's numpy code {line.strip()!r} makes both one "
                        f"array, which change together; write '{alias[1]} = clip({alias[2]}, "
                        f"{alias[2]}, {alias[2]})'"
                    )
    static = [name for name in hooks.projections if network.projection(name).plasticity is None]
    for hook in ("weight_update", "after_update"):
        if hook in code and static:
            problems.add(
                f"code[{hook!r}] would never run in the static projection {static[0]!r}; leave it "
                f"out of projections"
            )
    return code


def _check_name(name: Any, part: str, code: str, problems: Problems) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        problems.add(f"{part}: a name of letters, digits and '_' is needed, got {shown(name)}")
    elif name in _RESERVED or name.startswith(("sent_", "arriving_")):
        problems.add(f"{part}: the name {name!r} is in use; take another")
    elif not re.search(rf"\b{name}\b", code):
        problems.add(f"{part}: {name!r} does not occur in the code, so that it is never used")


def _function(name: str, function: Any) -> Any:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or any(item.kind not in plain for item in parameters):
        raise DescriptionError(
            f"functions[{name!r}] must be a Python function with a fixed number of arguments, "
            f"at least one."
        )
    # "stateless" is what lets Brian2 call it once for all synapses of an event.
    made = b2.Function(function, arg_units=[1] * len(parameters), return_unit=1, stateless=True)

    def copied(*values: Any) -> Any:
        return np.array(function(*values), dtype=np.float64)  # Brian2 may change it in place

    made.implementations.add_numpy_implementation(copied, discard_units=True)
    return made


def _check_pairs(prepared: Sequence[Prepared]) -> None:
    """Refuse two extensions of one projection that can't both hold."""
    problems = Problems("extensions")
    for k, one in enumerate(prepared):
        for other in prepared[k + 1 :]:
            common = sorted({*one.hooks.projections} & {*other.hooks.projections})
            if not common:
                continue
            both = f"{one.name!r} and {other.name!r} both change {common[0]!r}"
            if "weight_update" in one.code and "weight_update" in other.code:
                problems.add(f"{both}, but only one may have code for 'weight_update'")
            for name in sorted(_names(one) & _names(other)):
                problems.add(f"{both} and both define {name!r}; rename one")
    problems.raise_if_any()


def _names(item: Prepared) -> set[str]:
    return {*item.arrays, *item.functions}


def changing(prepared: Sequence[Prepared], projection: str) -> tuple[int, ...]:
    """Which extensions put code into the synapses of a projection."""
    return tuple(
        k for k, item in enumerate(prepared) if item.code and projection in item.hooks.projections
    )


def added(
    prepared: Sequence[Prepared], which: Sequence[int], projections: Sequence[str], network: Network
) -> Added:
    """All that some extensions add to the synapses of some projections, one after the other."""
    code: dict[str, str] = {}
    lines: list[str] = []
    arrays: dict[str, NDArray[np.float64]] = {}
    functions: dict[str, Any] = {}
    state: list[str] = []
    for item in (prepared[k] for k in which):
        for hook, text in item.code.items():
            code[hook] = f"{code[hook]}\n{text}" if hook in code else text
        edges = np.cumsum([0, *(network.count(name) for name in item.hooks.projections)])
        at = [list(item.hooks.projections).index(name) for name in projections]
        for name, values in item.arrays.items():
            arrays[name] = np.concatenate([values[edges[k] : edges[k + 1]] for k in at])
            lines.append(f"{name} : 1" + (" (constant)" if name in item.hooks.constants else ""))
        functions.update(item.functions)
        state += item.hooks.variables
    return Added(code, "\n".join(lines), arrays, functions, tuple(state))


def require_present(synapses: b2.Synapses, code: Mapping[str, str]) -> None:
    """Raise unless the code of every hook stands in a pathway of these synapses.

    Raises
    ------
    DescriptionError
        Some code would never run.
    """
    whole = ["".join(str(pathway.code).split()) for pathway in synapses._pathways]
    for hook, text in code.items():
        if not any("".join(text.split()) in each for each in whole):
            raise DescriptionError(
                f"extensions: the code for {hook!r} is missing from the equations of "
                f"{synapses.name!r} and would never run."
            )


def operation(item: Prepared, model: Brian2Model, number: int) -> Any:
    """Brian2 object that calls `each_step`, and whose state is that of the extension."""
    act = item.hooks.each_step or (lambda model, step: None)
    step = model.clock.variables["timestep"].get_value()
    operation = _Operation(
        lambda: act(model, int(step[0])),
        clock=model.clock,
        when="synapses",
        order=1000,
        name=f"spikemem_extension_{number}",
    )
    operation.kept = tuple(item.hooks.state)
    return operation


class _Operation(b2.NetworkOperation):  # type: ignore[misc]
    """Calls a function in each step; saves and restores arrays and random generators."""

    kept: tuple[Any, ...] = ()

    def _full_state(self) -> Any:
        return [
            item.copy() if isinstance(item, np.ndarray) else copy.deepcopy(item.bit_generator.state)
            for item in self.kept
        ]

    def _restore_from_full_state(self, state: Any) -> None:
        for item, saved in zip(self.kept, state, strict=True):
            if isinstance(item, np.ndarray):
                item[...] = saved
            else:
                item.bit_generator.state = saved
