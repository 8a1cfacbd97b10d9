// The passes over the memory of one sequence, forward and backward.
//
// The memory lies transposed, W rows of N slots, so that neighboring lanes are neighboring slots; every pass takes a
// block of slots at a time and keeps what belongs to the block in registers while it goes down the W rows. Sums over
// the slots are left as one vector of partial sums for each row, to be added across lanes at the end.
#pragma once

#include "cpp/src/functions.h"
#include "cpp/src/layout.h"

namespace {

constexpr index_t BLOCK_VECTORS = 4;

// Calls work(first slot, Constant<vectors>) for all blocks.
template <class Real, int VECTORS = BLOCK_VECTORS, class Work>
ALWAYS_INLINE void for_blocks(index_t slots_padded, const Work& work) {
    constexpr index_t lanes = LANES<Real>;
    index_t first = 0;
    for (; first + VECTORS * lanes <= slots_padded; first += VECTORS * lanes) work(first, Constant<VECTORS>{});
    if constexpr (VECTORS > 1) {
        for (; first < slots_padded; first += lanes) work(first, Constant<1>{});
    }
}

// Calls work(first head, Constant<heads>) for so many heads, four, two or one at once.
template <class Work>
ALWAYS_INLINE void for_head_groups(index_t count, const Work& work) {
    index_t head = 0;
    const auto go = [&](auto heads) {
        work(head, heads);
        head += decltype(heads)::value;
    };
    while (count - head >= 4) go(Constant<4>{});
    if (count - head >= 2) go(Constant<2>{});
    if (count - head >= 1) go(Constant<1>{});
}

// The sums of `count` vectors that follow one another in memory.
template <class Real>
void add_across_lanes(const Real* partial, index_t count, Real* sums) {
    constexpr index_t lanes = LANES<Real>;
    index_t i = 0;
    for (; i + lanes <= count; i += lanes) store(sums + i, sums_of_vectors<Real>(partial + i * lanes));
    for (; i < count; ++i) sums[i] = sum_of_lanes<Real>(load(partial + i * lanes));
}

template <class Real>
constexpr Real NORM_FLOOR = Real(1e-8);

// Beyond this, a square may not be finite.
template <class Real>
constexpr Real LARGE_SQUARE = sizeof(Real) == 4 ? Real(1e30) : Real(1e300);

// The slow way round for such rows: each is measured as a multiple of its largest entry.
template <class Real>
__attribute__((noinline)) Real inverse_norm_of_large(index_t count, const Real* entries, index_t stride) {
    Real largest = 1;
    for (index_t i = 0; i < count; ++i) {
        const Real size = __builtin_fabs(entries[i * stride]);
        largest = size <= largest ? largest : size;
    }
    Real square = 0;
    for (index_t i = 0; i < count; ++i) {
        const Real entry = entries[i * stride] / largest;
        square += entry * entry;
    }
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    return Real(1) / Real(__builtin_sqrt(square < floor ? floor : square)) / largest;
}

// 1 / max(|M(i)|, floor) from the squares |M(i)|^2.
template <class Real>
void inverse_norms(const Sizes& s, const Real* memory, const Real* squares, Real* inverse) {
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    Vector<Real> largest = {};
    for (index_t slot = 0; slot < s.slots_padded; slot += LANES<Real>) {
        const Vector<Real> square = load(squares + slot);
        largest = max<Real>(largest, square);
        store(inverse + slot, Real(1) / square_root<Real>(max<Real>(broadcast(floor), square)));
    }
    if (max_of_lanes<Real>(largest) <= LARGE_SQUARE<Real>) return;
    for (index_t slot = 0; slot < s.slots; ++slot) {
        inverse[slot] = inverse_norm_of_large(s.width, memory + slot, s.slots_padded);
    }
}

template <class Real>
void initial_inverse_norms(const Sizes& s, const Real* memory, Real* squares, Real* inverse) {
    for (index_t slot = 0; slot < s.slots_padded; ++slot) squares[slot] = 0;
    for (index_t row = 0; row < s.width; ++row) {
        for (index_t slot = 0; slot < s.slots_padded; ++slot) {
            const Real entry = memory[row * s.slots_padded + slot];
            squares[slot] += entry * entry;
        }
    }
    inverse_norms(s, memory, squares, inverse);
}

// cosine(h, i) = direction(h) . (M(i) / |M(i)|), for so many heads. The rows are brought to length 1 first, as the
// reference does: rows of one direction and several lengths then get the same cosine but for a rounding of the last place.
template <class Real, int HEADS>
ALWAYS_INLINE void cosines_of(
    const Sizes& s, const Real* memory, const Real* inverse_norm, const Real* direction, Real* cosine) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) INLINE_LAMBDA {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> sums[HEADS][VECTORS] = {}, inverse[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) inverse[v] = load(inverse_norm + first + v * lanes);
        for (index_t row = 0; row < s.width; ++row) {
            const Real* entries = memory + row * s.slots_padded + first;
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                const Vector<Real> entry = load(entries + v * lanes) * inverse[v];
#pragma GCC unroll 4
                for (int head = 0; head < HEADS; ++head) sums[head][v] += entry * direction[head * s.width + row];
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
#pragma GCC unroll 4
            for (int head = 0; head < HEADS; ++head) {
                store(cosine + head * s.slots_padded + first + v * lanes, sums[head][v]);
            }
        }
    });
}

template <class Real>
void cosines(
    const Sizes& s, index_t count, const Real* memory, const Real* inverse_norm, const Real* direction, Real* cosine) {
    for_head_groups(count, [&](index_t head, auto heads) {
        cosines_of<Real, decltype(heads)::value>(
            s, memory, inverse_norm, direction + head * s.width, cosine + head * s.slots_padded);
    });
}

// READS of the reads. `gradient` is that of the memory, and is added to.
template <class Real, int READS>
ALWAYS_INLINE void read_backward_of(
    const Sizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* d_reads,
    Real* d_weightings) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real, 2>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> weighting[READS][VECTORS], d_weighting[READS][VECTORS];
#pragma GCC unroll 4
        for (int head = 0; head < READS; ++head) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                weighting[head][v] = load(weightings + head * s.slots_padded + first + v * lanes);
                d_weighting[head][v] = load(d_weightings + head * s.slots_padded + first + v * lanes);
            }
        }
        for (index_t row = 0; row < s.width; ++row) {
            const index_t at = row * s.slots_padded + first;
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                const Vector<Real> entry = load(memory + at + v * lanes);
                Vector<Real> d = load(gradient + at + v * lanes);
#pragma GCC unroll 4
                for (int head = 0; head < READS; ++head) {
                    d_weighting[head][v] += entry * d_reads[head * s.width + row];
                    d += weighting[head][v] * d_reads[head * s.width + row];
                }
                store(gradient + at + v * lanes, d);
            }
        }
#pragma GCC unroll 4
        for (int head = 0; head < READS; ++head) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                store(d_weightings + head * s.slots_padded + first + v * lanes, d_weighting[head][v]);
            }
        }
    });
}

template <class Real>
void read_backward(
    const Sizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* d_reads,
    Real* d_weightings) {
    for_head_groups(s.read_heads, [&](index_t head, auto reads) {
        read_backward_of<Real, decltype(reads)::value>(
            s, memory, gradient, weightings + head * s.slots_padded, d_reads + head * s.width,
            d_weightings + head * s.slots_padded);
    });
}

// Backward of the cosines: d_dot is the gradient of direction . M(i), `pull` the factor of M(i) in its own gradient.
template <class Real, int HEADS>
ALWAYS_INLINE void cosines_backward_of(
    const Sizes& s, const Real* memory, Real* gradient, const Real* direction, const Real* d_dot, const Real* pull,
    Real* partial_direction) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) INLINE_LAMBDA {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> pulling[VECTORS], through[HEADS][VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            pulling[v] = pull ? load(pull + first + v * lanes) : Vector<Real>{};
#pragma GCC unroll 4
            for (int head = 0; head < HEADS; ++head) {
                through[head][v] = load(d_dot + head * s.slots_padded + first + v * lanes);
            }
        }
        for (index_t row = 0; row < s.width; ++row) {
            const index_t at = row * s.slots_padded + first;
            Vector<Real> sums[HEADS];
            Real factor[HEADS];
#pragma GCC unroll 4
            for (int head = 0; head < HEADS; ++head) {
                factor[head] = direction[head * s.width + row];
                sums[head] = first == 0 ? Vector<Real>{} : load(partial_direction + (head * s.width + row) * lanes);
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                const Vector<Real> entry = load(memory + at + v * lanes);
                Vector<Real> d = load(gradient + at + v * lanes) + pulling[v] * entry;
#pragma GCC unroll 4
                for (int head = 0; head < HEADS; ++head) {
                    d += through[head][v] * factor[head];
                    sums[head] += through[head][v] * entry;
                }
                store(gradient + at + v * lanes, d);
            }
#pragma GCC unroll 4
            for (int head = 0; head < HEADS; ++head) {
                store(partial_direction + (head * s.width + row) * lanes, sums[head]);
            }
        }
    });
}

template <class Real>
void cosines_backward(
    const Sizes& s, index_t count, const Real* memory, Real* gradient, const Real* direction, const Real* d_dot,
    const Real* pull, Real* partial_direction) {
    for_head_groups(count, [&](index_t head, auto heads) {
        cosines_backward_of<Real, decltype(heads)::value>(
            s, memory, gradient, direction + head * s.width, d_dot + head * s.slots_padded, head == 0 ? pull : nullptr,
            partial_direction + head * s.width * LANES<Real>);
    });
}

// (N, W) to W rows of N, the padding zero; and back.
template <class Real>
void transpose_in(const Sizes& s, const Real* from, Real* to) {
    for (index_t row = 0; row < s.width; ++row) {
        for (index_t slot = 0; slot < s.slots; ++slot) to[row * s.slots_padded + slot] = from[slot * s.width + row];
        for (index_t slot = s.slots; slot < s.slots_padded; ++slot) to[row * s.slots_padded + slot] = 0;
    }
}

template <class Real>
void transpose_out(const Sizes& s, const Real* from, Real* to) {
    for (index_t slot = 0; slot < s.slots; ++slot) {
        for (index_t row = 0; row < s.width; ++row) to[slot * s.width + row] = from[row * s.slots_padded + slot];
    }
}

}  // namespace
