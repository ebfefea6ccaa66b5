"""One macrocolumn in plain NumPy, cell by cell, after the equations of the papers.

It is slow and shares no code with the package. Random numbers come from the caller: a uniform for
each module in learning, a priority for each cell that decides between equal V in retrieval.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

KINDS = ("bottom_up", "horizontal", "top_down")


@dataclass
class Drawn:
    """What a mac did in one frame."""

    winners: np.ndarray
    familiarity: float
    hypotheses: int
    used: tuple[str, ...]


@dataclass
class ReferenceMac:
    """A mac of Q modules of K cells; `sizes` has the number of afferents of each kind.

    `own` marks, for each module, the horizontal afferents that lie in that same module.
    """

    q: int
    k: int
    sizes: dict[str, int]
    selection: Any
    plasticity: Any
    bounds: dict[str, float | None]
    most_active: float | None = None
    own: np.ndarray | None = None
    now: int = 0
    increased: dict[str, np.ndarray] = field(default_factory=dict)
    birth: dict[str, np.ndarray] = field(default_factory=dict)
    rank: dict[str, np.ndarray] = field(default_factory=dict)
    frozen: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, n in self.sizes.items():
            self.increased[kind] = np.zeros((self.q, self.k, n), bool)
            self.birth[kind] = np.zeros((self.q, self.k, n), int)
            self.rank[kind] = np.zeros((self.q, self.k, n), int)
            self.frozen[kind] = np.full((self.q, self.k), -1)

    # Weights ------------------------------------------------------------------------------------

    def exists(self, kind: str) -> np.ndarray:
        """Synapses that there are: a module has none from itself. Shape (Q, 1, n)."""
        there = np.ones((self.q, 1, self.sizes[kind]), bool)
        if kind == "horizontal" and self.own is not None:
            there &= ~self.own[:, None, :]
        return there

    def alive_share(self, rank: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Weight of increased synapses by permanence and age, as a fraction of w_max."""
        rule = self.plasticity
        if rule.decay == "none":
            return np.ones(age.shape)
        permanent = rank >= len(rule.lifetimes)
        life = np.array([*rule.lifetimes, 1])[np.minimum(rank, len(rule.lifetimes))]
        if rule.decay == "convex":
            ahead = np.maximum(life - age, 1)
            left = (1 + rule.convexity / life) / (1 + rule.convexity / ahead)
        else:
            late = np.where(age < 0.75 * life, 120 / 127, 50 / 127)
            left = np.where(age < 0.5 * life, 1.0, late)
        return np.where(permanent, 1.0, np.where(age < life, left, 0.0))

    def weight(self, kind: str) -> np.ndarray:
        """Weight of each synapse as a fraction of w_max, (Q, K, n); frozen ones do not age."""
        stop = np.where(self.frozen[kind] >= 0, self.frozen[kind], self.now)[:, :, None]
        age = np.maximum(stop - self.birth[kind], 0)
        return self.increased[kind] * self.alive_share(self.rank[kind], age)

    # Steps 1 to 3 -------------------------------------------------------------------------------

    def is_active(self, bottom_up: np.ndarray, persisting: bool = False) -> bool:
        """Equation 1."""
        count = int((bottom_up > 0).sum())
        most = self.most_active
        return persisting or (self.bounds["bottom_up"] <= count and (most is None or count <= most))

    def raw(self, kind: str, signal: np.ndarray) -> np.ndarray:
        """Equation 2, shape (Q, K)."""
        total = np.zeros((self.q, self.k))
        weight = self.weight(kind) * self.exists(kind)
        for module in range(self.q):
            for cell in range(self.k):
                total[module, cell] = sum(
                    signal[j] * weight[module, cell, j] for j in np.flatnonzero(signal)
                )
        return total

    def normalised(self, kind: str, signal: np.ndarray, afferent_macs: int) -> np.ndarray | None:
        """Equation 3; None where nothing of this kind arrives. Shape (Q, K).

        The divisor is the number of active afferents, of which a module has none in itself; with
        "bound" it is the lower bound, if that is smaller.
        """
        there = self.exists(kind)[:, 0, :]
        divisor = ((signal > 0)[None, :] & there).sum(axis=1).astype(float)
        if not divisor.any():
            return None
        bound = self.bounds.get(kind)
        if self.selection.normalization == "bound" and bound is not None:
            divisor = np.minimum(divisor, bound * afferent_macs)
        return np.minimum(1.0, self.raw(kind, signal) / divisor[:, None])

    # Steps 4 to 12 ------------------------------------------------------------------------------

    def support(self, inputs: dict[str, np.ndarray | None], first: bool) -> np.ndarray:
        """Equation 4: V, shape (Q, K)."""
        rule = self.selection
        powers = {
            "bottom_up": rule.lambda_u,
            "horizontal": rule.lambda_h,
            "top_down": rule.lambda_d,
        }
        if first:
            powers = {"bottom_up": rule.lambda_u_start}
        v = np.ones((self.q, self.k))
        for kind, power in powers.items():
            value = inputs.get(kind)
            if value is not None:
                v = v * value**power
        v = np.where(v < rule.v_low, 0.0, v)
        return np.where(v >= rule.v_high, 1.0, v)

    def hypotheses(self, v: np.ndarray) -> int:
        """Equations 5 and 6."""
        mean = float((v > self.selection.v_zeta).sum()) / self.q
        return max(1, int(np.floor(mean + 0.5)))

    def multiplier(self, zeta: int) -> float:
        most = self.selection.most_hypotheses
        if most is not None and zeta > most:
            return 0.0
        return float(zeta**self.selection.zeta_exponent)

    def familiarity(self, v: np.ndarray) -> float:
        """Equations 7 and 8."""
        return float(np.mean([max(v[module]) for module in range(self.q)]))

    def psi(self, v: np.ndarray, g: float, filled: float = 0.0) -> np.ndarray:
        """Equations 9 and 10."""
        rule = self.selection
        novelty = max(0.0, (g - rule.g_minus) / (1 - rule.g_minus))
        eta = 1 + novelty**rule.gamma * rule.chi * self.k
        if rule.form == "2014":
            slope = 1 + rule.sigma1 * np.exp(-rule.sigma2 * (v - rule.sigma3))
            return (eta - 1) / slope**rule.sigma4 + 1
        if rule.form == "2010":
            return rule.a * g**rule.b / (1 + np.exp(-(rule.slope * v + rule.phase))) + 1
        centre = rule.ratchet_low + (rule.ratchet_high - rule.ratchet_low) * filled
        return np.maximum(eta / (1 + np.exp(-rule.ratchet_slope * (v - centre))), 1)

    def draw(self, psi: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Equations 11 and 12 of learning: the first cell whose summed share passes it."""
        winners = []
        for module in range(self.q):
            rho = psi[module] / psi[module].sum()
            total, winner = 0.0, self.k - 1
            for cell in range(self.k):
                total += rho[cell]
                if uniforms[module] < total:
                    winner = cell
                    break
            winners.append(winner)
        return np.array(winners)

    def maximum(self, v: np.ndarray, priority: np.ndarray) -> np.ndarray:
        """Equation 12 of retrieval."""
        return np.array(
            [max(range(self.k), key=lambda c: (v[m, c], priority[m, c])) for m in range(self.q)]
        )

    # Learning -----------------------------------------------------------------------------------

    def learn(self, kind: str, signal: np.ndarray, winners: np.ndarray) -> None:
        """Every synapse from an active afferent to a winner becomes w_max, unless frozen."""
        rule = self.plasticity
        there = self.exists(kind)[:, 0, :]
        width = there.sum(axis=1)
        for module, cell in enumerate(winners):
            if self.frozen[kind][module, cell] >= 0:
                continue
            alive = self.weight(kind)[module, cell] > 0
            for j in np.flatnonzero((signal > 0) & there[module]):
                rank = self.rank[kind][module, cell, j]
                self.rank[kind][module, cell, j] = min(rank + 1, len(rule.lifetimes)) * alive[j]
                self.increased[kind][module, cell, j] = True
                self.birth[kind][module, cell, j] = self.now
            held = (self.weight(kind)[module, cell] > 0).sum()
            full = rule.saturation is not None and held > rule.saturation * width[module]
            if full and rule.freeze == "cell":
                self.frozen[kind][module, cell] = self.now
        if rule.saturation is not None and rule.freeze == "mac" and (self.frozen[kind] < 0).all():
            share = self.increased[kind].sum() / (width.sum() * self.k)
            if share > rule.saturation:
                self.frozen[kind][:] = self.now


@dataclass
class ReferenceTower:
    """Macs of several levels; the random numbers and the wiring are those of a model.

    `afferents(level, mac, kind)` has the number of each afferent cell, which is
    ``(mac * Q + module) * K + cell`` in its level, or a pixel.
    """

    levels: list[Any]
    macs: list[list[ReferenceMac]]
    afferents: Any
    draws: Any
    priorities: Any
    n_learnt: int = 0

    @classmethod
    def like(cls, model: Any) -> ReferenceTower:
        """A tower without anything learnt, of the same parameters as a fresh model."""
        macs = []
        for k, level in enumerate(model.levels):
            q, n_cells = level.n_modules, level.cells_per_module
            row = []
            for m in range(level.n_macs):
                cells = {kind: model.afferents(k, m, kind) for kind in KINDS}
                sideways = cells["horizontal"]
                own = (sideways // n_cells)[None, :] == m * q + np.arange(q)[:, None]
                row.append(
                    ReferenceMac(
                        q,
                        n_cells,
                        {kind: len(found) for kind, found in cells.items()},
                        level.selection or model.selection,
                        level.plasticity or model.plasticity,
                        {
                            "bottom_up": level.min_active,
                            "horizontal": level.min_horizontal,
                            "top_down": level.min_top_down,
                        },
                        level.max_active,
                        own,
                    )
                )
            macs.append(row)
        return cls(list(model.levels), macs, model.afferents, model.draws, model.priorities)

    def run(self, sequences: list[np.ndarray], learning: bool) -> list[list[list[Drawn | None]]]:
        """Frames, levels, macs: what each did; None where it was not active."""
        history: list[list[list[Drawn | None]]] = []
        for sequence in sequences:
            before: list[list[Drawn | None]] | None = None
            ages = [[0] * len(row) for row in self.macs]
            for frame in sequence:
                now = self.frame(frame, before, ages, learning)
                history.append(now)
                before = now
                self.n_learnt += learning
        return history

    def frame(
        self,
        pixels: np.ndarray,
        before: list[list[Drawn | None]] | None,
        ages: list[list[int]],
        learning: bool,
    ) -> list[list[Drawn | None]]:
        now: list[list[Drawn | None]] = []
        for k, level in enumerate(self.levels):
            below = pixels.astype(float) if k == 0 else self.activity(k - 1, now[k - 1])
            row: list[Drawn | None] = []
            for m, mac in enumerate(self.macs[k]):
                mac.now = self.n_learnt
                up = below[self.afferents(k, m, "bottom_up")]
                features = int((up > 0).sum()) // (1 if k == 0 else self.levels[k - 1].n_modules)
                was = before[k][m] if before is not None else None
                life = level.persistence or 2**k
                if was is not None and ages[k][m] < life:
                    ages[k][m] += 1
                    row.append(was)
                    if learning and features:
                        mac.learn("bottom_up", up, was.winners)
                    continue
                most = level.max_active
                if features < level.min_active or (most is not None and features > most):
                    row.append(None)
                    continue
                signals = {"bottom_up": up}
                if before is not None:
                    side = self.activity(k, before[k])
                    signals["horizontal"] = side[self.afferents(k, m, "horizontal")]
                    if k + 1 < len(self.levels):
                        top = self.activity(k + 1, before[k + 1])
                        signals["top_down"] = top[self.afferents(k, m, "top_down")]
                row.append(self.select(k, m, mac, signals, before is None, learning))
                ages[k][m] = 1
            now.append(row)
        return now

    def select(
        self,
        k: int,
        m: int,
        mac: ReferenceMac,
        signals: dict[str, np.ndarray],
        first: bool,
        learning: bool,
    ) -> Drawn:
        per_mac = {
            "bottom_up": 1 if k == 0 else self.levels[k - 1].n_modules,
            "horizontal": mac.q,
            "top_down": self.levels[k + 1].n_modules if k + 1 < len(self.levels) else 1,
        }
        inputs = {kind: mac.normalised(kind, s, per_mac[kind]) for kind, s in signals.items()}
        v = mac.support(inputs, first)
        g, zeta = mac.familiarity(v), mac.hypotheses(v)
        used = tuple(kind for kind in KINDS if inputs.get(kind) is not None)
        if not learning:
            winners = mac.maximum(v, self.priorities(k)[m])
            return Drawn(winners, g, zeta, used)
        full = mac.increased["bottom_up"].sum() / mac.increased["bottom_up"].size
        uniforms = self.draws(k, self.n_learnt, 1)[0, m]
        winners = mac.draw(mac.psi(v, g, full), uniforms)
        for kind in used:
            mac.learn(kind, signals[kind], winners)
        return Drawn(winners, g, zeta, used)

    def activity(self, k: int, row: list[Drawn | None]) -> np.ndarray:
        """Signals of all cells of a level: F(zeta) of the winners, 0 of the others."""
        mac = self.macs[k][0]
        found = np.zeros((len(row), mac.q, mac.k))
        for m, drawn in enumerate(row):
            if drawn is not None:
                factor = self.macs[k][m].multiplier(drawn.hypotheses)
                found[m, np.arange(mac.q), drawn.winners] = factor
        return found.ravel()
