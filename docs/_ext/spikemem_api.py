"""Reference pages: readable signatures, links between names, links from docstrings to pages."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import typing
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.inspect import stringify_signature
from sphinx.util.typing import stringify_annotation

PAGE = re.compile(r"``docs/([\w/]+)\.md``")
LONGEST = 70
"""Types with more characters are left to the description of the parameter."""
STAR = re.compile(r"(?<![*\w\\])\*(?=\w+\.shape)")
"""The star of a shape such as ``(2, *weights.shape)``."""
DOCUMENTED: dict[int, str] = {}
"""Public name of each documented object, by its id."""


def plain_annotations(thing: Any) -> dict[str, Any]:
    """Types of the parameters, without the kinds that they declare."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    try:
        return typing.get_type_hints(function)
    except Exception:  # a name that is imported for type checkers only
        return {}


class Omitted:
    """Stands for a default that is made anew for each call."""

    def __repr__(self) -> str:
        return "..."


def is_code(text: str) -> bool:
    """Whether a default is shown as Python would write it."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, args: str | None, returns: Any
) -> tuple[str, str | None] | None:
    """Show ``time: float = 0.0``, where the source declares a kind with limits and a unit."""
    if what not in ("class", "function", "method") or args is None:
        return None
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return None
    hints = plain_annotations(thing)
    parameters = []
    for each in found.parameters.values():
        annotation = hints.get(each.name, inspect.Parameter.empty)
        if annotation is Any or len(stringify_annotation(annotation, "smart")) > LONGEST:
            annotation = inspect.Parameter.empty  # the text below has the type
        if each.default is not inspect.Parameter.empty and not is_code(repr(each.default)):
            each = each.replace(default=Omitted())
        parameters.append(each.replace(annotation=annotation))
    if what == "method" and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    answer = hints.get("return", inspect.Signature.empty)
    if what == "class":
        answer = inspect.Signature.empty
    shown = found.replace(parameters=parameters, return_annotation=answer)
    text = stringify_signature(shown, unqualified_typehints=True)
    head, arrow, tail = text.partition(") -> ")
    return (head + ")", tail) if arrow else (text, None)


def modules() -> list[ModuleType]:
    """All modules of the package that are imported by now."""
    names = sorted(name for name in sys.modules if name.split(".")[0] == "spikemem")
    return [sys.modules[name] for name in names]


def constant_docstring(name: str, thing: Any) -> list[str]:
    """The text below a constant, in the module that it comes from."""
    last = name.rpartition(".")[2]
    for module in modules():
        if vars(module).get(last) is not thing:
            continue
        try:
            comments = ModuleAnalyzer.for_module(module.__name__).find_attr_docs()
        except PycodeError:
            continue
        if ("", last) in comments:
            return comments["", last]
    return []


def docstring(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Turn names of pages in docstrings into links; give constants their own text."""
    if what == "data":
        lines[:] = constant_docstring(name, thing)
    lines[:] = [STAR.sub(r"\\*", PAGE.sub(r":doc:`/\1`", line)) for line in lines]


def skip(app: Sphinx, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out what a named tuple says about each field, and what has no docstring of its own."""
    if name == "view" and what == "class":  # where the picture for notebooks is
        return True
    if re.match(r"Alias for field number", getattr(thing, "__doc__", None) or ""):
        return True
    if (inspect.isroutine(thing) or isinstance(thing, property)) and not thing.__doc__:
        return True
    return None


def attribute_chain(module: str, dotted: str) -> Any:
    """The object of a dotted name that begins in a module; raises AttributeError if none has it."""
    thing = importlib.import_module(module)
    for part in dotted.split("."):
        thing = getattr(thing, part)
    return thing


def look_up(target: str, module: str | None, owner: str | None) -> Any:
    """The object that a cross-reference means."""
    starts: list[tuple[str, str]] = []
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        starts.append((".".join(parts[:cut]), ".".join(parts[cut:])))
    if module:
        here = module
        if owner:
            starts.append((here, f"{owner}.{target}"))
            try:  # where the class was written, other names are known
                source = attribute_chain(module, owner.split(".")[0]).__module__
                starts.append((source, target))
            except AttributeError:
                pass
        while here:
            starts.append((here, target))
            here = here.rpartition(".")[0]
    for start, rest in starts:
        try:
            return attribute_chain(start, rest)
        except (ImportError, AttributeError):
            continue
    return None


def exists(target: str) -> bool:
    """Whether some module or class of the package has this name, though it has no page."""
    first, *rest = target.split(".")
    for module in modules():
        if first in vars(module) and not rest:
            return True
        for thing in vars(module).values():
            if inspect.isclass(thing) and thing.__module__.startswith("spikemem"):
                fields = getattr(thing, "__annotations__", {})
                if rest and thing.__name__ == first:
                    if hasattr(thing, rest[0]) or rest[0] in fields:
                        return True
                elif not rest and (hasattr(thing, first) or first in fields):
                    return True
    return False


def resolve(app: Sphinx, env: Any, node: Any, contnode: nodes.Node) -> nodes.Node | None:
    """Find the page of a name that is public elsewhere, or that stands without its module."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains["py"]
    if not DOCUMENTED:
        for name in domain.objects:
            found = look_up(name, None, None)
            if found is not None and not isinstance(found, int | float | str):
                DOCUMENTED.setdefault(id(found), name)
    target = node["reftarget"].lstrip(".~")
    thing = look_up(target, node.get("py:module"), node.get("py:class"))
    if thing is None:
        return contnode if exists(target) else None
    name = DOCUMENTED.get(id(thing))
    if name is None and "." in target:  # a member of an object that is public elsewhere
        owner = look_up(target.rpartition(".")[0], node.get("py:module"), node.get("py:class"))
        name = f"{DOCUMENTED.get(id(owner))}.{target.rpartition('.')[2]}"
    if name is None or name not in domain.objects:
        return contnode
    entry = domain.objects[name]
    reference = nodes.reference("", "", internal=True)
    reference["refuri"] = (
        app.builder.get_relative_uri(node["refdoc"], entry.docname) + "#" + entry.node_id
    )
    reference["reftitle"] = name
    reference += contnode
    return reference


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the functions above."""
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", docstring, priority=100)
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
