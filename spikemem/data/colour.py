"""Reads labelled images from the files of CIFAR-10, CIFAR-100, SVHN and notMNIST."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..checks import AnyValue, Choice, PathName, check_fields, checked
from ..errors import DescriptionError, StorageError, shown
from ..files import NotRegular, open_regular
from ..frozen import Frozen, read_only
from ..limits import lack_of_memory
from .images import Images, to_image_labels
from .plain_pickle import NotPlain, PackedArray, read_plain_pickle

__all__ = ["ColourImages", "read_cifar", "read_notmnist", "read_svhn"]

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
_LARGEST = 2**31
"""Largest file that is read, bytes."""

_LARGEST_PICTURE = 2**22
"""Largest picture of a letter that is read, pixels."""


@dataclass(frozen=True, eq=False, repr=False)
class ColourImages(Frozen):
    """Colour images and the class of each.

    Parameters
    ----------
    images : array_like of uint8, shape (n_images, 3, height, width)
        Red, green and blue, 0 to 255.
    labels : array_like of int, shape (n_images,)
        Class of each image, at least 0.

    Raises
    ------
    DescriptionError
        If shapes or values are invalid, or the number of labels differs from that of images.

    Examples
    --------
    >>> ColourImages(np.zeros((2, 3, 4, 4), np.uint8), [0, 1]).shape
    (3, 4, 4)
    """

    images: Annotated[NDArray[np.uint8], AnyValue()]
    labels: Annotated[NDArray[np.int64], AnyValue()]

    def __post_init__(self) -> None:
        check_fields(self)
        try:
            images = np.asarray(self.images)
        except (TypeError, ValueError, OverflowError):
            images = np.array(None)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise DescriptionError(
                f"ColourImages: images must be uint8 of shape (n_images, 3, height, width), got "
                f"{images.dtype} of shape {images.shape}."
            )
        if 0 in images.shape[2:]:
            raise DescriptionError(f"ColourImages: images must have pixels, got {images.shape}.")
        labels = to_image_labels(self.labels, len(images), "ColourImages: labels")
        object.__setattr__(self, "images", read_only(images))
        object.__setattr__(self, "labels", read_only(labels))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: Any) -> ColourImages:
        """Return some of the images: a slice, indices or a mask."""
        try:
            chosen = np.atleast_1d(np.arange(len(self))[which])
        except (IndexError, TypeError, ValueError) as error:
            raise DescriptionError(
                f"ColourImages: use a slice, indices from 0 to {len(self) - 1} or a mask of length "
                f"{len(self)}, got {shown(which)}."
            ) from error
        return ColourImages(self.images[chosen], self.labels[chosen])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of colours, height and width."""
        return self.images.shape[1], self.images.shape[2], self.images.shape[3]


class _Unreadable(Exception):
    """A file that cannot be read; the message is the reason only."""


@checked
def read_cifar(
    path: Annotated[str | Path, PathName()],
    part: Annotated[str, Choice("train", "test")] = "train",
    *,
    labels: Annotated[str, Choice("fine", "coarse")] = "fine",
) -> ColourImages:
    """Read CIFAR-10 or CIFAR-100 from the files of their authors.

    The files of the "python version" are pickles, which are programs. They are read without
    running any code, and a file that would call a function is refused.

    Parameters
    ----------
    path : str or Path
        A folder with the files of the python version (``data_batch_1``, ..., ``test_batch``;
        for CIFAR-100 ``train`` and ``test``) or of the binary version (``data_batch_1.bin``, ...;
        ``train.bin`` and ``test.bin``), a folder that contains such a folder, or the published
        archive (``cifar-10-python.tar.gz``, ...), which is not unpacked to disk.
    part : {"train", "test"}
        The 50,000 training images, or the 10,000 test images.
    labels : {"fine", "coarse"}
        For CIFAR-100: 100 classes, or 20 groups of them.

    Returns
    -------
    ColourImages
        ``images`` uint8 (n_images, 3, 32, 32).

    Raises
    ------
    StorageError
        If the folder or a file does not exist, is damaged, or holds anything but data.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    source = Path(path)
    where = f"read_cifar: cannot read {str(path)!r}"
    versions = _cifar_names(part)
    try:
        files = dict(_contents(source, {name for group in versions for name in group}))
        group = next((names for names in versions if set(names) & set(files)), None)
        if group is None:
            raise _Unreadable(
                f"it has none of the files of CIFAR-10 or CIFAR-100, such as {versions[0][0]!r} or "
                f"{versions[2][0]!r}"
            )
        missing = [name for name in group if name not in files]
        if missing:
            raise _Unreadable(f"the file {missing[0]!r} is missing")
        many = "batch" not in group[0]
        parts = [_cifar_file(name, files[name], many, labels) for name in group]
        return ColourImages(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    except (_Unreadable, DescriptionError) as error:
        _refuse(where, error)


def _cifar_names(part: str) -> tuple[tuple[str, ...], ...]:
    """Return the file names of one part, for each version of the data set."""
    batches = [f"data_batch_{k}" for k in range(1, 6)] if part == "train" else ["test_batch"]
    return tuple(batches), tuple(f"{name}.bin" for name in batches), (part,), (f"{part}.bin",)


def _cifar_file(
    name: str, content: bytes, many: bool, labels: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images and labels of one file."""
    if name.endswith(".bin"):
        head = 2 if many else 1
        size = head + _PIXELS
        if not content or len(content) % size:
            raise _Unreadable(
                f"the file {name!r} is damaged: {len(content)} bytes are not a whole number of "
                f"images of {size} bytes"
            )
        rows = np.frombuffer(content, np.uint8).reshape(-1, size)
        classes = rows[:, 0 if labels == "coarse" or not many else 1].astype(np.int64)
        return rows[:, head:].reshape(-1, 3, _SIDE, _SIDE), classes
    try:
        batch = read_plain_pickle(content)
        if not isinstance(batch, dict):
            raise NotPlain("it does not hold a dict")
        data, classes = (
            _entry(batch, "data"),
            _entry(batch, f"{labels}_labels" if many else "labels"),
        )
        if not isinstance(data, PackedArray):
            raise NotPlain("its data are not an array")
        images = data.array()
    except NotPlain as error:
        raise _Unreadable(f"the file {name!r}: {error}") from error
    if images.dtype != np.uint8 or images.shape[1:] != (_PIXELS,):
        raise _Unreadable(
            f"the file {name!r}: its data must be uint8 of shape (n, {_PIXELS}), got "
            f"{images.dtype} of shape {images.shape}"
        )
    if not isinstance(classes, list) or len(classes) != len(images):
        raise _Unreadable(f"the file {name!r} must have a label for each of {len(images)} images")
    where = f"the labels of the file {name!r}"
    return images.reshape(-1, 3, _SIDE, _SIDE), to_image_labels(classes, len(images), where)


def _entry(batch: dict[Any, Any], name: str) -> Any:
    for key in (name, name.encode()):
        if key in batch:
            return batch[key]
    raise NotPlain(f"it has no entry {name!r}")


@checked
def read_svhn(path: Annotated[str | Path, PathName()]) -> ColourImages:
    """Read the cropped digits of the Street View House Numbers.

    Parameters
    ----------
    path : str or Path
        One of ``train_32x32.mat``, ``test_32x32.mat`` and ``extra_32x32.mat``.

    Returns
    -------
    ColourImages
        ``images`` uint8 (n_images, 3, 32, 32); the digit 0, which the file calls 10, has label 0.

    Raises
    ------
    StorageError
        If the file does not exist, or is not one of these.

    References
    ----------
    Y. Netzer et al., "Reading digits in natural images with unsupervised feature learning", 2011.
    """
    from scipy import io as matlab

    where = f"read_svhn: cannot read {str(path)!r}"
    try:
        content: Any = io.BytesIO(_file(Path(path)))
        try:
            sizes = {name: shape for name, shape, _ in matlab.whosmat(content)}
            for name in ("X", "y"):
                if name not in sizes:
                    raise _Unreadable(f"it has no array {name!r}")
                _require(int(np.prod(sizes[name], dtype=np.float64)))
            content.seek(0)
            arrays = matlab.loadmat(content, variable_names=["X", "y"])
        except (_Unreadable, MemoryError):
            raise
        except Exception as error:
            # A damaged file of this kind can raise an error of any type.
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            raise _Unreadable(f"it is not a MATLAB 5 file, or is damaged ({reason})") from error
        images, labels = np.asarray(arrays["X"]), np.asarray(arrays["y"]).ravel()
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[2] != 3:
            raise _Unreadable(
                f"X must be uint8 of shape (height, width, 3, n), got {images.dtype} of shape "
                f"{images.shape}"
            )
        if labels.dtype.kind not in "iu" or len(labels) != images.shape[3]:
            raise _Unreadable(
                f"y must have a label for each of {images.shape[3]} images, got {labels.dtype} of "
                f"shape {labels.shape}"
            )
        return ColourImages(
            np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels.astype(np.int64) % 10
        )
    except MemoryError as error:
        raise StorageError(f"{where}: there is not enough memory.") from error
    except (_Unreadable, DescriptionError) as error:
        _refuse(where, error)


@checked
def read_notmnist(path: Annotated[str | Path, PathName()]) -> Images:
    """Read notMNIST: letters A to J in many fonts.

    Parameters
    ----------
    path : str or Path
        A folder with a folder of PNG files for each letter, a folder that contains such a folder,
        or the published archive (``notMNIST_small.tar.gz``), which is not unpacked to disk. Empty
        files are left out; two of the published files are empty. :func:`read_images` reads files
        in the format of MNIST (idx or ``.npz``).

    Returns
    -------
    Images
        ``images`` uint8 (n_images, 28, 28), sorted by letter and file name; label 0 is A.

    Raises
    ------
    StorageError
        If the folder does not exist, has no such files, a file is damaged, or images differ in
        size.

    References
    ----------
    Y. Bulatov, notMNIST dataset, 2011.
    """
    source = Path(path)
    where = f"read_notmnist: cannot read {str(path)!r}"
    try:
        files = sorted(_letters(source))
        if not files:
            raise _Unreadable("it has no files like 'A/name.png' in a folder for each letter")
        pictures = [_picture(content, f"{letter}/{name}") for letter, name, content in files]
        shapes = {picture.shape for picture in pictures}
        if len(shapes) > 1:
            raise _Unreadable(f"all images must have the same size, got {sorted(shapes)[:2]}")
        return Images(np.stack(pictures), np.array([ord(f[0]) - ord("A") for f in files]))
    except (_Unreadable, DescriptionError) as error:
        _refuse(where, error)


_LETTERS = frozenset("ABCDEFGHIJ")


def _letters(source: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield letter, name and content of each file that is not empty."""
    for path, content in _walk(source, lambda name: name.lower().endswith(".png")):
        if path.parent.name in _LETTERS and content:
            yield path.parent.name, path.name, content


def _picture(content: bytes, name: str) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.width * picture.height > _LARGEST_PICTURE:
                raise _Unreadable(f"the file {name!r} is too large: {picture.size} pixels")
            return np.array(picture.convert("L"), dtype=np.uint8)
    except _Unreadable:
        raise
    except Exception as error:
        # Pillow's decoders raise errors of many types.
        raise _Unreadable(f"the file {name!r} is not a PNG, or is damaged") from error


def _contents(source: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of these names in a folder or an archive."""
    for path, content in _walk(source, lambda name: name in names):
        yield path.name, content


def _walk(source: Path, wanted: Any) -> Iterator[tuple[Path, bytes]]:
    """Yield the wanted files in a folder and up to two folders below it, or in an archive."""
    if source.is_dir():
        for depth in ("", "*/", "*/*/"):
            for path in sorted(source.glob(f"{depth}*")):
                if wanted(path.name) and path.is_file():
                    yield path, _file(path)
        return
    try:
        with open_regular(source) as raw, tarfile.open(fileobj=raw, mode="r:*") as archive:
            for entry in archive:
                if entry.isreg() and wanted(Path(entry.name).name):
                    _require(entry.size)
                    inner = archive.extractfile(entry)
                    yield Path(entry.name), b"" if inner is None else inner.read()
    except NotRegular as error:
        raise _Unreadable(f"it is {error}") from error
    except OSError as error:
        raise _Unreadable(error.strerror or "it is damaged") from error
    except (tarfile.TarError, EOFError, ValueError, ArithmeticError, RuntimeError) as error:
        raise _Unreadable("it is neither a folder nor an archive of this data set") from error
    except Exception as error:
        if isinstance(error, _Unreadable):
            raise
        raise _Unreadable(f"it is damaged ({type(error).__name__})") from error


def _file(path: Path) -> bytes:
    """Read a regular file that is not too large."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            _require(size)
            return file.read()
    except NotRegular as error:
        raise _Unreadable(f"it is {error}") from error
    except OSError as error:
        raise _Unreadable(error.strerror or str(error)) from error


def _require(n_bytes: int) -> None:
    if n_bytes > _LARGEST:
        raise _Unreadable(f"it is too large: {n_bytes} bytes")
    if problem := lack_of_memory(2 * n_bytes, "its content"):
        raise _Unreadable(problem)


def _refuse(where: str, error: Exception) -> NoReturn:
    raise StorageError(f"{where}: {str(error).rstrip('.')}.") from error
