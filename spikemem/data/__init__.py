"""Readers of data sets, from the files that their authors publish, and encoders of data as spikes.

No data set is shipped, and nothing is downloaded.
"""

from .cochlea import Cochlea as Cochlea
from .cochlea import cochlea_recordings as cochlea_recordings
from .cochlea import erb_frequencies as erb_frequencies
from .colour import ColourImages as ColourImages
from .colour import read_cifar as read_cifar
from .colour import read_notmnist as read_notmnist
from .colour import read_svhn as read_svhn
from .event_files import read_nmnist as read_nmnist
from .event_files import read_ntidigits as read_ntidigits
from .event_files import read_shd as read_shd
from .event_files import write_nmnist as write_nmnist
from .images import Images as Images
from .images import read_images as read_images
from .rate import rate_code as rate_code
from .recordings import EVENT as EVENT
from .recordings import Recordings as Recordings
from .saccades import Saccades as Saccades
from .saccades import saccade_recordings as saccade_recordings
from .speech import SpokenDigits as SpokenDigits
from .speech import read_fsdd as read_fsdd
from .working_memory import BitStreams as BitStreams
from .working_memory import match_streams as match_streams
from .working_memory import parity_streams as parity_streams
from .working_memory import transfer_matrix as transfer_matrix

__all__ = [
    "EVENT",
    "BitStreams",
    "Cochlea",
    "ColourImages",
    "Images",
    "Recordings",
    "Saccades",
    "SpokenDigits",
    "cochlea_recordings",
    "erb_frequencies",
    "match_streams",
    "parity_streams",
    "rate_code",
    "read_cifar",
    "read_fsdd",
    "read_images",
    "read_nmnist",
    "read_notmnist",
    "read_ntidigits",
    "read_shd",
    "read_svhn",
    "saccade_recordings",
    "transfer_matrix",
    "write_nmnist",
]
