"""Compiled kernels in which macs select codes and learn, frame by frame; see :mod:`.selection`.

Inputs are packed into 64-bit words, so a raw sum is a number of common bits. If U is the only
evidence, V and psi are functions of this number and are read from a table.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic

from .selection import FRAME_STEP, MIX_1, MIX_2, UNIT_STEP

__all__ = ["run_macs"]

_options: Any = numba.njit
_njit: Any = _options(nogil=True, error_model="numpy", cache=True, _nrt=False)
_intrinsic: Any = intrinsic

_FRAME, _UNIT = np.uint64(FRAME_STEP), np.uint64(UNIT_STEP)
_MIX_1, _MIX_2 = np.uint64(MIX_1), np.uint64(MIX_2)
_ONE, _S11, _S27, _S30, _S31 = (np.uint64(n) for n in (1, 11, 27, 30, 31))


@_intrinsic  # type: ignore[untyped-decorator]
def popcount(context: Any, word: Any) -> Any:
    """Count the bits of a word that are set."""

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.uint64(types.uint64), generate


@_njit
def mixed(z):  # type: ignore[no-untyped-def]
    """Apply the finalizer of SplitMix64."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@_njit
def pack_pixels(pixels, sources, words):  # type: ignore[no-untyped-def]
    """Pack the pixels of a mac, and return the number of active ones."""
    words[:] = 0
    n = np.int64(0)
    for s in range(sources.size):
        if sources[s] < 0:
            break
        on = np.uint64(pixels[np.uint32(sources[s])])
        words[np.uint32(s >> 6)] |= on << np.uint64(s & 63)
        n += np.int64(on)
    return n


@_njit
def pack_codes(winners, factors, sources, cells, words, weights):  # type: ignore[no-untyped-def]
    """Pack the codes of afferent macs that are not mute, and return the number of these macs."""
    words[:] = 0
    n = 0
    per_mac = (winners.shape[1] * cells + 63) // 64
    for s in range(sources.size):
        mac = sources[s]
        weights[s] = 0.0
        if mac < 0 or winners[mac, 0] < 0 or factors[mac] == 0.0:
            continue
        n += 1
        weights[s] = factors[mac]
        for q in range(winners.shape[1]):
            bit = q * cells + winners[mac, q]
            words[s * per_mac + (bit >> 6)] |= _ONE << np.uint64(bit & 63)
    return n


@_njit
def weight_at(rules, permanence, age):  # type: ignore[no-untyped-def]
    """Return the weight of a synapse after passive decay."""
    if permanence >= rules.lifetimes.size:
        return rules.w_max
    span = rules.lifetimes[permanence]
    if age >= span:
        return 0.0
    if rules.decay == 2:
        return rules.w_max * ((1.0 + rules.convexity / span)
                              / (1.0 + rules.convexity / (span - age)))  # fmt: skip
    if 2 * age < span:
        return rules.w_max
    return rules.w_max * (120.0 if 4 * age < 3 * span else 50.0) / 127.0


@_njit
def sum_synapses(rules, bundle, m, words, weights, now, out):  # type: ignore[no-untyped-def]
    """Compute raw sums of all cells of a mac (steps 2 and 6), without decay in units of w_max."""
    if rules.decay:
        sum_aged(rules, bundle, m, words, weights, now, out)
        return
    bits = bundle.bits[m]
    per_mac = words.size // weights.size if weights.size else words.size
    for i in range(out.size):
        if weights.size == 0:
            n = np.uint64(0)
            for w in range(words.size):
                n += popcount(bits[i, w] & words[w])
            out[i] = n
        else:
            total = 0.0
            for s in range(weights.size):
                if weights[s] != 0.0:
                    n = np.uint64(0)
                    for w in range(s * per_mac, (s + 1) * per_mac):
                        n += popcount(bits[i, w] & words[w])
                    total += weights[s] * n
            out[i] = total


@_njit
def sum_aged(rules, bundle, m, words, weights, now, out):  # type: ignore[no-untyped-def]
    """Compute raw sums of decaying weights."""
    per_mac = 64 * words.size // weights.size if weights.size else 64 * words.size
    for i in range(out.size):
        time = bundle.frozen[m, i]
        if time < 0:
            time = now
        total = 0.0
        for w in range(words.size):
            left = words[w]
            while left:
                position = 64 * w + np.int64(popcount((left & (~left + _ONE)) - _ONE))
                left &= left - _ONE
                stamp = bundle.stamps[m, i, position]
                if stamp >= 0:
                    weight = weight_at(rules, bundle.permanence[m, i, position], time - stamp)
                    total += weight * (weights[position // per_mac] if weights.size else 1.0)
        out[i] = total


@_njit
def count_bits(bits, words, out):  # type: ignore[no-untyped-def]
    """Compute raw sums of all cells of a mac as whole numbers."""
    for i in range(out.size):
        n = np.uint64(0)
        for w in range(words.size):
            n += popcount(bits[i, w] & words[w])
        out[i] = n


@_njit
def likelihood(rules, v, eta, centre):  # type: ignore[no-untyped-def]
    """Return the relative win likelihood psi (step 10)."""
    if rules.form == 1:
        return eta / (1.0 + math.exp(-(rules.slope * v + rules.phase))) + 1.0
    if rules.form == 2:
        return max(eta / (1.0 + math.exp(-rules.ratchet_slope * (v - centre))), 1.0)
    base = 1.0 + rules.sigma1 * math.exp(-rules.sigma2 * (v - rules.sigma3))
    if rules.sigma4 != 1.0:
        base = base**rules.sigma4
    return (eta - 1.0) / base + 1.0


@_njit
def bounded(rules, v):  # type: ignore[no-untyped-def]
    """Apply the cutoffs of V."""
    if v < rules.v_low:
        return 0.0
    return 1.0 if v >= rules.v_high else v


@_njit
def raised(value, exponent):  # type: ignore[no-untyped-def]
    """Return a power of the evidence."""
    return value if exponent == 1.0 else value**exponent


@_njit
def look(rules, v):  # type: ignore[no-untyped-def]
    """Return familiarity and number of competing hypotheses (steps 5, 7 and 8)."""
    total, above = 0.0, 0
    for q in range(rules.n_modules):
        peak = 0.0
        for i in range(q * rules.cells, (q + 1) * rules.cells):
            peak = max(peak, v[i])
            above += v[i] > rules.v_zeta
        total += peak
    zeta = max(1, math.floor(above / rules.n_modules + 0.5))
    return total / rules.n_modules, zeta


@_njit
def product(rules, values, exponents, mask, v):  # type: ignore[no-untyped-def]
    """Compute V from the kinds of evidence in the mask (1 U, 2 H, 4 D; step 4)."""
    for i in range(v.size):
        total = 1.0
        for kind in range(3):
            if mask & (1 << kind):
                total = total * raised(values[kind, i], exponents[kind])
        v[i] = bounded(rules, total)


@_njit
def back_off(rules, values, exponents, mask, v):  # type: ignore[no-untyped-def]
    """Return the kinds of evidence that retrieval uses, and fill V with their product."""
    best, best_g = mask, -1.0
    for size in range(3, 0, -1):
        candidate, candidate_g = mask, -1.0
        for some in (7, 3, 5, 6, 1, 2, 4):
            if (some & mask) != some or (some & 1) + (some >> 1 & 1) + (some >> 2) != size:
                continue
            product(rules, values, exponents, some, v)
            g = look(rules, v)[0]
            if g > candidate_g:
                candidate, candidate_g = some, g
        if candidate_g > best_g:
            best, best_g = candidate, candidate_g
        if candidate_g >= (rules.one, rules.two, rules.three)[size - 1]:
            best = candidate
            break
    product(rules, values, exponents, best, v)
    return best


@_njit
def draw(rules, psi, key, frame, m, winners):  # type: ignore[no-untyped-def]
    """Draw the winners in learning (steps 11 and 12)."""
    row = mixed(key + np.uint64(frame + 1) * _FRAME)
    for q in range(rules.n_modules):
        total = 0.0
        for i in range(q * rules.cells, (q + 1) * rules.cells):
            total += psi[i]
            psi[i] = total
        bits = mixed(row + np.uint64(m * rules.n_modules + q + 1) * _UNIT)
        point = np.float64(bits >> _S11) * 2.0**-53 * total
        k = 0
        while k < rules.cells - 1 and psi[q * rules.cells + k] <= point:
            k += 1
        winners[q] = k


@_njit
def strongest(rules, v, priority, winners):  # type: ignore[no-untyped-def]
    """Select the winners in retrieval (step 12)."""
    for q in range(rules.n_modules):
        first = q * rules.cells
        best = first
        for i in range(first + 1, first + rules.cells):
            if v[i] > v[best] or (v[i] == v[best] and priority[i] > priority[best]):
                best = i
        winners[q] = best - first


@_njit
def strengthen(rules, bundle, m, i, words, now):  # type: ignore[no-untyped-def]
    """Increase the synapses of one cell (Hebbian), and end its critical period if they saturate."""
    if bundle.frozen[m, i] >= 0:
        return
    if rules.decay:
        n_increased = strengthen_aged(rules, bundle, m, i, words, now)
    else:
        n_increased = 0
        for w in range(words.size):
            before = bundle.bits[m, i, w]
            after = before | words[w]
            bundle.bits[m, i, w] = after
            n_increased += np.int64(popcount(after))
            bundle.filled[m] += np.int64(popcount(after ^ before))
    if not rules.freeze_mac and n_increased > rules.saturation * bundle.widths[m]:
        bundle.frozen[m, i] = now


@_njit
def strengthen_aged(rules, bundle, m, i, words, now):  # type: ignore[no-untyped-def]
    """Set ages to 0 and raise permanences; return the number of synapses above 0."""
    stamps, levels = bundle.stamps[m, i], bundle.permanence[m, i]
    n_increased = 0
    for position in range(stamps.size):
        on = (words[position >> 6] >> np.uint64(position & 63)) & _ONE
        stamp = stamps[position]
        alive = stamp >= 0 and weight_at(rules, levels[position], now - stamp) > 0.0
        if on:
            bundle.filled[m] += stamp < 0
            levels[position] = min(levels[position] + 1, rules.lifetimes.size) if alive else 0
            stamps[position] = now
        n_increased += alive or on != 0
    return n_increased


@_njit
def freeze_mac(rules, bundle, m, now):  # type: ignore[no-untyped-def]
    """End the critical period of a whole mac if its synapses saturate."""
    n_cells = bundle.frozen.shape[1]
    full = bundle.filled[m] > rules.saturation * bundle.widths[m] * n_cells
    if full and bundle.frozen[m, 0] < 0:
        bundle.frozen[m, :] = now


@_njit
def learn(rules, bundle, m, winners, words, own, before, now):  # type: ignore[no-untyped-def]
    """Strengthen the synapses of the winners.

    `own` is the first word of the mac's own code `before` among its inputs, or -1.
    """
    for q in range(rules.n_modules):
        i = q * rules.cells + winners[q]
        if own < 0:
            strengthen(rules, bundle, m, i, words, now)
            continue
        # A module has no synapses with itself.
        bit = q * rules.cells + before[q]
        position, only = own + (bit >> 6), _ONE << np.uint64(bit & 63)
        words[position] &= ~only
        strengthen(rules, bundle, m, i, words, now)
        words[position] |= only
    if rules.freeze_mac:
        freeze_mac(rules, bundle, m, now)


@_njit
def find_own(bundle, m, per_mac, weights):  # type: ignore[no-untyped-def]
    """Return the first word of the mac's own code among its inputs; -1 if it is not active."""
    for s in range(bundle.sources.shape[1]):
        if bundle.sources[m, s] == m and weights[s] != 0.0:
            return s * per_mac
    return -1


@_njit
def is_weighted(weights):  # type: ignore[no-untyped-def]
    """Return whether any afferent mac has a multiplier other than 0 and 1."""
    weighted = False
    for weight in weights:
        weighted |= weight not in (0.0, 1.0)
    return weighted


@_njit
def take_bottom_up(rules, bundle, io, f, m, work):  # type: ignore[no-untyped-def]
    """Pack the bottom-up input, and return the number of active features."""
    if rules.below_modules == 0:
        return pack_pixels(io.pixels[f], bundle.sources[m], work.u_words)
    return pack_codes(io.below_winners[f + 1], io.below_factors[f + 1], bundle.sources[m],
                      rules.below_cells, work.u_words, work.u_weights)  # fmt: skip


@_njit
def fill_evidence(rules, bundle, m, words, weights, now, n, bound, out):  # type: ignore[no-untyped-def]
    """Compute the evidence of one kind of input (steps 2 and 3)."""
    some = weights if rules.decay or is_weighted(weights) else weights[:0]
    sum_synapses(rules, bundle, m, words, some, now, out)
    size = min(bound, float(n)) * (rules.w_max if rules.decay else 1.0)
    for i in range(out.size):
        out[i] = min(1.0, out[i] / size)


@_njit
def persist(rules, state, io, learning, now, f, m, n_u, work):  # type: ignore[no-untyped-def]
    """Keep the code of a mac, which also learns the new bottom-up input (step 1, second half)."""
    io.ages[m] += 1
    for q in range(rules.n_modules):
        io.winners[f + 1, m, q] = io.winners[f, m, q]
    io.factors[f + 1, m] = io.factors[f, m]
    io.familiarity[f + 1, m] = io.familiarity[f, m]
    io.hypotheses[f + 1, m] = io.hypotheses[f, m]
    io.evidence[f + 1, m] = io.evidence[f, m]
    if learning and io.open[f] and n_u > 0:
        winners = io.winners[f + 1, m]
        learn(rules, state.bottom_up, m, winners, work.u_words, -1, winners, now)


@_njit
def silence(rules, io, f, m):  # type: ignore[no-untyped-def]
    """Mark a mac as not active (step 1, first half)."""
    io.ages[m] = rules.persistence
    io.winners[f + 1, m] = -1
    io.factors[f + 1, m] = 0.0
    io.familiarity[f + 1, m] = 0.0
    io.hypotheses[f + 1, m] = 0
    io.evidence[f + 1, m] = 0


@_njit
def by_count(rules, bundle, m, n, exponent, work):  # type: ignore[no-untyped-def]
    """Compute V from the number of common bits if U is the only evidence (steps 2 to 8)."""
    counts, table = work.counts, work.table
    count_bits(bundle.bits[m], work.u_words, counts)
    size = min(rules.u_bound, float(n))
    clear = n + 1
    for k in range(n, -1, -1):
        table[k] = bounded(rules, raised(min(1.0, k / size), exponent))
        if table[k] > rules.v_zeta:
            clear = k
    total, above, limit = 0.0, 0, np.uint32(clear)
    for q in range(rules.n_modules):
        first = np.uint32(q * rules.cells)
        peak = np.uint32(0)
        for i in range(np.uint32(rules.cells)):
            count = counts[first + i]
            peak = max(peak, count)
            above += count >= limit
        total += table[peak]
    return total / rules.n_modules, max(1, math.floor(above / rules.n_modules + 0.5))


@_njit
def strongest_count(rules, counts, table, priority, winners):  # type: ignore[no-untyped-def]
    """Select the winners by counts (step 12); at cutoffs, different counts have the same V."""
    for q in range(rules.n_modules):
        first = q * rules.cells
        best = first
        for i in range(first + 1, first + rules.cells):
            if counts[i] == counts[best] or table[counts[i]] == table[counts[best]]:
                if priority[i] > priority[best]:
                    best = i
            elif counts[i] > counts[best]:
                best = i
        winners[q] = best - first


@_njit
def by_value(rules, state, io, now, f, m, n, mask, began, learning, work):  # type: ignore[no-untyped-def]
    """Compute V in general (steps 2 to 4), and return the kinds of evidence in it."""
    if mask & 1:
        fill_evidence(rules, state.bottom_up, m, work.u_words, work.u_weights, now, n[0],
                      rules.u_bound, work.values[0])  # fmt: skip
    if mask & 2:
        fill_evidence(rules, state.horizontal, m, work.h_words, work.h_weights, now, n[1],
                      rules.h_bound, work.values[1])  # fmt: skip
    if mask & 4:
        fill_evidence(rules, state.top_down, m, work.d_words, work.d_weights, now, n[2],
                      rules.d_bound, work.values[2])  # fmt: skip
    exponents = (rules.lambda_u_start if began else rules.lambda_u, rules.lambda_h, rules.lambda_d)
    if rules.back_off and not learning and mask not in (1, 2, 4):
        return back_off(rules, work.values, exponents, mask, work.v)
    product(rules, work.values, exponents, mask, work.v)
    return mask


@_njit
def fill_likelihood(rules, state, m, g, n_u, counted, work):  # type: ignore[no-untyped-def]
    """Compute psi of every cell (steps 9 and 10)."""
    if rules.form == 1:
        eta = rules.a * g**rules.b
    else:
        above = max(0.0, (g - rules.g_minus) / (1.0 - rules.g_minus))
        eta = 1.0 + above**rules.gamma * rules.chi * rules.cells
    bundle = state.bottom_up
    centre = 0.0
    if rules.form == 2:
        fill = bundle.filled[m] / (bundle.widths[m] * work.v.size)
        centre = rules.ratchet_low + (rules.ratchet_high - rules.ratchet_low) * fill
    if counted:
        counts, table, psi = work.counts, work.table, work.psi
        for k in range(n_u + 1):
            table[k] = likelihood(rules, table[k], eta, centre)
        for i in range(np.uint32(psi.size)):
            psi[i] = table[counts[i]]
    else:
        for i in range(work.v.size):
            work.psi[i] = likelihood(rules, work.v[i], eta, centre)


@_njit
def step(rules, state, io, learning, first, f, m, work):  # type: ignore[no-untyped-def]
    """Run steps 1 to 12 and the learning of one mac in one frame."""
    now = first + f if learning else first
    began = io.starts[f] != 0
    if began:
        io.ages[m] = rules.persistence
    n_u = take_bottom_up(rules, state.bottom_up, io, f, m, work)
    if io.ages[m] < rules.persistence:
        persist(rules, state, io, learning, now, f, m, n_u, work)
        return
    n_h, n_d, own = 0, 0, -1
    if not began:
        n_h = pack_codes(io.winners[f], io.factors[f], state.horizontal.sources[m], rules.cells,
                         work.h_words, work.h_weights)  # fmt: skip
        n_d = pack_codes(io.above_winners[f], io.above_factors[f], state.top_down.sources[m],
                         rules.above_cells, work.d_words, work.d_weights)  # fmt: skip
        own = find_own(state.horizontal, m, (rules.n_modules * rules.cells + 63) // 64,
                       work.h_weights) if n_h else -1  # fmt: skip
    n = (n_u * max(1, rules.below_modules), n_h * rules.n_modules - (own >= 0),
         n_d * rules.above_modules)  # fmt: skip
    within = rules.low <= n_u <= rules.high
    mask = int(within) | int(n[1] > 0) << 1 | int(n[2] > 0) << 2
    if not (within or (io.context_only and mask)):
        silence(rules, io, f, m)
        return
    counted = mask == 1 and rules.decay == 0 and not is_weighted(work.u_weights)
    if counted:
        used = mask
        g, zeta = by_count(rules, state.bottom_up, m, n[0],
                           rules.lambda_u_start if began else rules.lambda_u, work)  # fmt: skip
    else:
        used = by_value(rules, state, io, now, f, m, n, mask, began, learning, work)
        g, zeta = look(rules, work.v)
    winners = io.winners[f + 1, m]
    if learning:
        fill_likelihood(rules, state, m, g, n[0], counted, work)
        draw(rules, work.psi, state.key, now, m, winners)
    elif counted:
        strongest_count(rules, work.counts, work.table, state.priority[m], winners)
    else:
        strongest(rules, work.v, state.priority[m], winners)
    io.ages[m] = 1
    io.familiarity[f + 1, m] = g
    io.hypotheses[f + 1, m] = zeta
    io.evidence[f + 1, m] = used
    mute = zeta > rules.most_hypotheses
    io.factors[f + 1, m] = 0.0 if mute else float(zeta) ** rules.zeta_exponent
    if learning and io.open[f]:
        if within:
            learn(rules, state.bottom_up, m, winners, work.u_words, -1, winners, now)
        if n[1] > 0:
            learn(rules, state.horizontal, m, winners, work.h_words, own, io.winners[f, m], now)
        if n[2] > 0:
            learn(rules, state.top_down, m, winners, work.d_words, -1, winners, now)


@_njit
def run_macs(rules, state, io, work, learning, first, f0, f1, m0, m1):  # type: ignore[no-untyped-def]
    """Run frames `f0` to `f1` - 1 of macs `m0` to `m1` - 1, mac by mac.

    Row f + 1 of the results belongs to frame f; row 0 precedes the first frame. `first` is the
    number of frames that the model learnt before frame 0.
    """
    for m in range(m0, m1):
        for f in range(f0, f1):
            step(rules, state, io, learning, first, f, m, work)
            if io.trace.size:
                n = 0
                for i in range(state.bottom_up.frozen.shape[1]):
                    n += state.bottom_up.frozen[m, i] >= 0
                io.trace[f, m] = n
