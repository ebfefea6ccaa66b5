"""Parameters of a hierarchy: levels, code selection, plasticity and back-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ...checks import Count, Each, Optional, Probability, Quantity, check_fields
from ...errors import DescriptionError
from ...frozen import Frozen

__all__ = ["BackOff", "Level", "Plasticity", "Selection"]

MOST_CELLS = 32767
"""Largest number of cells of a module, because winners are stored as int16."""

_Positive = Annotated[float, Quantity(above=0.0)]
_NotNegative = Annotated[float, Quantity(low=0.0)]
_Fraction = Annotated[float, Probability()]


@dataclass(frozen=True, kw_only=True)
class Selection(Frozen):
    """Parameters of the code selection algorithm (Rinkus 2014, equations 1 to 12).

    Parameters
    ----------
    normalization : {"count", "bound"}
        Divisor of raw sums. "count": the number of active afferent cells. "bound": the lower
        activation bound of the level, as in equations 3 of the paper.
    g_minus : float
        Familiarity G below which the draw of a new code is uniform.
    gamma, chi : float
        Exponent and range of the expansion by G: ``eta = 1 + ((G - g_minus) / (1 - g_minus))**gamma
        * chi * K`` for G above `g_minus`.
    form : {"2014", "2010", "ratchet"}
        Form of the map from V to the relative win likelihood psi. "2014":
        ``(eta - 1) / (1 + sigma1 * exp(-sigma2 * (V - sigma3)))**sigma4 + 1``. "2010":
        ``a * G**b / (1 + exp(-(slope * V + phase))) + 1``. "ratchet":
        ``max(eta / (1 + exp(-ratchet_slope * (V - centre))), 1)``, where the centre moves from
        `ratchet_low` to `ratchet_high` as the synapses of the mac fill up.
    sigma1, sigma2, sigma3, sigma4 : float
        Constants of form "2014".
    a, b, slope, phase : float
        Constants of form "2010".
    ratchet_slope, ratchet_low, ratchet_high : float
        Constants of form "ratchet".
    lambda_u, lambda_h, lambda_d : float
        Exponents of U, H and D in V, after the first frame of a sequence.
    lambda_u_start : float
        Exponent of U in the first frame of a sequence, and of an image.
    v_low, v_high : float
        V below `v_low` becomes 0; V of at least `v_high` becomes 1.
    v_zeta : float
        Cells with larger V support competing hypotheses.
    zeta_exponent : float
        Exponent A of the multiplier ``F = zeta**A`` of the outputs of a mac with zeta competing
        hypotheses.
    most_hypotheses : int, optional
        Limit B; a mac with more hypotheses is mute. Default: no limit.
    context_only : bool
        Whether a mac with too few active inputs can select a code by its horizontal and top-down
        inputs alone. In the paper it cannot.

    Raises
    ------
    DescriptionError
        If values are out of range; the message lists all problems.
    """

    normalization: Literal["count", "bound"] = "count"
    g_minus: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.2
    gamma: _Positive = 8.0
    chi: _NotNegative = 1000.0
    form: Literal["2014", "2010", "ratchet"] = "2014"
    sigma1: _NotNegative = 1.0
    sigma2: _NotNegative = 40.0
    sigma3: Annotated[float, Quantity(low=-10.0, high=10.0)] = 0.85
    sigma4: _Positive = 1.0
    a: _NotNegative = 1e4
    b: _Positive = 7.0
    slope: _NotNegative = 27.0
    phase: Annotated[float, Quantity(low=-500.0, high=500.0)] = -13.0
    ratchet_slope: _NotNegative = 4.0
    ratchet_low: _Fraction = 0.5
    ratchet_high: _Fraction = 0.9
    lambda_u: _NotNegative = 1.0
    lambda_h: _NotNegative = 1.0
    lambda_d: _NotNegative = 1.0
    lambda_u_start: _NotNegative = 1.0
    v_low: _Fraction = 0.0
    v_high: _Fraction = 1.0
    v_zeta: _Fraction = 0.95
    zeta_exponent: _NotNegative = 0.0
    most_hypotheses: Annotated[int | None, Optional(Count())] = None
    context_only: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        _require_order("Selection", "v_low", self.v_low, "v_high", self.v_high)
        _require_order(
            "Selection", "ratchet_low", self.ratchet_low, "ratchet_high", self.ratchet_high
        )


@dataclass(frozen=True, kw_only=True)
class Plasticity(Frozen):
    """Change, ageing and freezing of weights.

    Learning is Hebbian and takes one trial. Every synapse from an active cell to a winner gets the
    weight `w_max` and the age 0.

    Parameters
    ----------
    w_max : float
        Weight of an increased synapse. Without decay, every weight is 0 or `w_max`.
    saturation : float, optional
        The synapses of a cell freeze when more than this fraction of them is increased, which ends
        its critical period. 0.2 is best for classes of images. None means that they never freeze.
    freeze : {"cell", "mac"}
        Synapses that freeze together: those of one cell, or of all cells of a mac. Bottom-up,
        horizontal and top-down synapses freeze independently.
    progressive : float, optional
        A level learns only when this fraction of the cells of the level below is frozen, so that
        critical periods end from the bottom up. Default: all levels learn at once.
    decay : {"none", "steps", "convex"}
        Passive decay of weights with age. "steps": `w_max` until half of the lifetime, 120/127 of
        it until three quarters, 50/127 until the end, then 0. "convex":
        ``w_max * (1 + c/S) / (1 + c/(S - age))`` for an age below the lifetime S, then 0.
    lifetimes : tuple of int
        Lifetime of a synapse at each level of permanence, in learnt frames. A repeated pairing
        while the weight is above 0 raises the permanence by one level. Above the last level a
        synapse is permanent.
    convexity : float
        The constant c of "convex".

    Raises
    ------
    DescriptionError
        If values are out of range; the message lists all problems.
    """

    w_max: _Positive = 127.0
    saturation: Annotated[float | None, Optional(Probability())] = 0.5
    freeze: Literal["cell", "mac"] = "cell"
    progressive: Annotated[float | None, Optional(Probability())] = None
    decay: Literal["none", "steps", "convex"] = "none"
    lifetimes: Annotated[tuple[int, ...], Each(Count(high=2**30), "lifetimes", most=200)] = (
        4000,
        8000,
    )
    convexity: _NotNegative = 1.0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class Level(Frozen):
    """One level of macs on a grid above the input; lengths are in pixels of the input.

    Parameters
    ----------
    grid : (int, int)
        Rows and columns of macs, which are spread evenly over the input.
    layout : {"rect", "hex"}
        In "hex" every other row is shifted by half of the distance between columns.
    n_modules, cells_per_module : int
        Q competitive modules of K cells in each mac.
    radius : float, optional
        Radius of the receptive field: a mac gets input from the pixels, or the macs of the level
        below, with a centre at most this far from its own centre. Default: all of them.
    min_active, max_active : int
        Activation bounds: smallest and largest number of active bottom-up features (pixels, or
        macs of the level below) that activate a mac. Default of `max_active`: no bound.
    persistence : int, optional
        Number of frames for which a code persists. Default: 1 at the lowest level, and at other
        levels twice the number of the level below.
    horizontal_radius : float, optional
        Macs of the level within this distance project to a mac, including the mac itself; 0 means
        only itself. Default: no horizontal projections.
    top_down : bool
        Whether the macs of the level above project back to the macs from which they get input.
    min_horizontal, min_top_down : int, optional
        Activation bounds that normalise horizontal and top-down sums with normalization "bound".
        Default: the number of active afferent macs.
    selection, plasticity : optional
        Parameters of this level. Default: those of the model.

    Raises
    ------
    DescriptionError
        If values are out of range; the message lists all problems.
    """

    grid: Annotated[tuple[int, int], Each(Count(), "whole numbers", least=2, most=2)] = (1, 1)
    layout: Literal["rect", "hex"] = "rect"
    n_modules: Annotated[int, Count(high=2**20)] = 16
    cells_per_module: Annotated[int, Count(high=MOST_CELLS)] = 32
    radius: Annotated[float | None, Optional(Quantity(low=0.0))] = None
    min_active: Annotated[int, Count()] = 1
    max_active: Annotated[int | None, Optional(Count())] = None
    persistence: Annotated[int | None, Optional(Count(high=2**30))] = None
    horizontal_radius: Annotated[float | None, Optional(Quantity(low=0.0))] = None
    top_down: bool = False
    min_horizontal: Annotated[int | None, Optional(Count())] = None
    min_top_down: Annotated[int | None, Optional(Count())] = None
    selection: Selection | None = None
    plasticity: Plasticity | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.max_active is not None:
            _require_order("Level", "min_active", self.min_active, "max_active", self.max_active)

    @property
    def n_macs(self) -> int:
        """Number of macs of the level."""
        return self.grid[0] * self.grid[1]

    @property
    def cells_per_mac(self) -> int:
        """Number of cells of a mac, Q times K."""
        return self.n_modules * self.cells_per_module

    @property
    def n_cells(self) -> int:
        """Number of cells of the level."""
        return self.n_macs * self.cells_per_mac


@dataclass(frozen=True, kw_only=True)
class BackOff(Frozen):
    """Familiarity thresholds of the retrieval with fewer kinds of input.

    Retrieval uses all three kinds of input if their familiarity G reaches `three`. Otherwise it
    uses the pair with the largest G, if this reaches `two`; otherwise the single kind with the
    largest G, if this reaches `one`. If no G reaches its threshold, it uses the combination with
    the largest G.

    Parameters
    ----------
    three, two, one : float
        Thresholds T_HUD, T_2 and T_1.

    Raises
    ------
    DescriptionError
        If values are not from 0 to 1; the message lists all problems.
    """

    three: _Fraction = 0.9
    two: _Fraction = 0.93
    one: _Fraction = 0.96

    def __post_init__(self) -> None:
        check_fields(self)


def _require_order(where: str, low_name: str, low: float, high_name: str, high: float) -> None:
    if low > high:
        raise DescriptionError(
            f"{where}: {low_name} must be at most {high_name}={high:g}, got {low:g}."
        )
