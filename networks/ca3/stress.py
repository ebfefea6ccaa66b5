"""Stress tests of the CA3 memories: material, scripts, spacing and probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ...checks import Choice, Count, Flag, Optional, Probability, Quantity
from ...codes import Patterns
from ...errors import DescriptionError, UnsupportedError
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.material import distinct_patterns, fragment, require_items
from ...stress.running import Run, run_models
from ...stress.subject import Probe, Study, Subject, Task
from .hippocampus import RECALL_GAP, HippocampalMemory
from .live import LiveMemory
from .memory import CA3Memory
from .operations import Learn, RecallContent, RecallCue
from .parameters import PRESET, preset
from .stress_script import Asked, Script, cue_recall, rng_of, timed

__all__ = ["CA3Subject", "HippocampalSubject"]

_Milliseconds = Annotated[int | None, Optional(Count())]
_Window = Annotated[float | None, Optional(Quantity("ms", above=0.0))]
_Change = Annotated[float | None, Optional(Quantity("nA", low=0.0))]


@dataclass(frozen=True, kw_only=True)
class _CueMemorySubject(Subject):
    """Base of both subjects. Items are contents, and each is stored at the address of a cue."""

    questions: ClassVar[frozenset[str]] = frozenset({"recall"})
    # The expected answers are exact by definition, so only the network can be tested.
    backend: ClassVar[str] = "native"
    unit: ClassVar[str] = "memories"

    n_cues: Annotated[int, Count()] = 100
    n_contents: Annotated[int, Count()] = 100
    content_size: Annotated[int | None, Optional(Count())] = None
    sparsity: Annotated[float | None, Optional(Probability())] = None
    overlap: Annotated[float, Probability()] = 0.0
    preset: Annotated[str, PRESET] = "robust"
    spacing: _Milliseconds = None
    recall_spacing: _Milliseconds = None
    hold: Annotated[int, Count(low=0)] = 0
    cue_order: Annotated[str, Choice("sequential", "random")] = "sequential"
    recalls_between: Annotated[int, Count(low=0)] = 0
    learn: Annotated[str, Choice("auto", "spikes", "weights")] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        if self.content_size is not None and self.sparsity is not None:
            raise DescriptionError(f"{name}: give either content_size or sparsity, not both.")
        if self.n_active > self.n_contents:
            raise DescriptionError(
                f"{name}: content_size must be at most n_contents={self.n_contents}, got "
                f"{self.n_active}."
            )

    @property
    def n_active(self) -> int:
        """Number of active bits of a content."""
        if self.content_size is not None:
            return self.content_size
        return max(1, round((0.1 if self.sparsity is None else self.sparsity) * self.n_contents))

    @property
    def scale(self) -> float:
        """One item for each cue."""
        return float(self.n_cues)

    @property
    def n_neurons(self) -> int:
        """Number of cells of the circuit without the inputs."""
        neurons: int = self.memory({}).build().n_neurons
        return neurons

    def require(self, question: str, experiment: str) -> None:
        """Raise UnsupportedError for an experiment whose questions this memory cannot answer."""
        super().require(question, experiment)
        if experiment == "recall" and self._by_cue():
            raise UnsupportedError(
                f"stress: experiment 'recall' makes cues incomplete, and {type(self).__name__} is "
                f"asked by cues of one cell; {self._remedy()}."
            )

    def _by_cue(self) -> bool:
        return True

    def _remedy(self) -> str:
        return "CA3Memory with probe='content' is asked by fragments"

    def theory(self, measure: str) -> dict[str, float]:
        """Return load 1, because the memory is full with one item for each cue."""
        return {"load: one item a cue": 1.0}

    def memory(self, contents: Mapping[int, Any]) -> Any:
        """Return a memory that holds these contents."""
        raise NotImplementedError

    def _recall_gap(self) -> float:
        raise NotImplementedError

    def _n_bits(self) -> int:
        return self.n_contents

    def _question(self, script: Script, probe: Probe, cue: int, content: Any, rng: Any) -> Any:
        """Return the operation of a probe (None if the cue is empty) and the right answer."""
        operation = cue_recall(cue, probe, type(self).__name__, self._remedy())
        return operation, frozenset(content.tolist())

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials in few simulations, each trial on its own memory."""
        self._require(conditions)
        weights = self.learn == "weights" or (
            self.learn == "auto" and conditions.on_device and conditions.backend != "brian2"
        )
        scripts = [self._script(task, weights) for task in tasks]
        spacing = self.spacing
        recall = self.recall_spacing if self.recall_spacing is not None else spacing
        operations = [timed(each, spacing, recall, self._recall_gap()) for each in scripts]
        memories: list[Any] = [each.memory for each in scripts]
        seeds = [task.seed for task in tasks]
        runs = run_models(memories, operations, conditions, seeds, build={"safe": False})
        return [
            self._answers(each, performed, run)
            for each, performed, run in zip(scripts, operations, runs, strict=True)
        ]

    def _answers(self, script: Script, operations: Sequence[Any], run: Run) -> Answers:
        return script.answers(run, self._n_bits())

    def _require(self, conditions: Conditions) -> None:
        spacings = [n for n in ("spacing", "recall_spacing") if getattr(self, n) is not None]
        if conditions.backend == "expected" and spacings:
            raise UnsupportedError(
                f"{type(self).__name__}: {' and '.join(spacings)}: backend 'expected' has no time; "
                f"choose a backend that has, e.g. backend='native'."
            )

    def _script(self, task: Task, weights: bool) -> Script:
        """Return the operations of one trial. With `weights`, the first studies become weights."""
        require_items(task, type(self).__name__)
        contents, cues = self._material(task)
        events = list(task.script)
        held: dict[int, Any] = {}
        while weights and events and isinstance(events[0], Study):
            item = events.pop(0).item
            held[cues[item]] = contents[item]
        script = Script(self.memory(held))
        studied: list[int] = []
        fragments, between = rng_of(task, "fragments"), rng_of(task, "recalls_between")
        before: Any = None
        for event in events:
            cue, content = cues[event.item], contents[event.item]
            if isinstance(event, Study):
                script.add(Learn(cue, content))
                studied.append(cue)
                for other in between.integers(len(studied), size=self.recalls_between).tolist():
                    script.add(RecallCue(studied[other]))
            else:
                hold = self.hold if isinstance(before, Study) else 0
                operation, wanted = self._question(script, event, cue, content, fragments)
                number = -1 if operation is None else script.add(operation, hold)
                script.asked.append(Asked(operation=number, question=event.question, wanted=wanted))
            before = event
        return script

    def _material(self, task: Task) -> tuple[Patterns, list[int]]:
        """Return the contents of all items, and the cue of each."""
        shared = round(self.overlap * self.n_active)
        contents = distinct_patterns(
            task.n_items, size=self.n_contents, active=self.n_active, shared=shared,
            seed=rng_of(task, "contents"), where=type(self).__name__,
        )  # fmt: skip
        order = list(range(self.n_cues))
        if self.cue_order == "random":
            order = rng_of(task, "cues").permutation(self.n_cues).tolist()
        return contents, [order[k % self.n_cues] for k in range(task.n_items)]


@dataclass(frozen=True, kw_only=True)
class CA3Subject(_CueMemorySubject):
    """A :class:`CA3Memory` under test.

    Item k is a random content at cue ``k % n_cues``. From load 1 on, items overwrite others. A
    recall is asked by the cue (the answer is the content) or by the content (the answers are
    addresses). Recognition is always asked by the content of an item. Its familiarity is the
    number of bits of the fragment that the best cue holds (match "best"), or of the cues that
    answer.

    Parameters
    ----------
    n_cues, n_contents : int
        Sizes of the memory.
    content_size : int, optional
        Number of active bits of a content. Default: it follows from `sparsity`.
    sparsity : float, optional
        Fraction of the content bits that are active. Default: 0.1.
    overlap : float
        Fraction of a content's bits that all contents have in common, in addition to the bits that
        they share by chance.
    preset : {"robust", "published"}
        Preset of the memory.
    gated : bool, optional
        Whether weights change only where an operation is meant to change them. Default: as in the
        preset.
    self_links : bool, optional
        Whether addresses inhibit themselves ("published" only). Default: as the preset.
    tau_plus, tau_minus : float, optional
        Windows of the plasticity, ms. Default: as the preset.
    a_plus, a_minus : float, optional
        Largest changes of a weight, nA. Default: as the preset.
    spacing : int, optional
        From the start of an operation to that of the next one, ms. Default: the safe times of the
        preset. A recall that asks several questions (match "best") takes the rest of them besides.
    recall_spacing : int, optional
        Spacing after a recall, ms. Default: `spacing`.
    hold : int
        Additional time between a study and a probe that follows it, ms.
    cue_order : {"sequential", "random"}
        Order in which items are assigned to cues.
    recalls_between : int
        Recalls of items studied so far, drawn at random, that follow each study; their answers
        do not count.
    learn : {"auto", "spikes", "weights"}
        How the memory gets what is studied before the first probe: by operations in the same run,
        or as its weights at the start. "auto": by weights if they are on a device whose backend
        learns without its errors (not "brian2"), else by operations. What is studied later is
        learnt by operations.
    probe : {"cue", "content"}
        Whether a recall is asked by cue or by content. Only a content can be incomplete or partly
        wrong.
    match : {"any", "all", "best"}, optional
        See :class:`RecallContent`. Default: "best", or "any" with the published circuit.
    wanted : {"item", "match"}
        Right addresses of a recall by content: that of the item alone, or all that a table without
        errors would answer.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise"})

    gated: Annotated[bool | None, Optional(Flag())] = None
    self_links: Annotated[bool | None, Optional(Flag())] = None
    tau_plus: _Window = None
    tau_minus: _Window = None
    a_plus: _Change = None
    a_minus: _Change = None
    probe: Annotated[str, Choice("cue", "content")] = "cue"
    match: Annotated[str | None, Optional(Choice("any", "all", "best"))] = None
    wanted: Annotated[str, Choice("item", "match")] = "item"

    def __post_init__(self) -> None:
        super().__post_init__()
        preset(self.preset, **self._changes())

    def _changes(self) -> dict[str, Any]:
        names = ("gated", "self_links", "tau_plus", "tau_minus", "a_plus", "a_minus")
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def n_synapses(self) -> int:
        """Number of synapses of both plastic projections."""
        return 2 * self.n_cues * self.n_contents

    def memory(self, contents: Mapping[int, Any]) -> CA3Memory:
        """Return a memory that holds these contents."""
        return CA3Memory(
            self.n_cues, self.n_contents, preset=self.preset, contents=contents, **self._changes()
        )

    def _by_cue(self) -> bool:
        return self.probe == "cue"

    def _remedy(self) -> str:
        return "set probe='content'"

    def _recall_gap(self) -> float:
        return preset(self.preset, **self._changes()).recall_gap

    def _n_bits(self) -> int:
        return self.n_contents if self.probe == "cue" else self.n_cues

    def _rule(self) -> Any:
        if self.match is not None:
            return self.match
        hold = preset(self.preset, **self._changes()).protocol == "hold"
        return "any" if hold else "best"

    def _question(self, script: Script, probe: Probe, cue: int, content: Any, rng: Any) -> Any:
        if probe.question == "recall" and self.probe == "cue":
            return super()._question(script, probe, cue, content, rng)
        bits = fragment(content, probe, self.n_contents, rng)
        if not bits.size:
            return None, frozenset({cue})
        return RecallContent(bits, match=self._rule()), frozenset({cue})

    def _answers(self, script: Script, operations: Sequence[Any], run: Run) -> Answers:
        if self.wanted == "match" and self.probe == "content":
            right = script.memory.expected(operations, safe=False)
            script.asked = [
                item if item.operation < 0 else
                Asked(operation=item.operation, question=item.question,
                      wanted=frozenset(right[item.operation]))
                for item in script.asked
            ]  # fmt: skip
        return super()._answers(script, operations, run)


@dataclass(frozen=True, kw_only=True)
class HippocampalSubject(_CueMemorySubject):
    """A :class:`HippocampalMemory` under test. It is asked by its cues only.

    Parameters
    ----------
    n_cues, n_contents, content_size, sparsity, overlap, preset, spacing, recall_spacing, hold, \
cue_order, recalls_between, learn
        As in :class:`CA3Subject`.
    """

    @property
    def n_synapses(self) -> int:
        """Number of synapses of the plastic projection."""
        return self.n_cues * self.n_contents

    def memory(self, contents: Mapping[int, Any]) -> LiveMemory:
        """Return a memory that holds these contents."""
        return HippocampalMemory(
            self.n_cues, self.n_contents, preset=self.preset, contents=contents
        )

    def _recall_gap(self) -> float:
        return RECALL_GAP
