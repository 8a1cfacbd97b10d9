// The widest vector of this instruction-set level, and what is done across its lanes.
//
// GCC's vector extensions, which clang has too: plain operators, no intrinsics. A vector of the level's width compiles
// to one register; on a processor without such registers, to several.
//
// Everything here lives in an unnamed namespace: the same names are compiled once a level, with different instructions,
// and the linker must never choose one level's function for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))
// For a lambda: called from two places it would be a function, and read what it captures again after every store.
#define INLINE_LAMBDA __attribute__((always_inline))

namespace {

using index_t = std::int64_t;

template <int VALUE>
struct Constant {
    static constexpr int value = VALUE;
};

template <class Real>
struct Lanes;

template <>
struct Lanes<float> {
    using Bits = std::int32_t;
    typedef float Vector __attribute__((vector_size(VECTOR_BYTES)));
    typedef std::int32_t BitsVector __attribute__((vector_size(VECTOR_BYTES)));
    typedef float Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
};

template <>
struct Lanes<double> {
    using Bits = std::int64_t;
    typedef double Vector __attribute__((vector_size(VECTOR_BYTES)));
    typedef std::int64_t BitsVector __attribute__((vector_size(VECTOR_BYTES)));
    typedef double Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
};

template <class Real>
using Vector = typename Lanes<Real>::Vector;
template <class Real>
using BitsVector = typename Lanes<Real>::BitsVector;

template <class Real>
constexpr index_t LANES = VECTOR_BYTES / sizeof(Real);

// Every row of numbers that the kernel lays out itself starts on a multiple of this many numbers, at every level, so
// that the size of a workspace does not depend on the computer.
constexpr index_t ROW_MULTIPLE = 16;

constexpr index_t padded(index_t count) { return (count + ROW_MULTIPLE - 1) / ROW_MULTIPLE * ROW_MULTIPLE; }

template <class Real>
ALWAYS_INLINE Vector<Real> load(const Real* from) {
    return *reinterpret_cast<const typename Lanes<Real>::Unaligned*>(from);
}

template <class Real>
ALWAYS_INLINE void store(Real* to, Vector<Real> value) {
    *reinterpret_cast<typename Lanes<Real>::Unaligned*>(to) = value;
}

template <class Real>
ALWAYS_INLINE Vector<Real> broadcast(Real value) {
    return Vector<Real>{} + value;
}

// 0, 1, 2, ...
template <class Real, std::size_t... LANE>
ALWAYS_INLINE BitsVector<Real> lane_numbers(std::index_sequence<LANE...>) {
    return BitsVector<Real>{typename Lanes<Real>::Bits(LANE)...};
}

template <class Real>
using AllLanes = std::make_index_sequence<LANES<Real>>;

// Lanes below `count` of value, the others of `other`.
template <class Real>
ALWAYS_INLINE Vector<Real> first_lanes(Vector<Real> value, index_t count, Real other) {
    if (count >= LANES<Real>) return value;
    using Bits = typename Lanes<Real>::Bits;
    return lane_numbers<Real>(AllLanes<Real>{}) < Bits(count < 0 ? 0 : count) ? value : broadcast(other);
}

// The first `count` lanes from memory, the others zero; and the first `count` lanes to memory.
template <class Real>
ALWAYS_INLINE Vector<Real> load_tail(const Real* from, index_t count) {
    Real lanes[LANES<Real>] = {};
    for (index_t lane = 0; lane < count; ++lane) lanes[lane] = from[lane];
    return load(lanes);
}

template <class Real>
ALWAYS_INLINE void store_tail(Real* to, Vector<Real> value, index_t count) {
    Real lanes[LANES<Real>];
    store(lanes, value);
    for (index_t lane = 0; lane < count; ++lane) to[lane] = lanes[lane];
}

#if defined(__AVX512F__)
template <>
ALWAYS_INLINE Vector<float> load_tail(const float* from, index_t count) {
    return _mm512_maskz_loadu_ps((1u << count) - 1, from);
}

template <>
ALWAYS_INLINE Vector<double> load_tail(const double* from, index_t count) {
    return _mm512_maskz_loadu_pd((1u << count) - 1, from);
}

template <>
ALWAYS_INLINE void store_tail(float* to, Vector<float> value, index_t count) {
    _mm512_mask_storeu_ps(to, (1u << count) - 1, value);
}

template <>
ALWAYS_INLINE void store_tail(double* to, Vector<double> value, index_t count) {
    _mm512_mask_storeu_pd(to, (1u << count) - 1, value);
}
#endif

template <class Real>
ALWAYS_INLINE Vector<Real> load_first(const Real* from, index_t count) {
    return count >= LANES<Real> ? load(from) : load_tail(from, count);
}

template <class Real>
ALWAYS_INLINE void store_first(Real* to, Vector<Real> value, index_t count) {
    count >= LANES<Real> ? store(to, value) : store_tail(to, value, count);
}

template <class Real>
ALWAYS_INLINE Vector<Real> square_root(Vector<Real> value) {
    for (int lane = 0; lane < LANES<Real>; ++lane) value[lane] = __builtin_sqrt(value[lane]);
    return value;
}

#if defined(__AVX512F__)
template <>
ALWAYS_INLINE Vector<float> square_root<float>(Vector<float> value) {
    return _mm512_maskz_sqrt_ps(0xffff, value);
}
template <>
ALWAYS_INLINE Vector<double> square_root<double>(Vector<double> value) {
    return _mm512_maskz_sqrt_pd(0xff, value);
}
#elif defined(__AVX2__)
template <>
ALWAYS_INLINE Vector<float> square_root<float>(Vector<float> value) {
    return _mm256_sqrt_ps(value);
}
template <>
ALWAYS_INLINE Vector<double> square_root<double>(Vector<double> value) {
    return _mm256_sqrt_pd(value);
}
#elif defined(__SSE2__)
template <>
ALWAYS_INLINE Vector<float> square_root<float>(Vector<float> value) {
    return _mm_sqrt_ps(value);
}
template <>
ALWAYS_INLINE Vector<double> square_root<double>(Vector<double> value) {
    return _mm_sqrt_pd(value);
}
#endif

// a > b ? a : b, so that a NaN in b stays.
template <class Real>
ALWAYS_INLINE Vector<Real> max(Vector<Real> a, Vector<Real> b) {
    return a > b ? a : b;
}

// a < b ? a : b, so that a NaN in b stays.
template <class Real>
ALWAYS_INLINE Vector<Real> min(Vector<Real> a, Vector<Real> b) {
    return a < b ? a : b;
}

#if defined(__AVX512F__)
template <>
ALWAYS_INLINE Vector<float> max<float>(Vector<float> a, Vector<float> b) {
    return _mm512_maskz_max_ps(0xffff, a, b);
}
template <>
ALWAYS_INLINE Vector<double> max<double>(Vector<double> a, Vector<double> b) {
    return _mm512_maskz_max_pd(0xff, a, b);
}
template <>
ALWAYS_INLINE Vector<float> min<float>(Vector<float> a, Vector<float> b) {
    return _mm512_maskz_min_ps(0xffff, a, b);
}
template <>
ALWAYS_INLINE Vector<double> min<double>(Vector<double> a, Vector<double> b) {
    return _mm512_maskz_min_pd(0xff, a, b);
}
#elif defined(__AVX2__)
template <>
ALWAYS_INLINE Vector<float> max<float>(Vector<float> a, Vector<float> b) {
    return _mm256_max_ps(a, b);
}
template <>
ALWAYS_INLINE Vector<double> max<double>(Vector<double> a, Vector<double> b) {
    return _mm256_max_pd(a, b);
}
template <>
ALWAYS_INLINE Vector<float> min<float>(Vector<float> a, Vector<float> b) {
    return _mm256_min_ps(a, b);
}
template <>
ALWAYS_INLINE Vector<double> min<double>(Vector<double> a, Vector<double> b) {
    return _mm256_min_pd(a, b);
}
#elif defined(__SSE2__)
template <>
ALWAYS_INLINE Vector<float> max<float>(Vector<float> a, Vector<float> b) {
    return _mm_max_ps(a, b);
}
template <>
ALWAYS_INLINE Vector<double> max<double>(Vector<double> a, Vector<double> b) {
    return _mm_max_pd(a, b);
}
template <>
ALWAYS_INLINE Vector<float> min<float>(Vector<float> a, Vector<float> b) {
    return _mm_min_ps(a, b);
}
template <>
ALWAYS_INLINE Vector<double> min<double>(Vector<double> a, Vector<double> b) {
    return _mm_min_pd(a, b);
}
#endif

// Lane i gets lane i ^ DISTANCE.
template <class Real, int DISTANCE, std::size_t... LANE>
ALWAYS_INLINE Vector<Real> swap_lanes(Vector<Real> value, std::index_sequence<LANE...>) {
    return __builtin_shufflevector(value, value, int(LANE ^ DISTANCE)...);
}

template <class Real, int DISTANCE = LANES<Real> / 2>
ALWAYS_INLINE Real sum_of_lanes(Vector<Real> value) {
    if constexpr (DISTANCE == 0) {
        return value[0];
    } else {
        return sum_of_lanes<Real, DISTANCE / 2>(value + swap_lanes<Real, DISTANCE>(value, AllLanes<Real>{}));
    }
}

template <class Real, int DISTANCE = LANES<Real> / 2>
ALWAYS_INLINE Real max_of_lanes(Vector<Real> value) {
    if constexpr (DISTANCE == 0) {
        return value[0];
    } else {
        return max_of_lanes<Real, DISTANCE / 2>(max<Real>(value, swap_lanes<Real, DISTANCE>(value, AllLanes<Real>{})));
    }
}

// Lane i: where i has the bit DISTANCE, b's lanes i and i ^ DISTANCE added, else a's.
template <class Real, int DISTANCE, std::size_t... LANE>
ALWAYS_INLINE Vector<Real> fold_lanes(Vector<Real> a, Vector<Real> b, std::index_sequence<LANE...>) {
    constexpr int lanes = LANES<Real>;
    return __builtin_shufflevector(a, b, int(LANE & DISTANCE ? LANE + lanes : LANE)...) +
           __builtin_shufflevector(a, b, int(LANE & DISTANCE ? (LANE ^ DISTANCE) + lanes : LANE ^ DISTANCE)...);
}

// The sums of COUNT vectors that follow one another in memory; with as many vectors as lanes, lane i is vector i's.
template <class Real, int COUNT = LANES<Real>>
ALWAYS_INLINE Vector<Real> sums_of_vectors(const Real* vectors) {
    if constexpr (COUNT == 1) {
        return load(vectors);
    } else {
        return fold_lanes<Real, COUNT / 2>(
            sums_of_vectors<Real, COUNT / 2>(vectors),
            sums_of_vectors<Real, COUNT / 2>(vectors + COUNT / 2 * LANES<Real>), AllLanes<Real>{});
    }
}

}  // namespace
