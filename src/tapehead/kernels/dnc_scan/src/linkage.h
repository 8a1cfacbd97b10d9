// Which slots are free, and in which order they were written (Graves et al. 2016, Methods), forward and backward.
#pragma once

#include "dnc_scan/src/layout.h"
#include "cpp/src/content.h"
#include "cpp/src/weights.h"

namespace {

// ------------------------------------------------------------------------------------------------- slots in order

// Numbers from 0 to 1 rounded for being sort_keys, to one part in 65536, so that rounding does not choose among slots of
// one history; NaN counts as the largest. SIGN -1 turns the order round.
template <class Real, int SIGN>
void sort_keys(const DNCSizes& s, const Real* values, Real* keys) {
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> value = load(values + slot) * Real(65536), far = broadcast(Real(1 << 21));
        const Vector<Real> rounded = (value + Format<Real>::rounder) - Format<Real>::rounder;
        const Vector<Real> key = value < far ? (value > -far ? rounded : value) : value;
        const Vector<Real> of_nan = broadcast(Real(SIGN * __builtin_inf()));
        store(keys + slot, value == value ? Real(SIGN) * key : of_nan);
    });
}

// The place of each slot in a stable sort by its key: how many keys are smaller, or equal and before it. To count them
// all takes fewer steps than to sort, and as many whatever the keys are.
template <class Real>
void rank(const DNCSizes& s, const Real* keys, typename Lanes<Real>::Bits* places) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> own[VECTORS];
        BitsVector<Real> before[VECTORS] = {};
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) own[v] = load(keys + first + v * lanes);
        const index_t past = first + VECTORS * lanes < s.slots ? first + VECTORS * lanes : s.slots;
        for (index_t other = 0; other < first; ++other) {
            const Vector<Real> key = broadcast(keys[other]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) before[v] -= key <= own[v];
        }
        for (index_t other = first; other < past; ++other) {
            const Vector<Real> key = broadcast(keys[other]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                using Bits = typename Lanes<Real>::Bits;
                const BitsVector<Real> behind =
                    lane_numbers<Real>(AllLanes<Real>{}) + Bits(first + v * lanes) > Bits(other);
                before[v] -= (key < own[v]) | ((key == own[v]) & behind);
            }
        }
        for (index_t other = past; other < s.slots; ++other) {
            const Vector<Real> key = broadcast(keys[other]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) before[v] -= key < own[v];
        }
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            std::memcpy(places + first + v * lanes, &before[v], sizeof(before[v]));
        }
    });
}

// phi: the slots by usage, the least used first.
template <class Real>
void free_list(const DNCSizes& s, const Real* usage, Real* keys, std::int32_t* order) {
    typename Lanes<Real>::Bits* places = reinterpret_cast<typename Lanes<Real>::Bits*>(keys + s.slots_padded);
    sort_keys<Real, 1>(s, usage, keys);
    rank(s, keys, places);
    for (index_t slot = 0; slot < s.slots; ++slot) order[places[slot]] = std::int32_t(slot);
}

// 1 for the `sparse` heaviest slots of a weighting, 0 elsewhere; and the weighting times that.
template <class Real>
void keep_top_k(const DNCSizes& s, const Real* weighting, Real* keys, Real* is_kept, Real* top_k_only) {
    using Bits = typename Lanes<Real>::Bits;
    Bits* places = reinterpret_cast<Bits*>(keys + s.slots_padded);
    sort_keys<Real, -1>(s, weighting, keys);
    rank(s, keys, places);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        BitsVector<Real> place;
        std::memcpy(&place, places + slot, sizeof(place));
        const Vector<Real> one = broadcast(Real(1)), zero = {}, weight = load(weighting + slot);
        const Bits count = Bits(s.sparse < s.slots ? s.sparse : s.slots);
        const Vector<Real> stays = first_lanes(place < count ? one : zero, left, Real(0));
        store(is_kept + slot, stays);
        store(top_k_only + slot, stays != zero ? weight : zero);
    });
}

// ------------------------------------------------------------------------------------------------------ allocation

// psi(i) = prod_r (1 - f_r w_{t-1,r}(i)), then u = (u + w - u * w) * psi, one write head after the other.
template <class Real>
void update_usage(
    const DNCSizes& s, const Real* free_gates, const Real* reading, const Real* writing, const Real* before,
    Real* retained, Real* after) {
    for_slots<Real>(s, [&](index_t slot, index_t) {
        Vector<Real> stays = broadcast(Real(1)), used = load(before + slot);
        for (index_t head = 0; head < s.read_heads; ++head) {
            stays *= Real(1) - free_gates[head] * load(reading + head * s.slots_padded + slot);
        }
        for (index_t head = 0; head < s.write_heads; ++head) {
            used += (Real(1) - used) * load(writing + head * s.slots_padded + slot);
        }
        store(retained + slot, stays);
        store(after + slot, used * stays);
    });
}

// Backward of `update_usage`; adds to the gradients of the weightings, puts that of the usage before in place of that
// after.
// `d_retained` has the gradient of psi that comes from de-allocation. WORKSPACE: H + R + 1 vectors.
template <class Real>
void update_usage_backward(
    const DNCSizes& s, const Real* free_gates, const Real* reading, const Real* writing, const Real* before,
    const Real* retained, const Real* d_retained, Real* d_usage, Real* d_reading, Real* d_writing, Real* d_free_gates,
    Real* workspace) {
    Vector<Real>* used = reinterpret_cast<Vector<Real>*>(workspace);  // before each write head
    Vector<Real>* freed = used + s.write_heads + 1;                   // of each read head: the sum for its free gate
    for (index_t head = 0; head < s.read_heads; ++head) freed[head] = Vector<Real>{};
    for_slots<Real>(s, [&](index_t slot, index_t) {
        used[0] = load(before + slot);
        for (index_t head = 0; head < s.write_heads; ++head) {
            used[head + 1] = used[head] + (Real(1) - used[head]) * load(writing + head * s.slots_padded + slot);
        }
        const Vector<Real> d_after = load(d_usage + slot);
        const Vector<Real> d_stays = load(d_retained + slot) + d_after * used[s.write_heads];
        Vector<Real> d_used = d_after * load(retained + slot);
        for (index_t head = s.write_heads - 1; head >= 0; --head) {
            const index_t at = head * s.slots_padded + slot;
            store(d_writing + at, load(d_writing + at) + d_used * (Real(1) - used[head]));
            d_used *= Real(1) - load(writing + at);
        }
        store(d_usage + slot, d_used);
        for (index_t head = 0; head < s.read_heads; ++head) {
            Vector<Real> d_factor = d_stays;
            for (index_t other = 0; other < s.read_heads; ++other) {
                if (other == head) continue;
                d_factor *= Real(1) - free_gates[other] * load(reading + other * s.slots_padded + slot);
            }
            const index_t at = head * s.slots_padded + slot;
            store(d_reading + at, load(d_reading + at) - free_gates[head] * d_factor);
            freed[head] -= d_factor * load(reading + at);
        }
    });
    for (index_t head = 0; head < s.read_heads; ++head) d_free_gates[head] = sum_of_lanes<Real>(freed[head]);
}

// a[phi_j] = (1 - u[phi_j]) prod_{i<j} u[phi_i] (equation 1).
template <class Real>
void allocation(const DNCSizes& s, const Real* usage, const std::int32_t* order, Real* allocated) {
    Real product = 1;
    for (index_t place = 0; place < s.slots; ++place) {
        const index_t slot = order[place];
        allocated[slot] = (1 - usage[slot]) * product;
        product *= usage[slot];
    }
    clear(s.slots_padded - s.slots, allocated + s.slots);
}

// Adds the gradient of u from that of a, from the most used slot to the least. Nothing is divided by.
template <class Real>
void allocation_backward(
    const DNCSizes& s, const Real* usage, const std::int32_t* order, const Real* d_allocated, Real* d_usage,
    Real* products) {
    Real product = 1, d_product = 0;
    for (index_t place = 0; place < s.slots; ++place) {
        products[place] = product;
        product *= usage[order[place]];
    }
    for (index_t place = s.slots - 1; place >= 0; --place) {
        const index_t slot = order[place];
        const Real used = usage[slot], d = d_allocated[slot];
        d_usage[slot] += products[place] * (d_product - d);
        d_product = (1 - used) * d + used * d_product;
    }
}

// What the next write head finds in use: u + (1 - u) g^w g^a a.
template <class Real>
void usage_after_head(const DNCSizes& s, const Real* usage, Real gate, const Real* allocated, Real* next) {
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> used = load(usage + slot);
        store(next + slot, used + (Real(1) - used) * gate * load(allocated + slot));
    });
}

// w = g^w (g^a a + (1 - g^a) c) (equation 2); an infinite a is as good as NaN.
template <class Real>
void write_weighting(
    const DNCSizes& s, Real write_gate, Real allocation_gate, const Real* allocated, const Real* content,
    Real* writing) {
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> free = load(allocated + slot), found = load(content + slot);
        const Vector<Real> both = allocation_gate * free + (1 - allocation_gate) * found;
        store(writing + slot, write_gate * (both + Real(0) * free));
    });
}

// p_t = (1 - sum_i w(i)) p_{t-1} + w.
template <class Real>
void precedence(const DNCSizes& s, const Real* before, const Real* to, Real* after) {
    Vector<Real> sum = {};
    for_slots<Real>(s, [&](index_t slot, index_t) { sum += load(to + slot); });
    const Real stays = 1 - sum_of_lanes<Real>(sum);
    for_slots<Real>(
        s, [&](index_t slot, index_t) { store(after + slot, stays * load(before + slot) + load(to + slot)); });
}

// Backward of `precedence`: adds to the gradient of w, and puts that of p_{t-1} in place of that of p_t.
template <class Real>
void precedence_backward(const DNCSizes& s, const Real* before, const Real* to, Real* d_precedence, Real* d_to) {
    Vector<Real> sum = {}, along = {};
    for_slots<Real>(s, [&](index_t slot, index_t) {
        sum += load(to + slot);
        along += load(d_precedence + slot) * load(before + slot);
    });
    const Real stays = 1 - sum_of_lanes<Real>(sum), product = sum_of_lanes<Real>(along);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        const Vector<Real> d = load(d_precedence + slot);
        store(d_to + slot, first_lanes(load(d_to + slot) + d - product, left, Real(0)));
        store(d_precedence + slot, stays * d);
    });
}

// ----------------------------------------------------------------------------------------------------------- links
//
// L is N rows of N; one pass over it does all that a step needs, a block of columns at a time, in registers. Row sums
// are left as one vector of partial sums for each row. The diagonal is zero before and after every step.

// Calls work(row, Constant<v>) for all rows, v being the vector of this block that the diagonal crosses there, or -1.
template <class Real, int VECTORS, class Work>
ALWAYS_INLINE void for_rows(const DNCSizes& s, index_t first, const Work& work) {
    constexpr index_t lanes = LANES<Real>;
    const auto go = [&](index_t begin, index_t past, auto crossed) {
        if (past > s.slots) past = s.slots;
        for (index_t row = begin; row < past; ++row) work(row, crossed);
    };
    go(0, first, Constant<-1>{});
    go(first, first + lanes, Constant<0>{});
    if constexpr (VECTORS > 1) go(first + lanes, first + 2 * lanes, Constant<1>{});
    if constexpr (VECTORS > 2) go(first + 2 * lanes, first + 3 * lanes, Constant<2>{});
    if constexpr (VECTORS > 3) go(first + 3 * lanes, first + 4 * lanes, Constant<3>{});
    go(first + VECTORS * lanes, s.slots, Constant<-1>{});
}

// Zero in the lane of the diagonal.
template <class Real>
ALWAYS_INLINE Vector<Real> without_lane(Vector<Real> value, index_t lane) {
    const Vector<Real> zero = {};
    return lane_numbers<Real>(AllLanes<Real>{}) == typename Lanes<Real>::Bits(lane) ? zero : value;
}

// L[i, j] <- (1 - w(i) - w(j)) L[i, j] + w(i) p(j) (where UPDATES), and of READS read heads f = L w^r, b = L^T w^r.
template <class Real, int READS, bool UPDATES>
void link_and_follow(
    const DNCSizes& s, const Real* before, Real* after, const Real* to, const Real* of, const Real* reading,
    Real* partial_forward, Real* backward, index_t backward_stride) {
    constexpr index_t lanes = LANES<Real>;
    constexpr int KNOWN = READS > 0 ? READS : 1;
    for_blocks<Real, READS <= 2 ? 4 : 2>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> to_j[VECTORS], of_j[VECTORS], reading_j[KNOWN][VECTORS], sums[KNOWN][VECTORS] = {};
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            if (UPDATES) {
                to_j[v] = load(to + first + v * lanes);
                of_j[v] = load(of + first + v * lanes);
            }
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) reading_j[r][v] = load(reading + r * s.slots_padded + first + v * lanes);
        }
        for_rows<Real, VECTORS>(s, first, [&](index_t i, auto crossed) {
            const Real *from = before + i * s.slots_padded + first, to_i = to[i], stays = 1 - to_i;
            Real* into = after + i * s.slots_padded + first;
            Vector<Real> row[KNOWN];
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) {
                row[r] = first == 0 ? Vector<Real>{} : load(partial_forward + (r * s.slots + i) * lanes);
            }
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                Vector<Real> link = load(from + v * lanes);
                if (UPDATES) {
                    link = (stays - to_j[v]) * link + to_i * of_j[v];
                    if (v == decltype(crossed)::value) link = without_lane<Real>(link, i - first - v * lanes);
                    store(into + v * lanes, link);
                }
#pragma GCC unroll 4
                for (int r = 0; r < READS; ++r) {
                    row[r] += link * reading_j[r][v];
                    sums[r][v] += link * reading[r * s.slots_padded + i];
                }
            }
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) store(partial_forward + (r * s.slots + i) * lanes, row[r]);
        });
#pragma GCC unroll 4
        for (int r = 0; r < READS; ++r) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) store(backward + r * backward_stride + first + v * lanes, sums[r][v]);
        }
    });
}

// Backward of link_and_follow, for READS of its read heads; where LAST, also of the update. `before` is L_{t-1}, and
// `d_links` the gradient of L_t, or where LAST on return that of L_{t-1}. All other gradients are added to.
template <class Real, int READS, bool LAST>
void link_and_follow_backward(
    const DNCSizes& s, const Real* before, Real* d_links, const Real* to, const Real* of, const Real* reading,
    const Real* d_forward, const Real* d_backward, index_t followed_stride, Real* d_reading, Real* d_to, Real* d_of,
    Real* partial_reading, Real* partial_to) {
    constexpr index_t lanes = LANES<Real>;
    for_blocks<Real, READS <= 2 ? 2 : 1>(s.slots_padded, [&](index_t first, auto block) {
        constexpr int VECTORS = decltype(block)::value;
        Vector<Real> to_j[VECTORS], of_j[VECTORS], d_to_j[VECTORS] = {}, d_of_j[VECTORS] = {};
        Vector<Real> reading_j[READS][VECTORS], d_backward_j[READS][VECTORS], sums[READS][VECTORS] = {};
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            to_j[v] = load(to + first + v * lanes);
            of_j[v] = load(of + first + v * lanes);
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) {
                reading_j[r][v] = load(reading + r * s.slots_padded + first + v * lanes);
                d_backward_j[r][v] = load(d_backward + r * followed_stride + first + v * lanes);
            }
        }
        for_rows<Real, VECTORS>(s, first, [&](index_t i, auto crossed) {
            const index_t at = i * s.slots_padded + first;
            const Real to_i = to[i], stays = 1 - to_i;
            Vector<Real> row[READS], row_to = {};
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) {
                row[r] = first == 0 ? Vector<Real>{} : load(partial_reading + (r * s.slots + i) * lanes);
            }
            if (LAST && first > 0) row_to = load(partial_to + i * lanes);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; ++v) {
                const Vector<Real> link = load(before + at + v * lanes), fades = stays - to_j[v];
                Vector<Real> now = fades * link + to_i * of_j[v], d = load(d_links + at + v * lanes);
                if (v == decltype(crossed)::value) now = without_lane<Real>(now, i - first - v * lanes);
#pragma GCC unroll 4
                for (int r = 0; r < READS; ++r) {
                    const Real d_forward_i = d_forward[r * followed_stride + i],
                               reading_i = reading[r * s.slots_padded + i];
                    row[r] += now * d_backward_j[r][v];
                    sums[r][v] += now * d_forward_i;
                    d += d_forward_i * reading_j[r][v] + reading_i * d_backward_j[r][v];
                }
                if (LAST) {
                    if (v == decltype(crossed)::value) d = without_lane<Real>(d, i - first - v * lanes);
                    row_to += d * (of_j[v] - link);
                    d_of_j[v] += d * to_i;
                    d_to_j[v] -= d * link;
                    d *= fades;
                }
                store(d_links + at + v * lanes, d);
            }
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) store(partial_reading + (r * s.slots + i) * lanes, row[r]);
            if (LAST) store(partial_to + i * lanes, row_to);
        });
        const auto add_to = [&](Real* gradient, Vector<Real> sum) { store(gradient, load(gradient) + sum); };
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; ++v) {
            if (LAST) {
                add_to(d_to + first + v * lanes, d_to_j[v]);
                add_to(d_of + first + v * lanes, d_of_j[v]);
            }
#pragma GCC unroll 4
            for (int r = 0; r < READS; ++r) add_to(d_reading + r * s.slots_padded + first + v * lanes, sums[r][v]);
        }
    });
}

// Sums of the rows' partial sums.
template <class Real>
void sum_rows(const DNCSizes& s, const Real* partial, Real* sums) {
    add_across_lanes(partial, s.slots, sums);
    clear(s.slots_padded - s.slots, sums + s.slots);
}

// S(f, s)(i) = (f(i) + 1e-6)^s / sum_j (f(j) + 1e-6)^s, as a softmax of s log(f + 1e-6).
template <class Real>
constexpr Real LINK_FLOOR = Real(1e-6);

template <class Real>
void sharpen_followed(const DNCSizes& s, const Real* followed, Real sharpness, Real* logarithms, Real* sharpened) {
    const Real lowest = -__builtin_inf();
    Vector<Real> largest = broadcast(lowest), sum = {};
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        const Vector<Real> logarithm = log_of_weights<Real>(load(followed + slot) + LINK_FLOOR<Real>);
        largest = max<Real>(largest, first_lanes(logarithm, left, lowest));
        store(logarithms + slot, logarithm);
    });
    const Real top = max_of_lanes<Real>(largest);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        const Vector<Real> logarithm = load(logarithms + slot) - top;
        const Vector<Real> power = first_lanes(exp_below_zero<Real>(sharpness * logarithm), left, Real(0));
        sum += power;
        store(logarithms + slot, logarithm);
        store(sharpened + slot, power);
    });
    const Real scale = 1 / sum_of_lanes<Real>(sum);
    for_slots<Real>(s, [&](index_t slot, index_t) { store(sharpened + slot, load(sharpened + slot) * scale); });
}

// Backward of sharpen_followed: from the gradient of S to that of f, in place; returns that of s.
template <class Real>
Real sharpen_followed_backward(
    const DNCSizes& s, const Real* followed, Real sharpness, const Real* logarithms, const Real* sharpened, Real* d) {
    Vector<Real> products = {}, d_sharpness = {};
    for_slots<Real>(s, [&](index_t slot, index_t) { products += load(d + slot) * load(sharpened + slot); });
    const Real mean = sum_of_lanes<Real>(products);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        const Vector<Real> value = load(followed + slot) + LINK_FLOOR<Real>, zero = {};
        const Vector<Real> d_power = load(sharpened + slot) * (load(d + slot) - mean);
        d_sharpness += d_power * first_lanes(load(logarithms + slot), left, Real(0));
        store(d + slot, value < Format<Real>::tiny ? zero : sharpness * d_power / value);
    });
    return sum_of_lanes<Real>(d_sharpness);
}

}  // namespace
