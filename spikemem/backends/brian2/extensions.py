"""Extensions: user-defined code and functions in the synapses that the backend makes.

An extension is passed as an option, ``simulate(network, extensions=[mine])`` or
``Session(network, extensions=[mine])``. It names the hooks at which its code runs, and the
projections. The backend raises an error if a hook does not exist, or if code would never run.
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
    "`change` (the change by the rule, with its sign); limited to `weight_min` and `weight_max`",
    "after_update": "plastic synapses: statements after each update; `change` is the change by "
    "the rule",
    "before_delivery": "all synapses: statements when a spike reads the weight; they can change "
    "`read` (nA), the current that is sent",
}
"""Names of the hooks, with a description of their code."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ALIAS = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([A-Za-z_]\w*)\s*")
_RESERVED = {
    *equations.PLASTIC_STATE, *equations.RULE, "arrived", "change", "dt", "gate", "gate_column",
    "i", "is_open", "j", "read", "slot", "steps_under_way", "t", "t_in_timesteps",
}  # fmt: skip


class Context(NamedTuple):
    """The simulation for which an extension returns its hooks.

    Attributes
    ----------
    network : Network
        Network to simulate.
    integrator : {"spinnaker", "exact"}
        Rules of one time step.
    target : {"numpy", "cython"}
        Target of Brian2's code generation.
    slices : mapping of str to slice
        Cells of each population in ``model.cells`` or ``model.sources``.
    n_cells : int
        Total number of LIF cells.
    """

    network: Network
    integrator: str
    target: str
    slices: Mapping[str, slice]
    n_cells: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Hooks:
    """The changes that an extension makes in one session.

    Parameters
    ----------
    projections : sequence of str
        Projections to change; each must have synapses.
    code : mapping of str to str, optional
        Brian2 code for each hook, by the names in :data:`HOOKS`.
    constants, variables : mapping of str to array_like, optional
        Values for each synapse, shape (n_synapses,) of all these projections in their order, or
        one number. Only variables can change in a run; :meth:`spikemem.Session.run` undoes their
        changes if it fails.
    functions : mapping of str to callable, optional
        Functions that the code calls, with arrays of one number for each synapse of an event.
        Arguments and results have no units. They need ``target="numpy"``.
    each_step : callable, optional
        ``each_step(model, step)`` is called in each step, after the delivery of spikes.
    state : sequence of ndarray or numpy.random.Generator, optional
        Python objects that change during a run, e.g. the generator that a function draws from.
        They are saved and restored together with the session.
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
    """An object with a name and a method ``hooks``.

    Attributes
    ----------
    name : str
        Name for messages and for the provenance of recordings.

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
        """Name for messages and for the provenance of recordings."""

    def hooks(self, context: Context) -> Hooks:
        """Return the changes; called once for each session, so that sessions share no state.

        Parameters
        ----------
        context : Context
            The network, and the position of its cells in the Brian2 objects.
        """


class Prepared(NamedTuple):
    """An extension that is checked against its network."""

    name: str
    hooks: Hooks
    code: dict[str, str]
    arrays: dict[str, NDArray[np.float64]]
    functions: dict[str, Any]


class Added(NamedTuple):
    """The additions of all extensions to the synapses of one bundle."""

    code: dict[str, str]
    declarations: str
    arrays: dict[str, NDArray[np.float64]]
    functions: dict[str, Any]
    state: tuple[str, ...]


def to_extensions(values: Any) -> tuple[Extension, ...]:
    """Check that values are a sequence of extensions, and return them as a tuple.

    Raises
    ------
    DescriptionError
        If the value is not a sequence, or an entry has no name or no method ``hooks``.
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
    """Get the hooks of each extension, and check that they fit the network.

    Raises
    ------
    DescriptionError
        If hooks or projections are unknown, code would never run, names are in use, or shapes are
        wrong.
    """
    prepared: list[Prepared] = []
    for extension in extensions:
        hooks = extension.hooks(context)
        problems = Problems(f"extension {extension.name!r}")
        if not isinstance(hooks, Hooks):
            problems.add(f"hooks() must return Hooks, got {shown(hooks)}")
            problems.raise_if_any()
        prepared.append(_prepared(extension.name, hooks, context, problems))
        problems.raise_if_any()
    _check_pairs(prepared)
    return prepared


def _prepared(name: str, hooks: Hooks, context: Context, problems: Problems) -> Prepared:
    network = context.network
    if hooks.functions and context.target != "numpy":
        problems.add(f"functions need target 'numpy', got {context.target!r}")
    valid_names = [item.name for item in network.projections]
    for item in hooks.projections:
        if item not in valid_names:
            problems.add(unknown_name("projection", item, valid_names))
        elif not network.count(item):
            problems.add(f"projection {item!r} has no synapses that could be changed")
    problems.raise_if_any()
    code = _code(hooks, network, problems)
    if not code and hooks.each_step is None:
        problems.add("it has neither code nor each_step, so it changes nothing")
    text = "\n".join(code.values())
    for part in ("constants", "variables", "functions"):
        for item in getattr(hooks, part):
            _check_name(item, part, text, problems)
    problems.raise_if_any()
    size = sum(network.count(item) for item in hooks.projections)
    arrays = {}
    for item, values in {**hooks.constants, **hooks.variables}.items():
        with problems.collecting():
            array = to_array(values, "1", item)
            if array.ndim and array.shape != (size,):
                problems.add(f"{item} must have shape ({size},), got {array.shape}")
            else:
                arrays[item] = np.broadcast_to(array, size)
    functions = {}
    for item, function in hooks.functions.items():
        with problems.collecting():
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
                        f"code[{hook!r}]: in Brian2's numpy code {line.strip()!r} makes both names "
                        f"refer to one array; write '{alias[1]} = clip({alias[2]}, "
                        f"{alias[2]}, {alias[2]})'"
                    )
    static = [name for name in hooks.projections if network.projection(name).plasticity is None]
    for hook in ("weight_update", "after_update"):
        if hook in code and static:
            problems.add(
                f"code[{hook!r}] would never run in the static projection {static[0]!r}; remove it "
                f"from projections"
            )
    return code


def _check_name(name: Any, part: str, code: str, problems: Problems) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        problems.add(f"{part}: names must be letters, digits and '_', got {shown(name)}")
    elif name in _RESERVED or name.startswith(("sent_", "arriving_")):
        problems.add(f"{part}: the name {name!r} is in use; choose another")
    elif not re.search(rf"\b{name}\b", code):
        problems.add(f"{part}: {name!r} does not occur in the code")


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
    # With stateless=True Brian2 calls the function once for all synapses of an event.
    wrapped = b2.Function(function, arg_units=[1] * len(parameters), return_unit=1, stateless=True)

    def copied(*values: Any) -> Any:
        return np.array(function(*values), dtype=np.float64)  # Brian2 can change it in place

    wrapped.implementations.add_numpy_implementation(copied, discard_units=True)
    return wrapped


def _check_pairs(prepared: Sequence[Prepared]) -> None:
    """Raise an error if two extensions of one projection contradict each other."""
    problems = Problems("extensions")
    for k, one in enumerate(prepared):
        for other in prepared[k + 1 :]:
            common = sorted({*one.hooks.projections} & {*other.hooks.projections})
            if not common:
                continue
            both = f"{one.name!r} and {other.name!r} both change {common[0]!r}"
            if "weight_update" in one.code and "weight_update" in other.code:
                problems.add(f"{both}, but only one of them can have code for 'weight_update'")
            for name in sorted(_names(one) & _names(other)):
                problems.add(f"{both} and both define {name!r}; rename one")
    problems.raise_if_any()


def _names(item: Prepared) -> set[str]:
    return {*item.arrays, *item.functions}


def changing(prepared: Sequence[Prepared], projection: str) -> tuple[int, ...]:
    """Return the numbers of the extensions with code in the synapses of a projection."""
    return tuple(
        k for k, item in enumerate(prepared) if item.code and projection in item.hooks.projections
    )


def added(
    prepared: Sequence[Prepared], which: Sequence[int], projections: Sequence[str], network: Network
) -> Added:
    """Join the additions of some extensions to the synapses of some projections."""
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
    """Raise an error unless the code of every hook is in a pathway of these synapses.

    Raises
    ------
    DescriptionError
        If some code would never run.
    """
    whole = ["".join(str(pathway.code).split()) for pathway in synapses._pathways]
    for hook, text in code.items():
        if not any("".join(text.split()) in each for each in whole):
            raise DescriptionError(
                f"extensions: the code for {hook!r} is missing from the equations of "
                f"{synapses.name!r} and would never run."
            )


def operation(item: Prepared, model: Brian2Model, number: int) -> Any:
    """Return a Brian2 object that calls `each_step` and holds the state of the extension."""
    act = item.hooks.each_step or (lambda model, step: None)
    step = model.clock.variables["timestep"].get_value()
    operation = _Operation(
        lambda: act(model, int(step[0])),
        clock=model.clock,
        when="synapses",
        order=1000,
        name=f"spikemem_extension_{number}",
    )
    operation.state = tuple(item.hooks.state)
    return operation


class _Operation(b2.NetworkOperation):  # type: ignore[misc]
    """Calls a function in each step; saves and restores arrays and random generators."""

    state: tuple[Any, ...] = ()

    def _full_state(self) -> Any:
        return [
            item.copy() if isinstance(item, np.ndarray) else copy.deepcopy(item.bit_generator.state)
            for item in self.state
        ]

    def _restore_from_full_state(self, state: Any) -> None:
        for item, saved in zip(self.state, state, strict=True):
            if isinstance(item, np.ndarray):
                item[...] = saved
            else:
                item.bit_generator.state = saved
