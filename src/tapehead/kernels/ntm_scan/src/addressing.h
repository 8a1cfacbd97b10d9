// From the head layer's outputs to each head's weighting, and back (Graves et al. 2014, section 3.3).
#pragma once

#include "cpp/src/content.h"
#include "ntm_scan/src/memory.h"

namespace {

// The heads' parameters, from the head layer's outputs: k = tanh, beta = softplus, g = sigmoid, s = softmax,
// gamma = 1 + softplus, e = sigmoid, a = tanh of the clipped parts.
//
// `slopes` gets what a parameter's gradient is multiplied with to give its output's, zero where the clip holds; of the
// shifts, whose softmax mixes them, only that zero, or one.
template <class Real>
void head_parameters(
    const NTMSizes& s, const ParameterOffsets& at, const Real* raw, Real clip, Real* parameters, Real* slopes) {
    using A = Activations<Real>;
    const auto map = [&](index_t first, index_t past, const auto& function) {
        activate(first, past, raw, clip, parameters, slopes, function);
    };
    map(at.key, at.strength, A::tanh_);
    map(at.erase, at.add, A::sigmoid_);
    map(at.add, s.parameters, A::tanh_);
    map(at.strength, at.gate, A::softplus_);
    if (!s.location) return;
    map(at.gate, at.shifts, A::sigmoid_);
    map(at.shifts, at.sharpening, A::identity);
    softmax_of_groups(s.heads, s.offsets, parameters + at.shifts);
    map(at.sharpening, at.erase, A::softplus_);
    for (index_t head = 0; head < s.heads; ++head) parameters[at.sharpening + head] += 1;
}

// Turns the gradient of the parameters into that of the head layer's outputs, in place.
template <class Real>
void head_parameters_backward(
    const NTMSizes& s, const ParameterOffsets& at, const Real* parameters, const Real* slopes, Real* gradient) {
    if (s.location) {
        softmax_of_groups_backward(s.heads, s.offsets, parameters + at.shifts, gradient + at.shifts);
    }
    for (index_t i = 0; i < s.parameters; i += LANES<Real>) {  // rows are padded
        store(gradient + i, load(gradient + i) * load(slopes + i));
    }
}

// ------------------------------------------------------------------------------------------- weightings, by location
//
// Several heads go through every pass together: one head's sums and largest numbers would keep the processor waiting.

constexpr int HEADS_AT_ONCE = 4;           // forward
constexpr int HEADS_AT_ONCE_BACKWARD = 2;  // more of them would not fit in the registers

// Copies the first `reach` slots behind the last, and the last before the first.
template <class Real>
ALWAYS_INLINE void close_ring(const NTMSizes& s, Real* ring) {
    for (index_t i = 0; i < s.shift_range; ++i) {
        ring[s.slots + i] = ring[i];
        ring[-1 - i] = ring[s.slots - 1 - i];
    }
}

// Room for a ring of slots, and where its first slot lies.
inline index_t ring_margin(const NTMSizes& s) { return padded(s.shift_range > 0 ? s.shift_range : 0); }
inline index_t ring_size(const NTMSizes& s) { return s.slots_padded + 2 * ring_margin(s) + ROW_MULTIPLE; }

// What one head's addressing reads and writes.
template <class Real>
struct HeadTables {
    Real strength, gate, sharpening;
    const Real* shifts;
    const Real* previous;  // w_{t-1}
    Real *cosine, *content, *log_shifted, *weighting;

    HeadTables() = default;
    HeadTables(
        const NTMSizes& s, const ParameterOffsets& at, const Real* parameters, index_t head,
        const Real* previous_weightings, Real* cosines, Real* contents, Real* logs_shifted, Real* weightings)
        : strength(parameters[at.strength + head]),
          gate(0),
          sharpening(0),
          shifts(nullptr),
          previous(previous_weightings + head * s.slots_padded),
          cosine(cosines + head * s.slots_padded),
          content(contents),
          log_shifted(logs_shifted),
          weighting(weightings + head * s.slots_padded) {
        if (!s.location) return;
        gate = parameters[at.gate + head];
        sharpening = parameters[at.sharpening + head];
        shifts = parameters + at.shifts + head * s.offsets;
        content += head * s.slots_padded;
        log_shifted += head * s.slots_padded;
    }
};

// w^g = g w^c + (1 - g) w_{t-1}, laid in a ring.
template <class Real>
ALWAYS_INLINE void interpolate(const HeadTables<Real>& head, index_t slot, Vector<Real> content, Real* ring) {
    store(ring + slot, head.gate * content + (1 - head.gate) * load(head.previous + slot));
}

// w~(i) = sum_o s(o) w^g(i - o) at one vector of slots. OFFSETS is their number where it is known beforehand, else 0.
template <class Real, int OFFSETS>
ALWAYS_INLINE Vector<Real> shifted(const NTMSizes& s, const Real* ring, const Real* shifts, index_t slot) {
    const index_t offsets = OFFSETS ? OFFSETS : s.offsets, shift_range = OFFSETS ? OFFSETS / 2 : s.shift_range;
    Vector<Real> sum = {};
#pragma GCC unroll 4
    for (index_t o = 0; o < offsets; ++o) sum += load(ring + slot - (o - shift_range)) * shifts[o];
    return sum;
}

// From the cosines to the new weightings of some heads.
template <class Real, int HEADS, int OFFSETS>
void address(const NTMSizes& s, const HeadTables<Real>* head, Real* rings) {
    Real scale[HEADS], top[HEADS], *ring[HEADS], *powers[HEADS];
    if (!s.location) {
        FOR_EACH_HEAD powers[h] = head[h].weighting;
        address_by_content<Real, HEADS>(s, head, powers, scale);
    } else {
        FOR_EACH_HEAD powers[h] = head[h].content;
        FOR_EACH_HEAD ring[h] = rings + h * ring_size(s) + ring_margin(s);
        address_by_content<Real, HEADS>(s, head, powers, scale);
        for_slots<Real>(s, [&](index_t slot, index_t) {
            FOR_EACH_HEAD {
                const Vector<Real> content = load(powers[h] + slot) * scale[h];
                store(powers[h] + slot, content);
                interpolate(head[h], slot, content, ring[h]);
            }
        });
        FOR_EACH_HEAD close_ring(s, ring[h]);
        Vector<Real> largest[HEADS], sums[HEADS] = {};
        FOR_EACH_HEAD largest[h] = broadcast(Real(-__builtin_inf()));
        for_slots<Real>(s, [&](index_t slot, index_t left) {
            FOR_EACH_HEAD {
                const Vector<Real> value = shifted<Real, OFFSETS>(s, ring[h], head[h].shifts, slot);
                const Vector<Real> logarithm = log_of_weights<Real>(first_lanes(value, left, Real(0)));
                largest[h] = max<Real>(largest[h], logarithm);
                store(head[h].log_shifted + slot, logarithm);
            }
        });
        FOR_EACH_HEAD top[h] = max_of_lanes<Real>(largest[h]);
        for_slots<Real>(s, [&](index_t slot, index_t left) {
            FOR_EACH_HEAD {
                const Vector<Real> logarithm = load(head[h].log_shifted + slot) - top[h];
                // To zero, where it leaves the format: the smallest number would be carried on from step to step, and
                // its gradient grow by gamma at each.
                const Vector<Real> exponent = head[h].sharpening * logarithm, none = {};
                const Vector<Real> powers_of_slots =
                    exponent < Format<Real>::exp_lowest ? none : exp_below_zero<Real>(exponent);
                const Vector<Real> power = first_lanes(powers_of_slots, left, Real(0));
                sums[h] += power;
                store(head[h].log_shifted + slot, logarithm);
                store(head[h].weighting + slot, power);
            }
        });
        FOR_EACH_HEAD scale[h] = Real(1) / sum_of_lanes<Real>(sums[h]);
    }
    for_slots<Real>(s, [&](index_t slot, index_t) {
        FOR_EACH_HEAD store(head[h].weighting + slot, load(head[h].weighting + slot) * scale[h]);
    });
}

// Where the gradients of one head's addressing go.
template <class Real>
struct HeadGradients {
    Real *strength, *gate, *sharpening, *shifts;
    Real* weighting;  // of w_t on entry, of w_{t-1} on return
    Real* cosine;
};

// Backward of `address`.
template <class Real, int HEADS, int OFFSETS>
void address_backward(const NTMSizes& s, const HeadTables<Real>* head, const HeadGradients<Real>* d, Real* rings) {
    const Vector<Real> zero = {};
    Vector<Real> sums[HEADS] = {};
    Real mean[HEADS];
    const Real* by_content[HEADS];
    FOR_EACH_HEAD by_content[h] = s.location ? head[h].content : head[h].weighting;
    if (s.location) {
        Real *ring[HEADS], *d_ring[HEADS];
        FOR_EACH_HEAD ring[h] = rings + 2 * h * ring_size(s) + ring_margin(s);
        FOR_EACH_HEAD d_ring[h] = ring[h] + ring_size(s);
        for_slots<Real>(s, [&](index_t slot, index_t) {
            FOR_EACH_HEAD {
                sums[h] += load(d[h].weighting + slot) * load(head[h].weighting + slot);
                interpolate(head[h], slot, load(head[h].content + slot), ring[h]);
            }
        });
        FOR_EACH_HEAD mean[h] = sum_of_lanes<Real>(sums[h]);
        FOR_EACH_HEAD close_ring(s, ring[h]);

        Vector<Real> d_sharpening[HEADS] = {}, d_shifts[HEADS][OFFSETS ? OFFSETS : 1] = {};
        for_slots<Real>(s, [&](index_t slot, index_t left) INLINE_LAMBDA {
            FOR_EACH_HEAD {
                const Vector<Real> d_power = load(head[h].weighting + slot) * (load(d[h].weighting + slot) - mean[h]);
                d_sharpening[h] += d_power * load(head[h].log_shifted + slot);
                const Vector<Real> value = shifted<Real, OFFSETS>(s, ring[h], head[h].shifts, slot);
                Vector<Real> d_value = head[h].sharpening * d_power / value;
                d_value = first_lanes(value < Format<Real>::tiny ? zero : d_value, left, Real(0));
                store(d_ring[h] + slot, d_value);
                if constexpr (OFFSETS > 0) {
#pragma GCC unroll 4
                    for (int o = 0; o < OFFSETS; ++o) {
                        d_shifts[h][o] += d_value * load(ring[h] + slot - (o - OFFSETS / 2));
                    }
                }
            }
        });
        FOR_EACH_HEAD {
            *d[h].sharpening = sum_of_lanes<Real>(d_sharpening[h]);
            for (index_t o = 0; o < s.offsets; ++o) {
                if constexpr (OFFSETS > 0) {
                    d[h].shifts[o] = sum_of_lanes<Real>(d_shifts[h][o]);
                } else {
                    Vector<Real> sum = {};
                    for_slots<Real>(s, [&](index_t slot, index_t) {
                        sum += load(d_ring[h] + slot) * load(ring[h] + slot - (o - s.shift_range));
                    });
                    d[h].shifts[o] = sum_of_lanes<Real>(sum);
                }
            }
            close_ring(s, d_ring[h]);
        }
        Vector<Real> d_gate[HEADS] = {};
        FOR_EACH_HEAD sums[h] = zero;
        for_slots<Real>(s, [&](index_t slot, index_t left) {
            FOR_EACH_HEAD {
                const index_t offsets = OFFSETS ? OFFSETS : s.offsets,
                              shift_range = OFFSETS ? OFFSETS / 2 : s.shift_range;
                Vector<Real> d_value = {};
#pragma GCC unroll 4
                for (index_t o = 0; o < offsets; ++o) {
                    d_value += load(d_ring[h] + slot + (o - shift_range)) * head[h].shifts[o];
                }
                d_value = first_lanes(d_value, left, Real(0));
                const Vector<Real> content = load(head[h].content + slot), d_content = d_value * head[h].gate;
                d_gate[h] += d_value * (content - load(head[h].previous + slot));
                sums[h] += d_content * content;
                store(d[h].weighting + slot, d_value * (1 - head[h].gate));
                store(d[h].cosine + slot, d_content);  // for now
            }
        });
        FOR_EACH_HEAD* d[h].gate = sum_of_lanes<Real>(d_gate[h]);
    } else {
        for_slots<Real>(s, [&](index_t slot, index_t) {
            FOR_EACH_HEAD {
                const Vector<Real> d_content = load(d[h].weighting + slot);
                sums[h] += d_content * load(by_content[h] + slot);
                store(d[h].cosine + slot, d_content);
                store(d[h].weighting + slot, zero);
            }
        });
    }
    address_by_content_backward<Real, HEADS>(s, head, by_content, sums, d);
}

// Calls work(first head, Constant<heads>, Constant<offsets>) for all heads, so many at once.
template <int AT_ONCE, class Work>
ALWAYS_INLINE void for_heads(const NTMSizes& s, const Work& work) {
    index_t head = 0;
    const auto go = [&](auto heads) {
        s.offsets == 3 ? work(head, heads, Constant<3>{}) : work(head, heads, Constant<0>{});
        head += decltype(heads)::value;
    };
    while (head + AT_ONCE <= s.heads) go(Constant<AT_ONCE>{});
    while (head + 2 <= s.heads) go(Constant<2>{});
    if (head < s.heads) go(Constant<1>{});
}

}  // namespace
