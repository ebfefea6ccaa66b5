"""Base of the reference memories. They have no spikes, and refuse calls that need spikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, NoReturn, Self

from ...checks import AnyValue, checked
from ...display import Displayed
from ...errors import UnsupportedError
from ...models import StoredModel
from ...recording import Recording

__all__ = ["ReferenceMemory"]


class ReferenceMemory(StoredModel, Displayed):
    """Base of the reference memories: algorithms without spikes, with the contract of a model.

    ``recall`` and ``expected`` return answers. ``build`` and ``decode`` raise UnsupportedError,
    because there is no network of spiking cells to build.
    """

    plastic: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def _refuse(self, what: str) -> NoReturn:
        name = type(self).__name__
        raise UnsupportedError(
            f"{name}.{what}: a {name} has no spiking cells, so no backend can run it; call recall."
        )

    def recall(self, cues: Any) -> Any:
        """Return the answer to each cue."""
        raise NotImplementedError

    @checked
    def build(self, trials: Annotated[Iterable[Any], AnyValue()], **options: Any) -> NoReturn:
        """Raise UnsupportedError: the memory has no spiking network.

        Raises
        ------
        UnsupportedError
            Always; call :meth:`recall`.
        """
        self._refuse("build")

    @checked
    def decode(
        self, recording: Recording, trials: Annotated[Iterable[Any], AnyValue()], **options: Any
    ) -> NoReturn:
        """Raise UnsupportedError, as :meth:`build` does.

        Raises
        ------
        UnsupportedError
            Always; call :meth:`recall`.
        """
        self._refuse("decode")

    @checked
    def expected(self, trials: Annotated[Iterable[Any], AnyValue()]) -> list[Any]:
        """Return the answer to each cue, as a list; see :meth:`recall`."""
        return list(self.recall(trials))

    @checked
    def after(self, recording: Recording, trials: Annotated[Iterable[Any], AnyValue()]) -> Self:
        """Return the memory itself, because a recall changes nothing."""
        return self
