// The passes over the memory of one sequence, forward and backward.
//
// The memory lies transposed, W rows of N slots, so that neighbouring lanes are neighbouring slots; every pass takes a
// block of slots at a time and keeps what belongs to the block in registers while it goes down the W rows. Sums over
// the slots are left as one vector of partial sums for each row, to be added across lanes at the end.
#pragma once

#include "functions.h"
#include "layout.h"

namespace {

constexpr index_t BLOCK_VECTORS = 4;

// Calls work(first slot, Constant<vectors>) for all blocks.
template <class Real, int VECTORS = BLOCK_VECTORS, class Work>
ALWAYS_INLINE void for_blocks(index_t slots_padded, const Work& work) {
    constexpr index_t lanes = LANES<Real>;
    index_t first = 0;
    for (; first + VECTORS * lanes <= slots_padded; first += VECTORS * lanes) work(first, Constant<VECTORS>{});
    for (; first < slots_padded; first += lanes) work(first, Constant<1>{});
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

// The slow way round for such rows: each is measured as a multiple of its largest entry.
template <class Real>
__attribute__((noinline)) void inverse_norms_of_huge(const Sizes& s, const Real* memory, Real* inverse) {
    for (index_t slot = 0; slot < s.slots; ++slot) {
        Real largest = 1;
        for (index_t row = 0; row < s.width; ++row) {
            const Real size = __builtin_fabs(memory[row * s.slots_padded + slot]);
            largest = size <= largest ? largest : size;
        }
        Real square = 0;
        for (index_t row = 0; row < s.width; ++row) {
            const Real entry = memory[row * s.slots_padded + slot] / largest;
            square += entry * entry;
        }
        constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
        inverse[slot] = Real(1) / Real(__builtin_sqrt(square < floor ? floor : square)) / largest;
    }
}

// 1 / max(|M(i)|, floor) from the squares |M(i)|^2.
template <class Real>
void measure(const Sizes& s, const Real* memory, const Real* squares, Real* inverse) {
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    constexpr Real huge = sizeof(Real) == 4 ? Real(1e30) : Real(1e300);  // beyond, a square may not be finite
    Vector<Real> largest = {};
    for (index_t slot = 0; slot < s.slots_padded; slot += LANES<Real>) {
        const Vector<Real> square = load(squares + slot);
        largest = larger<Real>(largest, square);
        store(inverse + slot, Real(1) / square_root<Real>(larger<Real>(spread(floor), square)));
    }
    if (largest_of_lanes<Real>(largest) > huge) inverse_norms_of_huge(s, memory, inverse);
}

template <class Real>
void measure_first(const Sizes& s, const Real* memory, Real* squares, Real* inverse) {
    for (index_t slot = 0; slot < s.slots_padded; ++slot) squares[slot] = 0;
    for (index_t row = 0; row < s.width; ++row) {
        for (index_t slot = 0; slot < s.slots_padded; ++slot) {
            const Real entry = memory[row * s.slots_padded + slot];
            squares[slot] += entry * entry;
        }
    }
    measure(s, memory, squares, inverse);
}

// cosine(h, i) = direction(h) . (M(i) / |M(i)|), for HEADS heads. The rows are brought to length 1 first, as the
// reference does: rows of one direction and several lengths then get the same cosine, and not each a rounding of its own.
template <class Real, int HEADS>
ALWAYS_INLINE void cosines_of(
    const Sizes& s, const Real* memory, const Real* inverse_norm, const Real* direction, Real* cosine) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
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
void cosines(const Sizes& s, const Real* memory, const Real* inverse_norm, const Real* direction, Real* cosine) {
    index_t head = 0;
    const auto go = [&](auto heads) {
        constexpr int HEADS = decltype(heads)::value;
        cosines_of<Real, HEADS>(
            s, memory, inverse_norm, direction + head * s.width, cosine + head * s.slots_padded);
        head += HEADS;
    };
    while (s.heads - head >= 4) go(Constant<4>{});
    if (s.heads - head >= 2) go(Constant<2>{});
    if (s.heads - head >= 1) go(Constant<1>{});
}

// M (1 - w e) + w a. That way round: what is all but erased leaves no rounding error behind that a small `a` would show.
template <class V, class Real>
ALWAYS_INLINE V written(V entry, V weight, Real erase, Real add) {
    return entry * (Real(1) - weight * erase) + weight * add;
}

// r(h) = sum_i w(i) M(i), then M <- M * (1 - w e^T) + w a^T for each write head in turn, and |M(i)|^2 afterwards.
//
// READS and WRITES are the numbers of heads where they are known beforehand, else -1.
template <class Real, int READS, int WRITES>
void read_and_write(
    const Sizes& s, Real* memory, const Real* weightings, const Real* erase, const Real* add, Real* partial_reads,
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
                for (int v = 0; v < VECTORS; ++v) entry[v] = written(entry[v], weight(reads + head, v), e, a);
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
void write_again(
    const Sizes& s, const Real* before, Real* after, const Real* weightings, const Real* erase, const Real* add) {
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
                    const Vector<Real> w = WRITES > 0 ? weighting[head][v]
                                                      : load(weightings + head * s.slots_padded + first + v * lanes);
                    entry[v] = written(entry[v], w, e, a);
                }
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) store(after + at + v * lanes, entry[v]);
        }
    });
}

// The way back through read_and_write takes two passes. Of both, `memory` is the memory before the step, and
// `d_weightings` is added to.

// The writes. `gradient` is that of the memory after the step on entry, of the memory before its writes on return.
// WRITES is the number of write heads where it is known beforehand, else -1.
template <class Real, int WRITES>
void write_backward(
    const Sizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* erase, const Real* add,
    Real* d_weightings, Real* partial_erase, Real* partial_add, Real* room) {
    constexpr index_t lanes = LANES<Real>;
    constexpr int KNOWN = WRITES > 0 ? WRITES : 1, BLOCK = WRITES > 4 ? 2 : 1;  // as measured
    const index_t writes = WRITES > 0 ? WRITES : s.write_heads;
    weightings += s.read_heads * s.slots_padded;
    d_weightings += s.read_heads * s.slots_padded;
    for_blocks<Real, BLOCK>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        // In registers where they are few, else in `room`: w, its gradient, and the entries before each write head.
        Vector<Real> few[3][KNOWN][VECTORS];
        Vector<Real>* many = reinterpret_cast<Vector<Real>*>(room);
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
                    if (head + 1 < writes) now[v] = written(now[v], weight(head, v), e, a);
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

// READS of the reads. `gradient` is that of the memory, and is added to.
template <class Real, int READS>
ALWAYS_INLINE void read_backward_of(
    const Sizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* d_reads, Real* d_weightings) {
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
void read_and_write_backward(
    const Sizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* erase, const Real* add,
    const Real* d_reads, Real* d_weightings, Real* partial_erase, Real* partial_add, Real* room) {
    const auto write = s.write_heads == 1   ? write_backward<Real, 1>
                       : s.write_heads == 2 ? write_backward<Real, 2>
                       : s.write_heads == 3 ? write_backward<Real, 3>
                       : s.write_heads == 4 ? write_backward<Real, 4>
                       : s.write_heads == 5 ? write_backward<Real, 5>
                                            : write_backward<Real, -1>;
    if (s.write_heads > 0) {
        write(s, memory, gradient, weightings, erase, add, d_weightings, partial_erase, partial_add, room);
    }
    index_t head = 0;
    const auto go = [&](auto reads) {
        constexpr int READS = decltype(reads)::value;
        read_backward_of<Real, READS>(
            s, memory, gradient, weightings + head * s.slots_padded, d_reads + head * s.width,
            d_weightings + head * s.slots_padded);
        head += READS;
    };
    while (s.read_heads - head >= 4) go(Constant<4>{});
    if (s.read_heads - head >= 2) go(Constant<2>{});
    if (s.read_heads - head >= 1) go(Constant<1>{});
}

// The same for one read head and one write head, in one pass.
template <class Real>
void read_and_write_backward_of_one(
    const Sizes& s, const Real* memory, Real* gradient, const Real* weightings, const Real* erase, const Real* add,
    const Real* d_reads, Real* d_weightings, Real* partial_erase, Real* partial_add, Real*) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
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

// Backward of the cosines: d_dot is the gradient of direction . M(i), `pull` the factor of M(i) in its own gradient.
template <class Real, int HEADS>
ALWAYS_INLINE void cosines_backward_of(
    const Sizes& s, const Real* memory, Real* gradient, const Real* direction, const Real* d_dot, const Real* pull,
    Real* partial_direction) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
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
    const Sizes& s, const Real* memory, Real* gradient, const Real* direction, const Real* d_dot, const Real* pull,
    Real* partial_direction) {
    index_t head = 0;
    const auto go = [&](auto heads) {
        constexpr int HEADS = decltype(heads)::value;
        cosines_backward_of<Real, HEADS>(
            s, memory, gradient, direction + head * s.width, d_dot + head * s.slots_padded, head == 0 ? pull : nullptr,
            partial_direction + head * s.width * LANES<Real>);
        head += HEADS;
    };
    while (s.heads - head >= 4) go(Constant<4>{});
    if (s.heads - head >= 2) go(Constant<2>{});
    if (s.heads - head >= 1) go(Constant<1>{});
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
