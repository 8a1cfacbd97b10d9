// Matrix products, in the two forms that the scan needs.
//
// Every element of a product is summed in the order of its inner axis, in runs of a fixed length, whatever the number of
// rows around it: a sequence's numbers do not depend on its neighbors, nor on how the batch is divided.
#pragma once

#include "cpp/src/lanes.h"

namespace {

// Output columns that one inner loop holds in registers, in vectors.
constexpr index_t PANEL_VECTORS = VECTOR_BYTES >= 32 ? 3 : 2;
constexpr index_t TILE_ROWS = VECTOR_BYTES == 64 ? 8 : 4;

template <class Real>
constexpr index_t PANEL = PANEL_VECTORS * LANES<Real>;

// Numbers in a packed matrix of `inner` x `columns`.
constexpr index_t packed_size(index_t inner, index_t columns) { return inner * (padded(columns) + 3 * ROW_MULTIPLE); }

// Some neighboring columns of a weight (outputs, ...): where they begin, how far apart its rows are, at which place
// they stand in what the weight is multiplied with, and how many they are.
template <class Real>
struct Slice {
    const Real* from;
    index_t stride, place, count;
};

// A packed matrix is divided into panels of PANEL columns, each with its inner axis outermost. What is not packed stays as it
// was, and only makes columns that nobody reads.

// packed (inner = all places, columns = the weight's outputs).
template <class Real>
void pack_transposed(const Slice<Real>& slice, index_t inner, index_t outputs, Real* packed) {
    constexpr index_t few = 4;  // rows of the weight at once
    for (index_t first = 0; first < outputs; first += few) {
        Real* to = packed + first / PANEL<Real> * inner * PANEL<Real> + first % PANEL<Real> + slice.place * PANEL<Real>;
        const Real* from = slice.from + first * slice.stride;
        const index_t rows = outputs - first < few ? outputs - first : few;
        for (index_t i = 0; i < slice.count; ++i) {
            for (index_t row = 0; row < rows; ++row) to[i * PANEL<Real> + row] = from[row * slice.stride + i];
        }
    }
}

// packed (inner = the weight's outputs, columns = all places).
template <class Real>
void pack(const Slice<Real>& slice, index_t outputs, Real* packed) {
    for (index_t place = slice.place; place < slice.place + slice.count;) {
        const index_t panel = place / PANEL<Real>, column = place % PANEL<Real>;
        const index_t left = slice.place + slice.count - place;
        const index_t count = PANEL<Real> - column < left ? PANEL<Real> - column : left;
        for (index_t k = 0; k < outputs; ++k) {
            const Real* from = slice.from + k * slice.stride + place - slice.place;
            Real* to = packed + (panel * outputs + k) * PANEL<Real> + column;
            for (index_t i = 0; i < count; ++i) to[i] = from[i];
        }
        place += count;
    }
}

// How many products are summed before they are added to the rest: a long sum in one go would lose digits.
constexpr index_t SUM_LENGTH = 32;

// ROWS x (PANELS * VECTORS) vectors of results = start + a @ packed.
template <class Real, int ROWS, int VECTORS, int PANELS>
ALWAYS_INLINE void multiply_tile(
    index_t inner, const Real* a, index_t a_stride, const Real* packed, const Real* start, index_t start_stride,
    Real* result, index_t result_stride) {
    constexpr index_t lanes = LANES<Real>;
    constexpr int WIDTH = PANELS * VECTORS;
    const index_t panel_stride = inner * PANEL<Real>;
    for (index_t begin = 0; begin == 0 || begin < inner; begin += SUM_LENGTH) {
        const index_t past = inner - begin < SUM_LENGTH ? inner : begin + SUM_LENGTH;
        Vector<Real> sums[ROWS][WIDTH] = {};
        for (index_t k = begin; k < past; ++k) {
            Vector<Real> columns[WIDTH];
#pragma GCC unroll 16
            for (int v = 0; v < WIDTH; ++v) {
                columns[v] = load(packed + (v / VECTORS) * panel_stride + k * PANEL<Real> + (v % VECTORS) * lanes);
            }
#pragma GCC unroll 16
            for (int row = 0; row < ROWS; ++row) {
                const Real factor = a[row * a_stride + k];
#pragma GCC unroll 16
                for (int v = 0; v < WIDTH; ++v) sums[row][v] += columns[v] * factor;
            }
        }
        const Real* so_far = begin > 0 ? result : start;
        const index_t so_far_stride = begin > 0 ? result_stride : start_stride;
#pragma GCC unroll 16
        for (int row = 0; row < ROWS; ++row) {
#pragma GCC unroll 16
            for (int v = 0; v < WIDTH; ++v) {
                if (so_far) sums[row][v] += load(so_far + row * so_far_stride + v * lanes);
                store(result + row * result_stride + v * lanes, sums[row][v]);
            }
        }
    }
}

// Every row of some columns; a tile of many rows first, then ever smaller ones.
template <class Real, int ROWS, int VECTORS, int PANELS>
ALWAYS_INLINE void multiply_columns(
    index_t rows, index_t inner, const Real* a, index_t a_stride, const Real* packed, const Real* start,
    index_t start_stride, Real* result, index_t result_stride) {
    while (rows >= ROWS) {
        multiply_tile<Real, ROWS, VECTORS, PANELS>(
            inner, a, a_stride, packed, start, start_stride, result, result_stride);
        a += ROWS * a_stride;
        if (start) start += ROWS * start_stride;
        result += ROWS * result_stride;
        rows -= ROWS;
    }
    if constexpr (ROWS > 1) {
        multiply_columns<Real, ROWS / 2, VECTORS, PANELS>(
            rows, inner, a, a_stride, packed, start, start_stride, result, result_stride);
    }
}

// result (rows, columns) = start (rows, columns, or nothing) + a (rows, inner) @ packed (inner, columns).
//
// Rows of `start` and `result` are written and read in whole vectors: they need space for padded(columns).
template <class Real>
void multiply(
    index_t rows, index_t inner, index_t columns, const Real* a, index_t a_stride, const Real* packed,
    const Real* start, index_t start_stride, Real* result, index_t result_stride) {
    constexpr index_t lanes = LANES<Real>;
    index_t vectors = (columns + lanes - 1) / lanes;
    const auto go = [&](auto panels, auto width) {
        constexpr int PANELS = decltype(panels)::value, VECTORS = decltype(width)::value;
        constexpr int ROWS = PANELS > 1 ? 2 : TILE_ROWS;
        multiply_columns<Real, ROWS, VECTORS, PANELS>(
            rows, inner, a, a_stride, packed, start, start_stride, result, result_stride);
        if (start) start += PANELS * VECTORS * lanes;
        result += PANELS * VECTORS * lanes;
        packed += PANELS * inner * PANEL<Real>;
        vectors -= PANELS * VECTORS;
    };
    if (rows <= 2) {  // too few sums in one panel to keep the multipliers busy
        while (vectors >= 3 * PANEL_VECTORS) go(Constant<3>{}, Constant<PANEL_VECTORS>{});
    }
    while (vectors >= PANEL_VECTORS) go(Constant<1>{}, Constant<PANEL_VECTORS>{});
    if (vectors == 2) go(Constant<1>{}, Constant<2>{});
    if (vectors == 1) go(Constant<1>{}, Constant<1>{});
}

// How deep a block of the inner axis is: so much of b stays in the first cache while the tiles of c pass over it.
constexpr index_t BLOCK_DEPTH = 64;

// Columns of a that are packed together: a cache line of float.
constexpr index_t STRIP = 16;

// ROWS x VECTORS vectors of c += a^T @ b, with a strip of a's columns packed.
template <class Real, int ROWS, int VECTORS>
ALWAYS_INLINE void accumulate_transposed_tile(
    index_t inner, const Real* strip, const Real* b, index_t b_stride, Real* c, index_t c_stride) {
    constexpr index_t lanes = LANES<Real>;
    Vector<Real> sums[ROWS][VECTORS] = {};
    for (index_t k = 0; k < inner; ++k) {
        Vector<Real> columns[VECTORS];
#pragma GCC unroll 16
        for (int v = 0; v < VECTORS; ++v) columns[v] = load(b + k * b_stride + v * lanes);
#pragma GCC unroll 16
        for (int row = 0; row < ROWS; ++row) {
            const Real factor = strip[k * STRIP + row];
#pragma GCC unroll 16
            for (int v = 0; v < VECTORS; ++v) sums[row][v] += columns[v] * factor;
        }
    }
#pragma GCC unroll 16
    for (int row = 0; row < ROWS; ++row) {
#pragma GCC unroll 16
        for (int v = 0; v < VECTORS; ++v) {
            Real* to = c + row * c_stride + v * lanes;
            store(to, load(to) + sums[row][v]);
        }
    }
}

template <class Real, int ROWS>
void accumulate_transposed_rows(
    index_t vectors, index_t inner, const Real* strip, const Real* b, index_t b_stride, Real* c, index_t c_stride) {
    constexpr index_t lanes = LANES<Real>;
    index_t v = 0;
    for (; v + PANEL_VECTORS <= vectors; v += PANEL_VECTORS) {
        accumulate_transposed_tile<Real, ROWS, PANEL_VECTORS>(
            inner, strip, b + v * lanes, b_stride, c + v * lanes, c_stride);
    }
    if (vectors - v == 2)
        accumulate_transposed_tile<Real, ROWS, 2>(inner, strip, b + v * lanes, b_stride, c + v * lanes, c_stride);
    if (vectors - v == 1)
        accumulate_transposed_tile<Real, ROWS, 1>(inner, strip, b + v * lanes, b_stride, c + v * lanes, c_stride);
}

// c (rows, columns) += a (inner, rows)^T @ b (inner, columns): a weight's gradient from all steps of all sequences.
// Summed block by block, and then the blocks: a long sum in one go would lose digits. And `sums` (rows) += the sums of
// a's columns, a bias's gradient: these in double, because what is to be summed is large, and its sum often small.
//
// Rows of a, b and c are read, and those of c written, in whole vectors.
template <class Real>
void accumulate_transposed(
    index_t rows, index_t columns, index_t inner, const Real* a, index_t a_stride, const Real* b, index_t b_stride,
    Real* c, index_t c_stride, double* sums) {
    constexpr index_t lanes = LANES<Real>;
    const index_t vectors = (columns + lanes - 1) / lanes;
    Real strip[BLOCK_DEPTH * STRIP];
    for (index_t block = 0; block < inner; block += BLOCK_DEPTH) {
        const index_t depth = inner - block < BLOCK_DEPTH ? inner - block : BLOCK_DEPTH;
        for (index_t first = 0; first < rows; first += STRIP) {
            double strip_sums[STRIP] = {};
            for (index_t k = 0; k < depth; ++k) {
                const Real* from = a + (block + k) * a_stride + first;
                for (index_t i = 0; i < STRIP; i += lanes) store(strip + k * STRIP + i, load(from + i));
                for (index_t i = 0; i < STRIP; ++i) strip_sums[i] += double(from[i]);
            }
            for (index_t i = 0; i < STRIP && first + i < rows; ++i) sums[first + i] += strip_sums[i];
            index_t row = first;
            const index_t past = rows - first < STRIP ? rows : first + STRIP;
            const auto go = [&](auto count) {
                constexpr int ROWS = decltype(count)::value;
                accumulate_transposed_rows<Real, ROWS>(
                    vectors, depth, strip + row - first, b + block * b_stride, b_stride, c + row * c_stride, c_stride);
                row += ROWS;
            };
            while (row + TILE_ROWS <= past) go(Constant<TILE_ROWS>{});
            while (row + 4 <= past) go(Constant<4>{});
            while (row < past) go(Constant<1>{});
        }
    }
}

}  // namespace
