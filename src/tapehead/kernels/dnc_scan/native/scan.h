// The Differentiable Neural Computer's part of the scan: how a step uses the memory, forward and backward.
#pragma once

#include "dnc_scan/native/interface.h"
#include "dnc_scan/native/linkage.h"
#include "native/scan.h"

namespace {

template <class Real>
struct DNC;

constexpr index_t READS_AT_ONCE = 4;  // read heads that go over the links together, at most

// What a write head links: its weighting and the precedence, or what is left of them where links are sparse.
template <class Real>
struct Linked {
    const Real *to, *of;
};

// The links of a write head, from the records of a step; ROOM for two weightings.
template <class Real>
Linked<Real> linked(
    const DNCSizes& s, const DNCRecords<Real>& records, index_t before, index_t after, index_t head, Real* room) {
    const index_t own = head * s.slots_padded;
    const Real *to = records.writing.row(after) + own, *of = records.precedence.row(before) + own;
    if (!s.sparse) return {to, of};
    const Real *keeps_to = records.linked_to.row(after) + own, *keeps_of = records.linked_of.row(after) + own;
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> zero = {};
        store(room + slot, load(keeps_to + slot) != zero ? load(to + slot) : zero);
        store(room + s.slots_padded + slot, load(keeps_of + slot) != zero ? load(of + slot) : zero);
    });
    return {room, room + s.slots_padded};
}

template <class Real>
struct Told {
    Sought<Real> of_reads, of_writes;

    Told(const DNCSizes& s, const Parts& at, const Real* parameters) {
        of_reads = {s.read_heads, parameters + at.read_key, parameters + at.read_strength,
                    s.masked ? parameters + at.read_mask : nullptr};
        of_writes = {s.write_heads, parameters + at.write_key, parameters + at.write_strength,
                     s.masked ? parameters + at.write_mask : nullptr};
    }
};

// ---------------------------------------------------------------------------------------------------------- forward

template <class Real>
struct DNCForwardRoom : ForwardRoom<Real> {
    Table<Real> links;  // as they are now, of each position
    index_t own_size;   // room that each worker has for itself:
    Real* own;

    Real *direction, *partial, *squares, *keys, *used, *linked, *partial_forward;

    DNCForwardRoom(const DNCSizes& s, const Cut& cut, Carver<Real>& carver) : ForwardRoom<Real>(s, carver) {
        links = {carver.take(s.sequences * padded(s.links)), padded(s.links)};
        Carver<Real> counting{nullptr};
        take_own(s, counting);
        own_size = counting.taken;
        own = carver.take(cut.workers * own_size);
    }

    void take_own(const DNCSizes& s, Carver<Real>& carver) {
        direction = carver.take((s.read_heads + s.write_heads) * s.width);
        partial = carver.take(s.reads * LANES<Real>);
        squares = carver.take(s.slots_padded);
        keys = carver.take(2 * s.slots_padded);
        used = carver.take(s.slots_padded);
        linked = carver.take(2 * s.slots_padded);
        partial_forward = carver.take(READS_AT_ONCE * s.slots * LANES<Real>);
    }

    DNCForwardRoom of_worker(const DNCSizes& s, index_t worker) const {
        DNCForwardRoom room = *this;
        Carver<Real> carver{own + worker * own_size};
        room.take_own(s, carver);
        return room;
    }
};

template <class Real>
struct DNCForward : ForwardScan<DNC<Real>> {
    using Scan = ForwardScan<DNC<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::room, Scan::keeps, Scan::clip;
    using Scan::state_row, Scan::step_row;

    const Parts at{s};

    DNCForward(const Scan& scan) : Scan(scan) {}

    void begin_memory(index_t position, index_t b, index_t row) const {
        const DNCState<Rows>& first = call.first;
        Real* memory = room.memory.row(position);
        transpose_in(s, row_of<Real>(first.memory, b), memory);
        measure_first(s, memory, room.squares, records.inverse_norm.row(row));
        slots_in(s, 1, row_of<Real>(first.usage, b), records.usage.row(row));
        slots_in(s, s.read_heads, row_of<Real>(first.read_weightings, b), records.reading.row(row));
        slots_in(s, s.write_heads, row_of<Real>(first.write_weightings, b), records.writing.row(row));
        slots_in(s, s.write_heads, row_of<Real>(first.precedence, b), records.precedence.row(row));
        Real* links = room.links.row(position);
        slots_in(s, s.write_heads * s.slots, row_of<Real>(first.links, b), links);
        for (index_t head = 0; head < s.write_heads; ++head) {  // no step reads the diagonal, or leaves one
            for (index_t i = 0; i < s.slots; ++i) links[head * s.matrix + i * s.slots_padded + i] = 0;
        }
    }

    void write_memory_state(const DNCState<void*>& to, index_t row, index_t position, index_t step) const {
        const index_t from = state_row(step, position), written = row * s.write_heads * s.slots;
        transpose_out(s, room.memory.row(position), reals<Real>(to.memory) + row * s.slots * s.width);
        slots_out(s, 1, records.usage.row(from), reals<Real>(to.usage) + row * s.slots);
        slots_out(
            s, s.read_heads, records.reading.row(from),
            reals<Real>(to.read_weightings) + row * s.read_heads * s.slots);
        slots_out(s, s.write_heads, records.writing.row(from), reals<Real>(to.write_weightings) + written);
        slots_out(s, s.write_heads, records.precedence.row(from), reals<Real>(to.precedence) + written);
        Real* links = reals<Real>(to.links) + written * s.slots;
        if (step > 0) return slots_out(s, s.write_heads * s.slots, room.links.row(position), links);
        const index_t count = s.write_heads * s.slots * s.slots;
        copy(count, row_of<Real>(call.first.links, schedule.sequence[position]), links);
    }

    void use_memory(index_t step, index_t position) const {
        const index_t row = step_row(step, position), before = state_row(step, position);
        Real* parameters = records.parameters.row(row);
        interface_parameters(s, at, records.slopes.row(row), clip, parameters, records.slopes.row(row));
        if (keeps && step % KEPT_ONCE_IN == 0) {
            const index_t kept = schedule.first_memory[step] + position;
            copy(s.memory, room.memory.row(position), records.memory.row(kept));
            copy(s.links, room.links.row(position), records.links.row(kept));
        }
        const Told<Real> told(s, at, parameters);
        write(told, parameters, row, before, position);
        link(row, before, position);
        look(told, parameters, row, position);
    }

    // Find out which slots are free, choose where to write, and write.
    void write(const Told<Real>& told, const Real* parameters, index_t row, index_t before, index_t position) const {
        Real *memory = room.memory.row(position), *retained = records.retained.row(row);
        Real *allocated = records.allocated.row(row), *writing = records.writing.row(row);
        std::int32_t* order = reinterpret_cast<std::int32_t*>(records.order.row(row));
        usage(
            s, parameters + at.free_gate, records.reading.row(before), records.writing.row(before),
            records.usage.row(before), retained, records.usage.row(row));
        find(
            s, told.of_writes, memory, records.inverse_norm.row(before), records.of_writes, row, room.direction,
            room.squares);
        const Real* used = records.usage.row(row);
        for (index_t head = 0; head < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            const Real write_gate = parameters[at.write_gate + head];
            const Real allocation_gate = parameters[at.allocation_gate + head];
            by_usage(s, used, room.keys, order + own);
            allocation(s, used, order + own, allocated + own);
            write_weighting(
                s, write_gate, allocation_gate, allocated + own, records.of_writes.content.row(row) + own, writing + own);
            if (head + 1 == s.write_heads) break;
            allocate_next(s, used, write_gate * allocation_gate, allocated + own, room.used);
            used = room.used;
        }
        const auto pass = s.write_heads == 1 ? write_together<Real, 1> : write_together<Real, -1>;
        pass(
            s, memory, memory, s.deallocate ? retained : nullptr, writing, parameters + at.erase, parameters + at.add,
            room.squares);
        measure(s, memory, room.squares, records.inverse_norm.row(row));
    }

    // Take note of where was written, and after what; and follow the links from where the heads read.
    void link(index_t row, index_t before, index_t position) const {
        for (index_t head = 0; head < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            if (s.sparse) {
                thin(s, records.writing.row(row) + own, room.keys, records.linked_to.row(row) + own, room.linked);
                thin(s, records.precedence.row(before) + own, room.keys, records.linked_of.row(row) + own, room.linked);
            }
            const Linked<Real> linked = ::linked(s, records, before, row, head, room.linked);
            Real* links = room.links.row(position) + head * s.matrix;
            precedence(s, records.precedence.row(before) + own, linked.to, records.precedence.row(row) + own);
            for_some_heads(s.read_heads, [&](index_t first, auto heads) {
                constexpr int READS = decltype(heads)::value;
                const auto pass = first == 0 ? link_and_follow<Real, READS, true> : link_and_follow<Real, READS, false>;
                const index_t to = first * s.write_slots + own;
                pass(
                    s, links, links, linked.to, linked.of, records.reading.row(before) + first * s.slots_padded,
                    room.partial_forward, records.backward.followed.row(row) + to, s.write_slots);
                for (index_t r = 0; r < READS; ++r) {
                    sum_rows(
                        s, room.partial_forward + r * s.slots * LANES<Real>,
                        records.forward.followed.row(row) + to + r * s.write_slots);
                }
            });
        }
    }

    // Find every read head's new weighting, by content and along the links, and read.
    void look(const Told<Real>& told, const Real* parameters, index_t row, index_t position) const {
        const Real* memory = room.memory.row(position);
        find(s, told.of_reads, memory, records.inverse_norm.row(row), records.of_reads, row, room.direction, room.squares);
        if (s.sharpen) {
            sharpen(records.forward, row, parameters + at.forward_sharpness);
            sharpen(records.backward, row, parameters + at.backward_sharpness);
        }
        for (index_t head = 0; head < s.read_heads; ++head) {
            const Real* modes = parameters + at.mode + head * s.modes;
            const Real* forward = records.forward.used(s).row(row) + head * s.write_slots;
            const Real* backward = records.backward.used(s).row(row) + head * s.write_slots;
            const Real* content = records.of_reads.content.row(row) + head * s.slots_padded;
            Real* reading = records.reading.row(row) + head * s.slots_padded;
            for_slots<Real>(s, [&](index_t slot, index_t) {
                Vector<Real> sum = modes[s.write_heads] * load(content + slot);
                for (index_t h = 0; h < s.write_heads; ++h) {
                    sum += modes[h] * load(backward + h * s.slots_padded + slot);
                    sum += modes[s.write_heads + 1 + h] * load(forward + h * s.slots_padded + slot);
                }
                store(reading + slot, sum);
            });
        }
        Real* reads = room.reads.row(position);
        read(s, memory, records.reading.row(row), room.partial, reads);
        copy(s.reads, reads, records.shown.row(row));
    }

    void sharpen(const FollowedRecords<Real>& which, index_t row, const Real* sharpness) const {
        for (index_t pair = 0; pair < s.read_heads * s.write_heads; ++pair) {
            const index_t own = pair * s.slots_padded;
            sharpen_followed(
                s, which.followed.row(row) + own, sharpness[pair], which.logarithm.row(row) + own,
                which.sharpened.row(row) + own);
        }
    }
};

// --------------------------------------------------------------------------------------------------------- backward

template <class Real>
struct DNCBackwardRoom : BackwardRoom<Real> {
    Table<Real> d_usage, d_reading, d_writing, d_precedence, d_links;  // of each position: what later steps ask for
    index_t own_size;                                                  // room that each worker has for itself:
    Real* own;

    Table<Real> memory, links;  // after, and before, the steps since the last kept one, for every position of the share
    ComparisonRoom<Real> comparison;
    Real *d_forward, *d_backward, *d_to, *d_of, *linked, *d_retained, *d_allocated, *used, *d_used, *products, *sums;
    Real *partial_reading, *partial_to, *partial_erase, *partial_add, *chain;

    DNCBackwardRoom(const DNCSizes& s, const Cut& cut, Carver<Real>& carver) : BackwardRoom<Real>(s, carver) {
        const auto table = [&](index_t columns) {
            return Table<Real>{carver.take(s.sequences * padded(columns)), padded(columns)};
        };
        d_usage = table(s.slots_padded);
        d_reading = table(s.read_slots);
        d_writing = table(s.write_slots);
        d_precedence = table(s.write_slots);
        d_links = table(s.links);
        Carver<Real> counting{nullptr};
        take_own(s, cut, counting);
        own_size = counting.taken;
        own = carver.take(cut.workers * own_size);
    }

    void take_own(const DNCSizes& s, const Cut& cut, Carver<Real>& carver) {
        memory = {carver.take(KEPT_ONCE_IN * cut.most * padded(s.memory)), padded(s.memory)};
        links = {carver.take((KEPT_ONCE_IN - 1) * cut.most * padded(s.links)), padded(s.links)};
        BackwardRoom<Real>::take_own(s, cut, carver);
        comparison.take(s, s.read_heads > s.write_heads ? s.read_heads : s.write_heads, carver);
        d_forward = carver.take(s.followed);
        d_backward = carver.take(s.followed);
        d_to = carver.take(s.slots_padded);
        d_of = carver.take(s.slots_padded);
        linked = carver.take(2 * s.slots_padded);
        d_retained = carver.take(s.slots_padded);
        d_allocated = carver.take(s.write_slots);
        used = carver.take(s.write_slots);
        d_used = carver.take(s.slots_padded);
        products = carver.take(s.slots_padded);
        sums = carver.take(s.slots_padded);
        partial_reading = carver.take(READS_AT_ONCE * s.slots * LANES<Real>);
        partial_to = carver.take(s.slots * LANES<Real>);
        partial_erase = carver.take(s.write_heads * s.width * LANES<Real>);
        partial_add = carver.take(s.write_heads * s.width * LANES<Real>);
        chain = carver.take((2 * s.write_heads + s.read_heads + 1) * LANES<Real>);
    }

    DNCBackwardRoom of_worker(const DNCSizes& s, const Cut& cut, index_t worker) const {
        DNCBackwardRoom room = *this;
        Carver<Real> carver{own + worker * own_size};
        room.take_own(s, cut, carver);
        return room;
    }
};

template <class Real>
struct DNCBackward : BackwardScan<DNC<Real>> {
    using Scan = BackwardScan<DNC<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::room, Scan::share;
    using Scan::state_row, Scan::step_row, Scan::gradient_row;

    const Parts at{s};

    DNCBackward(const Scan& scan) : Scan(scan) {}

    void clear_memory_gradients(index_t position) const {
        clear(s.memory, room.d_memory.row(position));
        clear(s.slots_padded, room.d_usage.row(position));
        clear(s.read_slots, room.d_reading.row(position));
        clear(s.write_slots, room.d_writing.row(position));
        clear(s.write_slots, room.d_precedence.row(position));
        clear(s.links, room.d_links.row(position));
    }

    void receive_memory_state(const DNCState<void*>& from, index_t row, index_t position) const {
        Scan::receive_memory(from.memory, row, room.d_memory.row(position));
        Scan::receive_slots(from.usage, row, 1, room.d_usage.row(position));
        Scan::receive_slots(from.read_weightings, row, s.read_heads, room.d_reading.row(position));
        Scan::receive_slots(from.write_weightings, row, s.write_heads, room.d_writing.row(position));
        Scan::receive_slots(from.precedence, row, s.write_heads, room.d_precedence.row(position));
        Scan::receive_slots(from.links, row, s.write_heads * s.slots, room.d_links.row(position));
    }

    void hand_out_memory_state(const DNCState<void*>& to, index_t b, index_t position) const {
        Scan::hand_out_slots(to.usage, b, 1, room.d_usage.row(position));
        Scan::hand_out_slots(to.read_weightings, b, s.read_heads, room.d_reading.row(position));
        Scan::hand_out_slots(to.write_weightings, b, s.write_heads, room.d_writing.row(position));
        Scan::hand_out_slots(to.precedence, b, s.write_heads, room.d_precedence.row(position));
        Scan::hand_out_slots(to.links, b, s.write_heads * s.slots, room.d_links.row(position));
    }

    // The memory after a step, and before it; and the links before it.
    Real* memory_after(index_t step, index_t number) const {
        return room.memory.row(step % KEPT_ONCE_IN * share.count(s.sequences) + number);
    }
    const Real* memory_before(index_t step, index_t number) const {
        if (step % KEPT_ONCE_IN > 0) return memory_after(step - 1, number);
        return records.memory.row(schedule.first_memory[step] + share.position(number));
    }
    Real* links_before(index_t step, index_t number) const {
        const index_t since_kept = step % KEPT_ONCE_IN;
        if (since_kept == 0) return records.links.row(schedule.first_memory[step] + share.position(number));
        return room.links.row((since_kept - 1) * share.count(s.sequences) + number);
    }

    // Make the memories and the links anew from the last kept ones up to this step.
    void remember(index_t last) const {
        const auto pass = s.write_heads == 1 ? write_together<Real, 1> : write_together<Real, -1>;
        for (index_t step = last - last % KEPT_ONCE_IN; step <= last; ++step) {
            const index_t going_on = step < last ? share.count(schedule.running[step + 1]) : 0;
            for (index_t j = 0; j < share.count(schedule.running[step]); ++j) {
                const index_t position = share.position(j), row = step_row(step, position);
                const Real *parameters = records.parameters.row(row), *retained = records.retained.row(row);
                pass(
                    s, memory_before(step, j), memory_after(step, j), s.deallocate ? retained : nullptr,
                    records.writing.row(row), parameters + at.erase, parameters + at.add, nullptr);
                for (index_t head = 0; j < going_on && head < s.write_heads; ++head) {
                    const Linked<Real> linked = ::linked(s, records, state_row(step, position), row, head, room.linked);
                    link_and_follow<Real, 0, true>(
                        s, links_before(step, j) + head * s.matrix, links_before(step + 1, j) + head * s.matrix,
                        linked.to, linked.of, nullptr, nullptr, nullptr, 0);
                }
            }
        }
    }

    void use_memory(index_t step, index_t number) const {
        const index_t position = share.position(number), row = step_row(step, position);
        const index_t before = state_row(step, position);
        const Real* parameters = records.parameters.row(row);
        Real* d_parameters = room.d_raw.row(gradient_row(step, position));
        Real* d_reads = room.d_shown.row(number);
        add(s.reads, room.d_reads.row(position), d_reads);
        const Told<Real> told(s, at, parameters);
        look_backward(told, parameters, row, position, memory_after(step, number), d_reads, d_parameters);
        link_backward(row, before, position, links_before(step, number));
        write_backward(told, parameters, row, before, position, memory_before(step, number), d_parameters);
        interface_parameters_backward(s, at, parameters, records.slopes.row(row), d_parameters);
    }

    // On return, d_forward and d_backward have the gradients of what was followed, and d_reading is zero.
    void look_backward(
        const Told<Real>& told, const Real* parameters, index_t row, index_t position, const Real* memory,
        const Real* d_reads, Real* d_parameters) const {
        Real *d_memory = room.d_memory.row(position), *d_reading = room.d_reading.row(position);
        read_backward(s, memory, d_memory, records.reading.row(row), d_reads, d_reading);
        for (index_t head = 0; head < s.read_heads; ++head) {
            const index_t own = head * s.slots_padded, pairs = head * s.write_slots;
            const Real *d = d_reading + own, *modes = parameters + at.mode + head * s.modes;
            Real* d_modes = d_parameters + at.mode + head * s.modes;
            const auto choose = [&](index_t mode, const Real* way, Real* d_way) {
                Vector<Real> sum = {};
                for_slots<Real>(s, [&](index_t slot, index_t) {
                    sum += load(d + slot) * load(way + slot);
                    store(d_way + slot, modes[mode] * load(d + slot));
                });
                d_modes[mode] = sum_of_lanes<Real>(sum);
            };
            for (index_t h = 0; h < s.write_heads; ++h) {
                const index_t pair = pairs + h * s.slots_padded;
                choose(h, records.backward.used(s).row(row) + pair, room.d_backward + pair);
                choose(s.write_heads + 1 + h, records.forward.used(s).row(row) + pair, room.d_forward + pair);
            }
            choose(s.write_heads, records.of_reads.content.row(row) + own, room.comparison.d_cosine + own);
        }
        clear(s.read_slots, d_reading);
        if (s.sharpen) {
            const Real* sharpness = parameters + at.forward_sharpness;
            sharpen_backward(records.forward, row, sharpness, room.d_forward, d_parameters + at.forward_sharpness);
            sharpness = parameters + at.backward_sharpness;
            sharpen_backward(records.backward, row, sharpness, room.d_backward, d_parameters + at.backward_sharpness);
        }
        find_backward(
            s, told.of_reads, memory, records.inverse_norm.row(row), records.of_reads, row, room.comparison, d_memory,
            {d_parameters + at.read_key, d_parameters + at.read_strength, d_parameters + at.read_mask});
    }

    void sharpen_backward(
        const FollowedRecords<Real>& which, index_t row, const Real* sharpness, Real* d, Real* d_sharpness) const {
        for (index_t pair = 0; pair < s.read_heads * s.write_heads; ++pair) {
            const index_t own = pair * s.slots_padded;
            d_sharpness[pair] = sharpen_followed_backward(
                s, which.followed.row(row) + own, sharpness[pair], which.logarithm.row(row) + own,
                which.sharpened.row(row) + own, d + own);
        }
    }

    void link_backward(index_t row, index_t before, index_t position, const Real* links) const {
        const Real* reading = records.reading.row(before);
        Real* d_reading = room.d_reading.row(position);
        for (index_t head = 0; head < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            const Linked<Real> linked = ::linked(s, records, before, row, head, room.linked);
            clear(s.slots_padded, room.d_to);
            clear(s.slots_padded, room.d_of);
            for_some_heads(s.read_heads, [&](index_t first, auto heads) {
                constexpr int READS = decltype(heads)::value;
                const bool last = first + READS == s.read_heads;
                const auto pass = last ? link_and_follow_backward<Real, READS, true>
                                       : link_and_follow_backward<Real, READS, false>;
                const index_t pair = first * s.write_slots + own, slots = first * s.slots_padded;
                pass(
                    s, links + head * s.matrix, room.d_links.row(position) + head * s.matrix, linked.to, linked.of,
                    reading + slots, room.d_forward + pair, room.d_backward + pair, s.write_slots, d_reading + slots,
                    room.d_to, room.d_of, room.partial_reading, room.partial_to);
                for (index_t r = 0; r < READS; ++r) {
                    sum_rows(s, room.partial_reading + r * s.slots * LANES<Real>, room.sums);
                    add(s.slots, room.sums, d_reading + slots + r * s.slots_padded);
                }
            });
            sum_rows(s, room.partial_to, room.sums);
            add(s.slots, room.sums, room.d_to);
            Real *d_precedence = room.d_precedence.row(position) + own, *d_writing = room.d_writing.row(position) + own;
            precedence_backward(s, records.precedence.row(before) + own, linked.to, d_precedence, room.d_to);
            if (s.sparse) {
                multiply_slots(records.linked_to.row(row) + own, room.d_to);
                multiply_slots(records.linked_of.row(row) + own, room.d_of);
            }
            add(s.slots, room.d_to, d_writing);
            add(s.slots, room.d_of, d_precedence);
        }
    }

    void multiply_slots(const Real* with, Real* to) const {
        for_slots<Real>(s, [&](index_t slot, index_t) { store(to + slot, load(to + slot) * load(with + slot)); });
    }

    void write_backward(
        const Told<Real>& told, const Real* parameters, index_t row, index_t before, index_t position, const Real* memory,
        Real* d_parameters) const {
        Real *d_memory = room.d_memory.row(position), *d_writing = room.d_writing.row(position);
        const Real* retained = records.retained.row(row);
        const auto pass = s.write_heads == 1 ? write_together_backward<Real, 1> : write_together_backward<Real, -1>;
        pass(
            s, memory, s.deallocate ? retained : nullptr, records.writing.row(row), parameters + at.erase,
            parameters + at.add, d_memory, d_writing, room.d_retained, room.partial_erase, room.partial_add, room.chain);
        add_across_lanes(room.partial_erase, s.write_heads * s.width, d_parameters + at.erase);
        add_across_lanes(room.partial_add, s.write_heads * s.width, d_parameters + at.add);
        for (index_t head = 0; head < s.write_heads; ++head) {
            choose_backward(parameters, row, head, d_writing + head * s.slots_padded, d_parameters);
        }
        clear(s.write_slots, d_writing);
        find_backward(
            s, told.of_writes, memory, records.inverse_norm.row(before), records.of_writes, row, room.comparison,
            d_memory, {d_parameters + at.write_key, d_parameters + at.write_strength, d_parameters + at.write_mask});
        Real* d_usage = room.d_usage.row(position);
        allocations_backward(parameters, row, d_usage, d_parameters);
        usage_backward(
            s, parameters + at.free_gate, records.reading.row(before), records.writing.row(before),
            records.usage.row(before), retained, room.d_retained, d_usage, room.d_reading.row(position), d_writing,
            d_parameters + at.free_gate, room.chain);
    }

    // Backward of write_weighting: to the gradients of the gates, of a, and of c in comparison.d_cosine.
    void choose_backward(const Real* parameters, index_t row, index_t head, const Real* d, Real* d_parameters) const {
        const index_t own = head * s.slots_padded;
        const Real write_gate = parameters[at.write_gate + head], gate = parameters[at.allocation_gate + head];
        const Real *allocated = records.allocated.row(row) + own, *content = records.of_writes.content.row(row) + own;
        Vector<Real> free_sum = {}, found_sum = {};
        for_slots<Real>(s, [&](index_t slot, index_t) {
            const Vector<Real> d_writing = load(d + slot);
            free_sum += d_writing * load(allocated + slot);
            found_sum += d_writing * load(content + slot);
            store(room.d_allocated + own + slot, write_gate * gate * d_writing);
            store(room.comparison.d_cosine + own + slot, write_gate * (1 - gate) * d_writing);
        });
        const Real free = sum_of_lanes<Real>(free_sum), found = sum_of_lanes<Real>(found_sum);
        d_parameters[at.write_gate + head] = gate * free + (1 - gate) * found;
        d_parameters[at.allocation_gate + head] = write_gate * (free - found);
    }

    // Backward of the allocations of all write heads, to the gradient of u_t.
    void allocations_backward(const Real* parameters, index_t row, Real* d_usage, Real* d_parameters) const {
        const Real* allocated = records.allocated.row(row);
        const std::int32_t* order = reinterpret_cast<const std::int32_t*>(records.order.row(row));
        const auto gate = [&](index_t head) {
            return parameters[at.write_gate + head] * parameters[at.allocation_gate + head];
        };
        copy(s.slots_padded, records.usage.row(row), room.used);
        for (index_t head = 0; head + 1 < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            allocate_next(s, room.used + own, gate(head), allocated + own, room.used + own + s.slots_padded);
        }
        clear(s.slots_padded, room.d_used);
        for (index_t head = s.write_heads - 1; head >= 0; --head) {
            const index_t own = head * s.slots_padded;
            if (head + 1 < s.write_heads) {
                Vector<Real> sum = {};
                const Real both = gate(head);
                for_slots<Real>(s, [&](index_t slot, index_t) {
                    const Vector<Real> d = load(room.d_used + slot), offered = load(allocated + own + slot);
                    const Vector<Real> taken = (Real(1) - load(room.used + own + slot)) * d;
                    Real* d_allocated = room.d_allocated + own + slot;
                    store(d_allocated, load(d_allocated) + both * taken);
                    sum += taken * offered;
                    store(room.d_used + slot, (Real(1) - both * offered) * d);
                });
                const Real d_both = sum_of_lanes<Real>(sum);
                d_parameters[at.write_gate + head] += d_both * parameters[at.allocation_gate + head];
                d_parameters[at.allocation_gate + head] += d_both * parameters[at.write_gate + head];
            }
            allocation_backward(s, room.used + own, order + own, room.d_allocated + own, room.d_used, room.products);
        }
        add(s.slots, room.d_used, d_usage);
    }
};

template <class Real_>
struct DNC {
    using Real = Real_;
    using Sizes = DNCSizes;
    using Call = DNCCall;
    using Records = DNCRecords<Real>;
    using ForwardRoom = DNCForwardRoom<Real>;
    using BackwardRoom = DNCBackwardRoom<Real>;
    using Forward = DNCForward<Real>;
    using Backward = DNCBackward<Real>;
};

}  // namespace
