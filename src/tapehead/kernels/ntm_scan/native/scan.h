// The Neural Turing Machine's part of the scan: how a step uses the memory, forward and backward.
#pragma once

#include "native/scan.h"
#include "ntm_scan/native/addressing.h"

namespace {

template <class Real>
struct NTM;

template <class Real>
struct NTMForwardRoom : ForwardRoom<Real> {
    index_t own_size;  // room that each worker has for itself:
    Real* own;

    Real *direction, *partial, *squares, *rings;

    NTMForwardRoom(const NTMSizes& s, const Cut& cut, Carver<Real>& carver) : ForwardRoom<Real>(s, carver) {
        Carver<Real> counting{nullptr};
        take_own(s, counting);
        own_size = counting.taken;
        own = carver.take(cut.workers * own_size);
    }

    void take_own(const NTMSizes& s, Carver<Real>& carver) {
        direction = carver.take(s.heads * s.width);
        partial = carver.take(s.reads * LANES<Real>);
        squares = carver.take(s.slots_padded);
        rings = carver.take(HEADS_AT_ONCE * ring_size(s));
    }

    NTMForwardRoom of_worker(const NTMSizes& s, index_t worker) const {
        NTMForwardRoom room = *this;
        Carver<Real> carver{own + worker * own_size};
        room.take_own(s, carver);
        clear(HEADS_AT_ONCE * ring_size(s), room.rings);
        return room;
    }
};

template <class Real>
struct NTMForward : ForwardScan<NTM<Real>> {
    using Scan = ForwardScan<NTM<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::room, Scan::keeps, Scan::clip;
    using Scan::state_row, Scan::step_row;

    const Parts at{s};

    NTMForward(const Scan& scan) : Scan(scan) {}

    void begin_memory(index_t position, index_t b, index_t row) const {
        Real* memory = room.memory.row(position);
        transpose_in(s, row_of<Real>(call.first.memory, b), memory);
        measure_first(s, memory, room.squares, records.inverse_norm.row(row));
        Real* weightings = records.weightings.row(row);
        slots_in(s, s.read_heads, row_of<Real>(call.first.read_weightings, b), weightings);
        slots_in(
            s, s.write_heads, row_of<Real>(call.first.write_weightings, b), weightings + s.read_heads * s.slots_padded);
    }

    void write_memory_state(const NTMState<void*>& to, index_t row, index_t position, index_t step) const {
        transpose_out(s, room.memory.row(position), reals<Real>(to.memory) + row * s.slots * s.width);
        const Real* weightings = records.weightings.row(state_row(step, position));
        slots_out(s, s.read_heads, weightings, reals<Real>(to.read_weightings) + row * s.read_heads * s.slots);
        slots_out(
            s, s.write_heads, weightings + s.read_heads * s.slots_padded,
            reals<Real>(to.write_weightings) + row * s.write_heads * s.slots);
    }

    void use_memory(index_t step, index_t position) const {
        const index_t row = step_row(step, position), before = state_row(step, position);
        const index_t after = state_row(step + 1, position);
        Real* parameters = records.parameters.row(row);
        head_parameters(s, at, records.slopes.row(row), clip, parameters, records.slopes.row(row));
        directions(s, s.heads, parameters + at.key, room.direction, records.inverse_key_norm.row(row));
        Real* memory = room.memory.row(position);
        if (keeps && step % KEPT_ONCE_IN == 0) {
            copy(s.memory, memory, records.memory.row(schedule.first_memory[step] + position));
        }
        Real* cosine = records.cosine.row(row);
        cosines(s, s.heads, memory, records.inverse_norm.row(before), room.direction, cosine);
        Real* weightings = records.weightings.row(after);
        for_heads<HEADS_AT_ONCE>(s, [&](index_t first, auto heads, auto offsets) {
            constexpr int HEADS = decltype(heads)::value;
            HeadTables<Real> tables[HEADS];
            for (int h = 0; h < HEADS; ++h) {
                tables[h] = HeadTables<Real>(
                    s, at, parameters, first + h, records.weightings.row(before), cosine, records.content.row(row),
                    records.log_shifted.row(row), weightings);
            }
            address<Real, HEADS, decltype(offsets)::value>(s, tables, room.rings);
        });
        const auto pass = s.read_heads == 1 && s.write_heads == 1 ? read_and_write<Real, 1, 1>
                                                                  : read_and_write<Real, -1, -1>;
        pass(s, memory, weightings, parameters + at.erase, parameters + at.add, room.partial, room.squares);
        measure(s, memory, room.squares, records.inverse_norm.row(after));
        Real* reads = room.reads.row(position);
        add_across_lanes(room.partial, s.reads, reads);
        copy(s.reads, reads, records.shown.row(row));
    }
};

template <class Real>
struct NTMBackwardRoom : BackwardRoom<Real> {
    Table<Real> d_weightings;  // of each position: what later steps ask for
    index_t own_size;          // room that each worker has for itself:
    Real* own;

    Table<Real> memory;  // of the steps between two kept ones, for every position of the share
    ComparisonRoom<Real> comparison;
    Real *rings, *partial_erase, *partial_add, *chain;

    NTMBackwardRoom(const NTMSizes& s, const Cut& cut, Carver<Real>& carver) : BackwardRoom<Real>(s, carver) {
        const index_t weightings = padded(s.heads * s.slots_padded);
        d_weightings = {carver.take(s.sequences * weightings), weightings};
        Carver<Real> counting{nullptr};
        take_own(s, cut, counting);
        own_size = counting.taken;
        own = carver.take(cut.workers * own_size);
    }

    void take_own(const NTMSizes& s, const Cut& cut, Carver<Real>& carver) {
        memory = {carver.take((KEPT_ONCE_IN - 1) * cut.most * padded(s.memory)), padded(s.memory)};
        BackwardRoom<Real>::take_own(s, cut, carver);
        comparison.take(s, s.heads, carver);
        rings = carver.take(2 * HEADS_AT_ONCE_BACKWARD * ring_size(s));
        partial_erase = carver.take(s.write_heads * s.width * LANES<Real>);
        partial_add = carver.take(s.write_heads * s.width * LANES<Real>);
        chain = carver.take(3 * s.write_heads * LANES<Real>);
    }

    NTMBackwardRoom of_worker(const NTMSizes& s, const Cut& cut, index_t worker) const {
        NTMBackwardRoom room = *this;
        Carver<Real> carver{own + worker * own_size};
        room.take_own(s, cut, carver);
        clear(2 * HEADS_AT_ONCE_BACKWARD * ring_size(s), room.rings);
        return room;
    }
};

template <class Real>
struct NTMBackward : BackwardScan<NTM<Real>> {
    using Scan = BackwardScan<NTM<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::room, Scan::share;
    using Scan::state_row, Scan::step_row, Scan::gradient_row;

    const Parts at{s};

    NTMBackward(const Scan& scan) : Scan(scan) {}

    void clear_memory_gradients(index_t position) const {
        clear(s.memory, room.d_memory.row(position));
        clear(s.heads * s.slots_padded, room.d_weightings.row(position));
    }

    void receive_memory_state(const NTMState<void*>& from, index_t row, index_t position) const {
        Real* d_weightings = room.d_weightings.row(position);
        Scan::receive_memory(from.memory, row, room.d_memory.row(position));
        Scan::receive_slots(from.read_weightings, row, s.read_heads, d_weightings);
        Scan::receive_slots(from.write_weightings, row, s.write_heads, d_weightings + s.read_heads * s.slots_padded);
    }

    void hand_out_memory_state(const NTMState<void*>& to, index_t b, index_t position) const {
        const Real* d_weightings = room.d_weightings.row(position);
        Scan::hand_out_slots(to.read_weightings, b, s.read_heads, d_weightings);
        Scan::hand_out_slots(to.write_weightings, b, s.write_heads, d_weightings + s.read_heads * s.slots_padded);
    }

    // The memory before a step.
    const Real* memory_before(index_t step, index_t number) const {
        const index_t since_kept = step % KEPT_ONCE_IN, position = share.position(number);
        if (since_kept == 0) return records.memory.row(schedule.first_memory[step] + position);
        return room.memory.row((since_kept - 1) * share.count(s.sequences) + number);
    }

    // Write the memories anew from the last kept one up to the one before this step.
    void remember(index_t last) const {
        const auto pass = s.write_heads == 1 ? write_again<Real, 1> : write_again<Real, -1>;
        for (index_t step = last - last % KEPT_ONCE_IN; step < last; ++step) {
            for (index_t j = 0; j < share.count(schedule.running[step + 1]); ++j) {
                const index_t position = share.position(j);
                const Real* parameters = records.parameters.row(step_row(step, position));
                pass(
                    s, memory_before(step, j), const_cast<Real*>(memory_before(step + 1, j)),
                    records.weightings.row(state_row(step + 1, position)), parameters + at.erase, parameters + at.add);
            }
        }
    }

    void use_memory(index_t step, index_t number) const {
        const index_t position = share.position(number), row = step_row(step, position);
        const index_t before = state_row(step, position), after = state_row(step + 1, position);
        const Real *memory = memory_before(step, number), *weightings = records.weightings.row(after);
        const Real *parameters = records.parameters.row(row), *cosine = records.cosine.row(row);
        Real *d_memory = room.d_memory.row(position), *d_weightings = room.d_weightings.row(position);
        Real* d_reads = room.d_shown.row(number);
        add(s.reads, room.d_reads.row(position), d_reads);
        const auto pass = s.read_heads == 1 && s.write_heads == 1 ? read_and_write_backward_of_one<Real>
                                                                  : read_and_write_backward<Real>;
        pass(
            s, memory, d_memory, weightings, parameters + at.erase, parameters + at.add, d_reads, d_weightings,
            room.partial_erase, room.partial_add, room.chain);
        Real* d_parameters = room.d_raw.row(gradient_row(step, position));
        add_across_lanes(room.partial_erase, s.write_heads * s.width, d_parameters + at.erase);
        add_across_lanes(room.partial_add, s.write_heads * s.width, d_parameters + at.add);
        for_heads<HEADS_AT_ONCE_BACKWARD>(s, [&](index_t first, auto heads, auto offsets) {
            constexpr int HEADS = decltype(heads)::value;
            HeadTables<Real> tables[HEADS];
            HeadGradients<Real> gradients[HEADS];
            for (int h = 0; h < HEADS; ++h) {
                const index_t head = first + h, to = head * s.slots_padded;
                tables[h] = HeadTables<Real>(
                    s, at, parameters, head, records.weightings.row(before), records.cosine.row(row),
                    records.content.row(row), records.log_shifted.row(row), records.weightings.row(after));
                gradients[h] = {
                    d_parameters + at.strength + head, d_parameters + at.gate + head,
                    d_parameters + at.sharpening + head, d_parameters + at.shifts + head * s.offsets,
                    d_weightings + to, room.comparison.d_cosine + to};
            }
            address_backward<Real, HEADS, decltype(offsets)::value>(s, tables, gradients, room.rings);
        });
        compare_backward(
            s, s.heads, memory, records.inverse_norm.row(before), cosine, parameters + at.key,
            records.inverse_key_norm.row(row), room.comparison, d_memory, d_parameters + at.key);
        head_parameters_backward(s, at, parameters, records.slopes.row(row), d_parameters);
    }
};

template <class Real_>
struct NTM {
    using Real = Real_;
    using Sizes = NTMSizes;
    using Call = NTMCall;
    using Records = NTMRecords<Real>;
    using ForwardRoom = NTMForwardRoom<Real>;
    using BackwardRoom = NTMBackwardRoom<Real>;
    using Forward = NTMForward<Real>;
    using Backward = NTMBackward<Real>;
};

}  // namespace
