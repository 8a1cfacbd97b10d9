// The passes over the memory that read it, write it, and compare it behind a mask, forward and backward.
#pragma once

#include "dnc_scan/src/layout.h"
#include "cpp/src/content.h"
#include "cpp/src/weights.h"

namespace {

// M <- M * psi (where there is de-allocation) * prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T, and |M(i)|^2 afterwards where
// that is wanted. WRITES is the number of write heads where it is known beforehand, else -1.
template <class Real, int WRITES>
void write_all_heads(
    const DNCSizes& s, const Real* before, Real* after, const Real* retained, const Real* writing, const Real* erase,
    const Real* add, Real* squares) {
    constexpr index_t lanes = LANES<Real>;
    constexpr int KNOWN = WRITES > 0 ? WRITES : 1;
    const index_t writes = WRITES > 0 ? WRITES : s.write_heads;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> square[VECTORS] = {}, stays[VECTORS], weighting[KNOWN][VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            stays[v] = retained ? load(retained + first + v * lanes) : broadcast(Real(1));
            for (int head = 0; WRITES > 0 && head < KNOWN; ++head) {
                weighting[head][v] = load(writing + head * s.slots_padded + first + v * lanes);
            }
        }
        const auto weight = [&](index_t head, int v) {
            return WRITES > 0 ? weighting[head][v] : load(writing + head * s.slots_padded + first + v * lanes);
        };
        for (index_t row = 0; row < s.width; ++row) {
            const index_t at = row * s.slots_padded + first;
            Vector<Real> entry[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) entry[v] = load(before + at + v * lanes) * stays[v];
            for (index_t head = 0; head < writes; ++head) {
                const Real e = erase[head * s.width + row];
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) entry[v] *= Real(1) - weight(head, v) * e;
            }
            for (index_t head = 0; head < writes; ++head) {
                const Real a = add[head * s.width + row];
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) entry[v] += weight(head, v) * a;
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                store(after + at + v * lanes, entry[v]);
                square[v] += entry[v] * entry[v];
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            if (squares) store(squares + first + v * lanes, square[v]);
        }
    });
}

// Backward of write_all_heads. `d_memory` is the gradient of the memory after on entry, of the memory before on return;
// `d_writing` is added to, `d_retained` written. WORKSPACE: 2 H vectors.
template <class Real, int WRITES>
void write_all_heads_backward(
    const DNCSizes& s, const Real* memory, const Real* retained, const Real* writing, const Real* erase,
    const Real* add, Real* d_memory, Real* d_writing, Real* d_retained, Real* partial_erase, Real* partial_add,
    Real* workspace) {
    constexpr index_t lanes = LANES<Real>;
    const index_t writes = WRITES > 0 ? WRITES : s.write_heads;
    for_blocks<Real, WRITES == 1 ? 4 : 1>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> few[2][VECTORS], d_stays[VECTORS] = {}, stays[VECTORS];
        Vector<Real>* many = reinterpret_cast<Vector<Real>*>(workspace);
        const auto weight = [&](index_t head, int v) -> Vector<Real>& { return WRITES == 1 ? few[0][v] : many[head]; };
        const auto d_weight = [&](index_t head, int v) -> Vector<Real>& {
            return WRITES == 1 ? few[1][v] : many[writes + head];
        };
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            stays[v] = retained ? load(retained + first + v * lanes) : broadcast(Real(1));
            for (index_t head = 0; head < writes; ++head) {
                weight(head, v) = load(writing + head * s.slots_padded + first + v * lanes);
                d_weight(head, v) = load(d_writing + head * s.slots_padded + first + v * lanes);
            }
        }
        for (index_t row = 0; row < s.width; ++row) {
            const index_t at = row * s.slots_padded + first;
            Vector<Real> kept[VECTORS], d[VECTORS], entry[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                entry[v] = load(memory + at + v * lanes);
                d[v] = load(d_memory + at + v * lanes);
                kept[v] = broadcast(Real(1));
            }
            for (index_t head = 0; head < writes; ++head) {
                const index_t here = head * s.width + row;
                const Real e = erase[here], a = add[here];
                Vector<Real> d_erase = first == 0 ? Vector<Real>{} : load(partial_erase + here * lanes);
                Vector<Real> d_add = first == 0 ? Vector<Real>{} : load(partial_add + here * lanes);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) {
                    Vector<Real> d_erased = d[v] * entry[v] * stays[v];  // of 1 - w e, all other heads' factors in it
                    for (index_t other = 0; WRITES != 1 && other < writes; ++other) {
                        if (other != head) d_erased *= Real(1) - weight(other, v) * erase[other * s.width + row];
                    }
                    d_add += d[v] * weight(head, v);
                    d_erase -= d_erased * weight(head, v);
                    d_weight(head, v) += d[v] * a - d_erased * e;
                    kept[v] *= Real(1) - weight(head, v) * e;
                }
                store(partial_erase + here * lanes, d_erase);
                store(partial_add + here * lanes, d_add);
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                d_stays[v] += d[v] * kept[v] * entry[v];
                store(d_memory + at + v * lanes, d[v] * kept[v] * stays[v]);
            }
        }
        const Vector<Real> zero = {};
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            store(d_retained + first + v * lanes, retained ? d_stays[v] : zero);
            for (index_t head = 0; head < writes; ++head) {
                store(d_writing + head * s.slots_padded + first + v * lanes, d_weight(head, v));
            }
        }
    });
}

// r(h) = sum_i w(i) M(i), of READS heads, as partial sums.
template <class Real, int READS>
ALWAYS_INLINE void read_of(const DNCSizes& s, const Real* memory, const Real* reading, Real* partial) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> weighting[READS][VECTORS];
#pragma GCC unroll 4
        for (int head = 0; head < READS; ++head) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                weighting[head][v] = load(reading + head * s.slots_padded + first + v * lanes);
            }
        }
        for (index_t row = 0; row < s.width; ++row) {
            Vector<Real> sums[READS];
#pragma GCC unroll 4
            for (int head = 0; head < READS; ++head) {
                sums[head] = first == 0 ? Vector<Real>{} : load(partial + (head * s.width + row) * lanes);
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                const Vector<Real> entry = load(memory + row * s.slots_padded + first + v * lanes);
#pragma GCC unroll 4
                for (int head = 0; head < READS; ++head) sums[head] += entry * weighting[head][v];
            }
#pragma GCC unroll 4
            for (int head = 0; head < READS; ++head) store(partial + (head * s.width + row) * lanes, sums[head]);
        }
    });
}

template <class Real>
void read(const DNCSizes& s, const Real* memory, const Real* reading, Real* partial, Real* reads) {
    for_head_groups(s.read_heads, [&](index_t head, auto heads) {
        read_of<Real, decltype(heads)::value>(
            s, memory, reading + head * s.slots_padded, partial + head * s.width * LANES<Real>);
    });
    add_across_lanes(partial, s.reads, reads);
}

// -------------------------------------------------------------------------------------------------- behind a mask
//
// cos(k * m, M(i) * m), head by head. With s = m^2 it is sum_w s k M / (|k m| |M(i) m|).

// The direction m^2 k / |k m| of a key, and 1 / |k m|.
template <class Real>
Real normalize_masked_key(index_t width, const Real* key, const Real* mask, Real* direction) {
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    Real square = 0;
    for (index_t w = 0; w < width; ++w) {
        direction[w] = key[w] * mask[w];
        square += direction[w] * direction[w];
    }
    Real inverse = Real(1) / Real(__builtin_sqrt(square < floor ? floor : square));
    if (!(square <= LARGE_SQUARE<Real>)) inverse = inverse_norm_of_large(width, direction, 1);
    for (index_t w = 0; w < width; ++w) direction[w] = direction[w] * inverse * mask[w];
    return inverse;
}

// 1 / |M(i) m| of every slot.
template <class Real>
void masked_inverse_norms(const DNCSizes& s, const Real* memory, const Real* mask, Real* squares, Real* inverse) {
    clear(s.slots_padded, squares);
    for (index_t row = 0; row < s.width; ++row) {
        for_slots<Real>(s, [&](index_t slot, index_t) {
            const Vector<Real> shown = load(memory + row * s.slots_padded + slot) * mask[row];
            store(squares + slot, load(squares + slot) + shown * shown);
        });
    }
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    for (index_t slot = 0; slot < s.slots_padded; ++slot) {
        if (!(squares[slot] <= LARGE_SQUARE<Real>)) {
            Real largest = 1, square = 0;
            for (index_t row = 0; row < s.width; ++row) {
                const Real size = __builtin_fabs(memory[row * s.slots_padded + slot] * mask[row]);
                largest = size <= largest ? largest : size;
            }
            for (index_t row = 0; row < s.width; ++row) {
                const Real shown = memory[row * s.slots_padded + slot] * mask[row] / largest;
                square += shown * shown;
            }
            inverse[slot] = Real(1) / Real(__builtin_sqrt(square)) / largest;
        } else {
            inverse[slot] = Real(1) / Real(__builtin_sqrt(squares[slot] < floor ? floor : squares[slot]));
        }
    }
}

// compare_masked_backward for rows of one number: but for the floor their cosine is a sign, without a gradient. Each of the
// two norms that is not the floor takes one of the two factors of the mask away.
template <class Real>
void compare_masked_signs_backward(
    const DNCSizes& s, const Real* memory, const Real* inverse_norm, const Real* cosine, Real key, Real mask,
    Real inverse_key_norm, const Real* d_cosine, Real* d_memory, Real* d_key, Real* d_mask) {
    const bool key_counts = !(inverse_key_norm < FLOORED<Real>);
    Real for_key = 0, for_mask = 0;
    for (index_t slot = 0; slot < s.slots; ++slot) {
        const bool entry_counts = !(inverse_norm[slot] < FLOORED<Real>);
        const Real d = d_cosine[slot] * inverse_norm[slot] * mask * mask * inverse_key_norm;
        if (entry_counts) d_memory[slot] += d * key;
        if (key_counts) for_key += d * memory[slot];
        for_mask += d_cosine[slot] * cosine[slot] * Real(int(key_counts) + int(entry_counts));
    }
    *d_key = for_key;
    *d_mask = for_mask / mask;
}

// Backward of the masked cosine of one head, whose gradient is `d_cosine`: adds to the memory's gradient, gives those of the
// key and of the mask.
template <class Real>
void compare_masked_backward(
    const DNCSizes& s, const Real* memory, const Real* inverse_norm, const Real* cosine, const Real* key,
    const Real* mask, Real inverse_key_norm, Real* d_cosine, Real* along_row, Real* d_memory, Real* d_key,
    Real* d_mask) {
    if (s.width == 1) {
        return compare_masked_signs_backward(
            s, memory, inverse_norm, cosine, *key, *mask, inverse_key_norm, d_cosine, d_memory, d_key, d_mask);
    }
    Vector<Real> products = {};
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> inverse = load(inverse_norm + slot), d = load(d_cosine + slot), zero = {};
        const Vector<Real> along = d * load(cosine + slot);
        products += along;
        store(along_row + slot, inverse < FLOORED<Real> ? load(cosine + slot) * inverse : zero);
        store(d_cosine + slot, d * inverse);
    });
    const Real along = inverse_key_norm < FLOORED<Real> ? sum_of_lanes<Real>(products) : Real(0);
    for (index_t row = 0; row < s.width; ++row) {
        const Real shown = mask[row] * mask[row], directed = key[row] * inverse_key_norm;
        Vector<Real> dots = {}, squares = {};
        for_slots<Real>(s, [&](index_t slot, index_t) {
            const Vector<Real> entry = load(memory + row * s.slots_padded + slot), d = load(d_cosine + slot);
            const Vector<Real> along_entry =
                load(along_row + slot) * entry;  // nearly `directed` where the row is the key
            Real* to = d_memory + row * s.slots_padded + slot;
            store(to, load(to) + d * shown * (directed - along_entry));
            dots += d * entry;
            squares -= d * entry * along_entry;
        });
        const Real dot = sum_of_lanes<Real>(dots), square = sum_of_lanes<Real>(squares);
        d_key[row] = inverse_key_norm * shown * (dot - along * directed);
        d_mask[row] = mask[row] * (2 * directed * dot + square - along * directed * directed);
    }
}

}  // namespace
