"""Reads labelled grey images: MNIST's idx files, ``.npz`` files, and scikit-learn's digits."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..checks import AnyValue, Count, PathName, check_fields, checked
from ..errors import DescriptionError, StorageError, shown
from ..files import NotRegular, open_regular
from ..frozen import Frozen, read_only
from ..limits import lack_of_memory

__all__ = ["Images", "read_images"]

DIGITS = "digits"
"""Name of the data set that scikit-learn includes."""

_WHERE = "read_images"
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_IDX_IMAGES, _IDX_LABELS = b"\0\0\x08\x03", b"\0\0\x08\x01"
_FAULTS: tuple[type[Exception], ...] = (
    *(OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


class _Unreadable(Exception):
    """A file that cannot be read; the message is the reason only."""


@dataclass(frozen=True, eq=False, repr=False)
class Images(Frozen):
    """Grey images and the class of each.

    Parameters
    ----------
    images : array_like, shape (n_images, height, width)
        Brightness, whole numbers from 0 to 255, or bool.
    labels : array_like of int, shape (n_images,)
        Class of each image, at least 0.
    brightest : int, optional
        Brightness of white. Default: 255, or 1 if the images are bool.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_images, height, width)
        Brightness, read-only.
    labels : ndarray of int64, shape (n_images,)
        Class of each image, read-only.

    Raises
    ------
    DescriptionError
        If shapes or values are invalid, or the number of labels differs from that of images.

    Examples
    --------
    >>> data = Images(np.zeros((3, 2, 2), np.uint8), [7, 1, 7])
    >>> len(data), data[:2].labels.tolist(), data.per_class(1).labels.tolist()
    (3, [7, 1], [7, 1])
    """

    images: Annotated[NDArray[np.uint8], AnyValue()]
    labels: Annotated[NDArray[np.int64], AnyValue()]
    brightest: Annotated[int, Count(high=255)] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        images, white = _to_images(self.images, "Images: images")
        labels = to_image_labels(self.labels, len(images), "Images: labels")
        object.__setattr__(self, "images", read_only(images))
        object.__setattr__(self, "labels", read_only(labels))
        object.__setattr__(self, "brightest", self.brightest or white)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: Any) -> Images:
        """Return some of the images: a slice, indices or a mask."""
        try:
            chosen = np.arange(len(self))[which]
        except (IndexError, TypeError, ValueError) as error:
            raise DescriptionError(
                f"Images: use a slice, indices from 0 to {len(self) - 1} or a mask of length "
                f"{len(self)}, got {shown(which)}."
            ) from error
        chosen = np.atleast_1d(chosen)
        return Images(self.images[chosen], self.labels[chosen], self.brightest)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.images.shape[1], self.images.shape[2]

    @checked
    def per_class(self, n: Annotated[int, Count()]) -> Images:
        """Return the first `n` images of each class, in their original order.

        Raises
        ------
        DescriptionError
            If a class has fewer images.
        """
        chosen = [np.flatnonzero(self.labels == label)[:n] for label in np.unique(self.labels)]
        few = min((len(rows) for rows in chosen), default=0)
        if few < n:
            raise DescriptionError(
                f"Images.per_class: n must be at most {few}, the size of the smallest class, "
                f"got {n}."
            )
        return self[np.sort(np.concatenate(chosen))]


def _to_images(value: Any, where: str) -> tuple[NDArray[np.uint8], int]:
    """Return the images as bytes, and the brightness of white."""
    array = _array(value, where)
    if array.ndim != 3 or 0 in array.shape[1:]:
        raise DescriptionError(
            f"{where} must have shape (n_images, height, width), got {array.shape}."
        )
    whole = array.dtype.kind in "biu"
    if not whole or (array.size and (array.min() < 0 or array.max() > 255)):
        raise DescriptionError(
            f"{where} must be whole numbers from 0 to 255, or bool; got {array.dtype} from "
            f"{array.min() if array.size else 0} to {array.max() if array.size else 0}. "
            f"Scale them and convert them to uint8."
        )
    return array.astype(np.uint8, copy=False), 1 if array.dtype == np.bool_ else 255


def to_image_labels(value: Any, n: int, where: str) -> NDArray[np.int64]:
    """Convert classes of images to int64, shape (n,), at least 0.

    Raises
    ------
    DescriptionError
        If values are invalid, or there are not `n` of them.
    """
    array = _array(value, where)
    if array.shape != (n,) or (n and array.dtype.kind not in "biu"):
        raise DescriptionError(
            f"{where} must be whole numbers of shape ({n},), one for each image, got "
            f"{array.dtype} of shape {array.shape}."
        )
    if n and (array.min() < 0 or array.max() > np.iinfo(np.int64).max):
        raise DescriptionError(f"{where} must be at least 0 and below 2**63, got {shown(value)}.")
    return array.astype(np.int64, copy=False)


def _array(value: Any, where: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = None
    if array is None or array.dtype.kind not in "biuf":
        raise DescriptionError(f"{where} must be an array of numbers, got {shown(value)}.")
    return array


@checked
def read_images(path: Annotated[str | Path, PathName()]) -> Images:
    """Read labelled images from a file, or the digits of scikit-learn.

    Parameters
    ----------
    path : str or Path
        An idx file of images in the format of MNIST (``train-images-idx3-ubyte``, also with
        ``.gz``), with its file of labels in the same folder (``train-labels-idx1-ubyte``); an
        ``.npz`` file with `images` and `labels`; or the word ``digits`` for scikit-learn's 1797
        images of 8 x 8 pixels, brightness 0 to 16.

    Returns
    -------
    Images
        ``images`` uint8 (n_images, height, width) and ``labels`` int64 (n_images,).

    Raises
    ------
    StorageError
        If the file does not exist, is of another kind, is truncated, does not fit into memory, or
        has no labels.

    Examples
    --------
    >>> digits = read_images("digits")
    >>> digits.images.shape, digits.labels[:5].tolist(), digits.brightest
    ((1797, 8, 8), [0, 1, 2, 3, 4], 16)
    """
    if str(path) == DIGITS:
        return _digits()
    name = Path(path)
    try:
        with _opened(name) as file:
            begin = file.read(4)
            file.seek(0)
            if begin == _ZIP:
                return _from_npz(file)
            images = _from_idx(file, _IDX_IMAGES)
    except (_Unreadable, DescriptionError) as error:
        _refuse(name, error)
    return _with_labels(images, name)


def _digits() -> Images:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Images(digits.images.astype(np.uint8), digits.target.astype(np.int64), 16)


def _refuse(name: Path, error: Exception) -> NoReturn:
    raise StorageError(f"{_WHERE}: cannot read {str(name)!r}: {str(error).rstrip('.')}.") from error


@contextlib.contextmanager
def _opened(name: Path) -> Iterator[BinaryIO]:
    """Open a regular file; errors in the block become an error with the reason."""
    try:
        with open_regular(name) as file:
            yield file
    except DescriptionError:
        raise
    except NotRegular as error:
        raise _Unreadable(f"it is {error}") from error
    except MemoryError as error:
        raise _Unreadable("there is not enough memory") from error
    except _FAULTS as error:
        raise _Unreadable(getattr(error, "strerror", None) or _words(error)) from error


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"it is damaged or of another kind ({text[:200]})"


def _with_labels(images: NDArray[np.uint8], name: Path) -> Images:
    """Join the images of an idx file with the labels in the file beside it."""
    names = _names_of_labels(name)
    beside = next((other for other in names if other.exists()), None)
    if beside is None:
        wanted = " or ".join(repr(other.name) for other in names) or "a file named like MNIST's"
        raise StorageError(
            f"{_WHERE}: the labels of {str(name)!r} are missing: put {wanted} beside it."
        )
    try:
        with _opened(beside) as file:
            labels = _from_idx(file, _IDX_LABELS)
        return Images(images, labels.astype(np.int64))
    except (_Unreadable, DescriptionError) as error:
        _refuse(beside, error)


def _names_of_labels(name: Path) -> list[Path]:
    """Return the possible names of the file of labels, with and without ``.gz``."""
    plain = name.name.removesuffix(".gz")
    labels = plain.replace("images", "labels").replace("idx3", "idx1")
    return [] if labels == plain else [name.with_name(labels), name.with_name(f"{labels}.gz")]


def _from_idx(file: BinaryIO, magic: bytes) -> NDArray[np.uint8]:
    """Read an array of bytes in MNIST's format, compressed or not."""
    packed = file.read(2) == _GZIP
    file.seek(0)
    if not packed:
        return _idx_array(file, magic, size=_size(file))
    with gzip.GzipFile(fileobj=file) as unpacked:
        return _idx_array(unpacked, magic, size=None)  # type: ignore[arg-type]


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _idx_array(file: BinaryIO, magic: bytes, size: int | None) -> NDArray[np.uint8]:
    """Read the array; `size` is the size of the file in bytes, if known beforehand."""
    n_axes = magic[3]
    begin = file.read(4 + 4 * n_axes)
    if begin[:4] != magic:
        what = "images" if magic == _IDX_IMAGES else "labels"
        raise _Unreadable(f"it is neither an idx file of {what} nor an .npz file")
    if len(begin) < 4 + 4 * n_axes:
        raise _Unreadable("it ends within its header")
    shape = tuple(np.frombuffer(begin, dtype=">u4", offset=4).tolist())
    n_bytes = math.prod(shape)
    _require(n_bytes)
    if size is not None and size != len(begin) + n_bytes:
        raise _Unreadable(_length(shape, n_bytes, size - len(begin)))
    content = file.read(n_bytes)
    if len(content) != n_bytes or file.read(1):
        raise _Unreadable(_length(shape, n_bytes, len(content)))
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _length(shape: tuple[int, ...], expected: int, actual: int) -> str:
    problem = "too short" if actual < expected else "too long"
    return f"it is {problem}: its header says {shape}, which is {expected} bytes of data"


def _require(n_bytes: int) -> None:
    if problem := lack_of_memory(n_bytes, "its content"):
        raise _Unreadable(problem)


def _from_npz(file: BinaryIO) -> Images:
    """Read `images` and `labels` of an ``.npz`` file."""
    with zipfile.ZipFile(file) as archive:
        members = set(archive.namelist())
        missing = [name for name in ("images", "labels") if f"{name}.npy" not in members]
        if missing:
            has = ", ".join(sorted(name.removesuffix(".npy") for name in members)) or "nothing"
            raise _Unreadable(f"it has no array {' and no '.join(missing)} (it has: {has:.200})")
        return Images(_member(archive, "images"), _member(archive, "labels"))


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read one array; its size is checked before memory is allocated."""
    with archive.open(f"{name}.npy") as file:
        shape, fortran, dtype = _header(file)
        if dtype.hasobject or dtype.kind not in "biuf":
            raise _Unreadable(f"{name} must be numbers, got {dtype}")
        n_bytes = math.prod(shape) * dtype.itemsize
        _require(n_bytes)
        content = file.read(n_bytes)
        if len(content) != n_bytes or file.read(1):
            raise _Unreadable(f"{name}: " + _length(shape, n_bytes, len(content)))
    order: Any = "F" if fortran else "C"
    return np.frombuffer(content, dtype=dtype).reshape(shape, order=order)


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, Fortran order (True or False) and type of an array in NumPy's format."""
    version = np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
    readers: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise _Unreadable(f"its arrays are of version {version}")
    header: tuple[tuple[int, ...], bool, np.dtype[Any]] = readers[version](file)
    return header
