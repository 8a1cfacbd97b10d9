// The passes over the memory that read and write it, forward and backward.
#pragma once

#include "cpp/src/memory.h"
#include "ntm_scan/src/layout.h"

namespace {

// M (1 - w e) + w a. That way round: what is all but erased leaves no rounding error behind that a small `a` would show.
template <class V, class Real>
ALWAYS_INLINE V write_to(V entry, V weight, Real erase, Real add) {
    return entry * (Real(1) - weight * erase) + weight * add;
}

// r(h) = sum_i w(i) M(i), then M <- M * (1 - w e^T) + w a^T for each write head in turn, and |M(i)|^2 afterwards.
//
// READS and WRITES are the numbers of heads where they are known beforehand, else -1.
template <class Real, int READS, int WRITES>
void read_and_write(
    const NTMSizes& s, Real* memory, const Real* weightings, const Real* erase, const Real* add, Real* partial_reads,
    Real* squares) {
    constexpr index_t lanes = LANES<Real>;
    constexpr bool known = READS >= 0;
    const index_t reads = known ? READS : s.read_heads, writes = known ? WRITES : s.write_heads;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> square[VECTORS] = {}, weighting[known ? READS + WRITES : 1][VECTORS];
#pragma GCC unroll 4
        for (int v = 0; known && v < VECTORS; ++v) {
            for (int head = 0; head < READS + WRITES; ++head) {
                weighting[head][v] = load(weightings + head * s.slots_padded + first + v * lanes);
            }
        }
        const auto weight = [&](index_t head, int v) {
            return known ? weighting[head][v] : load(weightings + head * s.slots_padded + first + v * lanes);
        };
        for (index_t row = 0; row < s.width; ++row) {
            Vector<Real> entry[VECTORS];
            const index_t at = row * s.slots_padded + first;
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) entry[v] = load(memory + at + v * lanes);
            for (index_t head = 0; head < reads; ++head) {
                Real* partial = partial_reads + (head * s.width + row) * lanes;
                Vector<Real> sum = first == 0 ? Vector<Real>{} : load(partial);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) sum += entry[v] * weight(head, v);
                store(partial, sum);
            }
            for (index_t head = 0; head < writes; ++head) {
                const Real e = erase[head * s.width + row], a = add[head * s.width + row];
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) entry[v] = write_to(entry[v], weight(reads + head, v), e, a);
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                store(memory + at + v * lanes, entry[v]);
                square[v] += entry[v] * entry[v];
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) store(squares + first + v * lanes, square[v]);
    });
}

// The writes of read_and_write alone, done again.
template <class Real, int WRITES>
void repeat_writes(
    const NTMSizes& s, const Real* before, Real* after, const Real* weightings, const Real* erase, const Real* add) {
    constexpr index_t lanes = LANES<Real>;
    const index_t writes = WRITES >= 0 ? WRITES : s.write_heads;
    weightings += s.read_heads * s.slots_padded;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        constexpr int KNOWN = WRITES > 0 ? WRITES : 1;
        Vector<Real> weighting[KNOWN][VECTORS];
#pragma GCC unroll 4
        for (int v = 0; WRITES > 0 && v < VECTORS; ++v) {
            for (int head = 0; head < KNOWN; ++head) {
                weighting[head][v] = load(weightings + head * s.slots_padded + first + v * lanes);
            }
        }
        for (index_t row = 0; row < s.width; ++row) {
            Vector<Real> entry[VECTORS];
            const index_t at = row * s.slots_padded + first;
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) entry[v] = load(before + at + v * lanes);
            for (index_t head = 0; head < writes; ++head) {
                const Real e = erase[head * s.width + row], a = add[head * s.width + row];
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) {
                    const Vector<Real> w =
                        WRITES > 0 ? weighting[head][v] : load(weightings + head * s.slots_padded + first + v * lanes);
                    entry[v] = write_to(entry[v], w, e, a);
                }
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) store(after + at + v * lanes, entry[v]);
        }
    });
}

// The backward pass of read_and_write takes two passes over the memory. Of both, `memory` is the memory before the step, and
// `d_weightings` is added to.

// The writes. `gradient` is that of the memory after the step on entry, of the memory before its writes on return.
// WRITES is the number of write heads where it is known beforehand, else -1.
template <class Real, int WRITES>
void write_backward(
    const NTMSizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* erase, const Real* add,
    Real* d_weightings, Real* partial_erase, Real* partial_add, Real* workspace) {
    constexpr index_t lanes = LANES<Real>;
    constexpr int KNOWN = WRITES > 0 ? WRITES : 1, BLOCK = WRITES > 4 ? 2 : 1;  // as measured
    const index_t writes = WRITES > 0 ? WRITES : s.write_heads;
    weightings += s.read_heads * s.slots_padded;
    d_weightings += s.read_heads * s.slots_padded;
    for_blocks<Real, BLOCK>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        // In registers where they are few, else in `workspace`: w, its gradient, and the entries before each write head.
        Vector<Real> few[3][KNOWN][VECTORS];
        Vector<Real>* many = reinterpret_cast<Vector<Real>*>(workspace);
        const auto at = [&](int kind, index_t head, int v) -> Vector<Real>& {
            return WRITES > 0 ? few[kind][head][v] : many[(kind * writes + head) * VECTORS + v];
        };
        const auto weight = [&](index_t head, int v) -> Vector<Real>& { return at(0, head, v); };
        const auto d_weight = [&](index_t head, int v) -> Vector<Real>& { return at(1, head, v); };
        const auto entry = [&](index_t head, int v) -> Vector<Real>& { return at(2, head, v); };
#pragma GCC unroll 8
        for (index_t head = 0; head < writes; ++head) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                weight(head, v) = load(weightings + head * s.slots_padded + first + v * lanes);
                d_weight(head, v) = load(d_weightings + head * s.slots_padded + first + v * lanes);
            }
        }
        for (index_t row = 0; row < s.width; ++row) {
            Vector<Real> now[VECTORS], d[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                now[v] = load(memory + row * s.slots_padded + first + v * lanes);
                d[v] = load(gradient + row * s.slots_padded + first + v * lanes);
            }
#pragma GCC unroll 8
            for (index_t head = 0; head < writes; ++head) {
                const Real e = erase[head * s.width + row], a = add[head * s.width + row];
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) {
                    entry(head, v) = now[v];
                    if (head + 1 < writes) now[v] = write_to(now[v], weight(head, v), e, a);
                }
            }
#pragma GCC unroll 8
            for (index_t head = writes - 1; head >= 0; --head) {
                const index_t here = head * s.width + row;
                const Real e = erase[here], a = add[here];
                Vector<Real> d_erase = first == 0 ? Vector<Real>{} : load(partial_erase + here * lanes);
                Vector<Real> d_add = first == 0 ? Vector<Real>{} : load(partial_add + here * lanes);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; ++v) {
                    const Vector<Real> weighted = d[v] * weight(head, v);
                    d_add += weighted;
                    d_erase -= weighted * entry(head, v);
                    d_weight(head, v) += d[v] * (a - entry(head, v) * e);
                    d[v] *= Real(1) - weight(head, v) * e;
                }
                store(partial_erase + here * lanes, d_erase);
                store(partial_add + here * lanes, d_add);
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) store(gradient + row * s.slots_padded + first + v * lanes, d[v]);
        }
#pragma GCC unroll 8
        for (index_t head = 0; head < writes; ++head) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                store(d_weightings + head * s.slots_padded + first + v * lanes, d_weight(head, v));
            }
        }
    });
}

template <class Real>
void read_and_write_backward(
    const NTMSizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* erase, const Real* add,
    const Real* d_reads, Real* d_weightings, Real* partial_erase, Real* partial_add, Real* workspace) {
    const auto write = s.write_heads == 1   ? write_backward<Real, 1>
                       : s.write_heads == 2 ? write_backward<Real, 2>
                       : s.write_heads == 3 ? write_backward<Real, 3>
                       : s.write_heads == 4 ? write_backward<Real, 4>
                       : s.write_heads == 5 ? write_backward<Real, 5>
                                            : write_backward<Real, -1>;
    if (s.write_heads > 0) {
        write(s, memory, gradient, weightings, erase, add, d_weightings, partial_erase, partial_add, workspace);
    }
    read_backward(s, memory, gradient, weightings, d_reads, d_weightings);
}

// The same for one read head and one write head, in one pass.
template <class Real>
void read_and_write_backward_of_one(
    const NTMSizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* erase, const Real* add,
    const Real* d_reads, Real* d_weightings, Real* partial_erase, Real* partial_add, Real*) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) INLINE_LAMBDA {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> reading[VECTORS], writing[VECTORS], d_reading[VECTORS], d_writing[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            reading[v] = load(weightings + first + v * lanes);
            writing[v] = load(weightings + s.slots_padded + first + v * lanes);
            d_reading[v] = load(d_weightings + first + v * lanes);
            d_writing[v] = load(d_weightings + s.slots_padded + first + v * lanes);
        }
        for (index_t row = 0; row < s.width; ++row) {
            const Real e = erase[row], a = add[row], d_read = d_reads[row];
            const index_t at = row * s.slots_padded + first;
            Vector<Real> d_erase = first == 0 ? Vector<Real>{} : load(partial_erase + row * lanes);
            Vector<Real> d_add = first == 0 ? Vector<Real>{} : load(partial_add + row * lanes);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                const Vector<Real> entry = load(memory + at + v * lanes), d = load(gradient + at + v * lanes);
                const Vector<Real> weighted = d * writing[v];
                d_add += weighted;
                d_erase -= weighted * entry;
                d_writing[v] += d * (a - entry * e);
                d_reading[v] += entry * d_read;
                store(gradient + at + v * lanes, d * (Real(1) - writing[v] * e) + reading[v] * d_read);
            }
            store(partial_erase + row * lanes, d_erase);
            store(partial_add + row * lanes, d_add);
        }
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            store(d_weightings + first + v * lanes, d_reading[v]);
            store(d_weightings + s.slots_padded + first + v * lanes, d_writing[v]);
        }
    });
}

}  // namespace
