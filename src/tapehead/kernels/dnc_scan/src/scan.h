// The Differentiable Neural Computer's part of the scan: how a step uses the memory, forward and backward.
#pragma once

#include "dnc_scan/src/interface.h"
#include "dnc_scan/src/linkage.h"
#include "cpp/src/scan.h"

namespace {

template <class Real>
struct DNC;

constexpr index_t READS_AT_ONCE = 4;  // read heads that go over the links together, at most

// What a write head links: its weighting and the precedence, or their largest entries where links are sparse.
template <class Real>
struct Linked {
    const Real *to, *of;
};

// The links of a write head, from the records of a step; WORKSPACE for two weightings.
template <class Real>
Linked<Real> linked(
    const DNCSizes& s, const DNCRecords<Real>& records, index_t before, index_t after, index_t head, Real* workspace) {
    const index_t own = head * s.slots_padded;
    const Real *to = records.writing.row(after) + own, *of = records.precedence.row(before) + own;
    if (!s.sparse) return {to, of};
    const Real *keeps_to = records.linked_to.row(after) + own, *keeps_of = records.linked_of.row(after) + own;
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> zero = {};
        store(workspace + slot, load(keeps_to + slot) != zero ? load(to + slot) : zero);
        store(workspace + s.slots_padded + slot, load(keeps_of + slot) != zero ? load(of + slot) : zero);
    });
    return {workspace, workspace + s.slots_padded};
}

template <class Real>
struct HeadParameters {
    Query<Real> read_content, write_content;

    HeadParameters(const DNCSizes& s, const ParameterOffsets& at, const Real* parameters) {
        read_content = {
            s.read_heads, parameters + at.read_key, parameters + at.read_strength,
            s.masked ? parameters + at.read_mask : nullptr};
        write_content = {
            s.write_heads, parameters + at.write_key, parameters + at.write_strength,
            s.masked ? parameters + at.write_mask : nullptr};
    }
};

// ---------------------------------------------------------------------------------------------------------- forward

template <class Real>
struct DNCForwardWorkspace : ForwardWorkspace<Real> {
    Table<Real> links;  // as they are now, of each position
    // Of each worker:
    Real *direction, *partial, *squares, *keys, *used, *linked, *partial_forward;

    void allocate_shared(const DNCSizes& s, Arena<Real>& arena) {
        ForwardWorkspace<Real>::allocate_shared(s, arena);
        links = {arena.allocate(s.sequences * padded(s.links)), padded(s.links)};
    }

    void allocate_per_worker(const DNCSizes& s, const Partition&, Arena<Real>& arena) {
        direction = arena.allocate((s.read_heads + s.write_heads) * s.width);
        partial = arena.allocate(s.reads * LANES<Real>);
        squares = arena.allocate(s.slots_padded);
        keys = arena.allocate(2 * s.slots_padded);
        used = arena.allocate(s.slots_padded);
        linked = arena.allocate(2 * s.slots_padded);
        partial_forward = arena.allocate(READS_AT_ONCE * s.slots * LANES<Real>);
    }
};

template <class Real>
struct DNCForward : ForwardScan<DNC<Real>> {
    using Scan = ForwardScan<DNC<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::workspace, Scan::saves, Scan::clip;
    using Scan::state_row, Scan::step_row;

    const ParameterOffsets at{s};

    DNCForward(const Scan& scan) : Scan(scan) {}

    void load_initial_memory(index_t position, index_t b, index_t row) const {
        const DNCState<Rows>& first = call.initial_state;
        Real* memory = workspace.memory.row(position);
        transpose_in(s, initial_row<Real>(first.memory, b), memory);
        initial_inverse_norms(s, memory, workspace.squares, records.inverse_norm.row(row));
        load_slots(s, 1, initial_row<Real>(first.usage, b), records.usage.row(row));
        load_slots(s, s.read_heads, initial_row<Real>(first.read_weightings, b), records.reading.row(row));
        load_slots(s, s.write_heads, initial_row<Real>(first.write_weightings, b), records.writing.row(row));
        load_slots(s, s.write_heads, initial_row<Real>(first.precedence, b), records.precedence.row(row));
        Real* links = workspace.links.row(position);
        load_slots(s, s.write_heads * s.slots, initial_row<Real>(first.links, b), links);
        for (index_t head = 0; head < s.write_heads; ++head) {  // no step reads the diagonal, or leaves one
            for (index_t i = 0; i < s.slots; ++i) links[head * s.matrix + i * s.slots_padded + i] = 0;
        }
    }

    void write_memory_state(const DNCState<void*>& to, index_t row, index_t position, index_t step) const {
        const index_t from = state_row(step, position), written = row * s.write_heads * s.slots;
        transpose_out(s, workspace.memory.row(position), cast<Real>(to.memory) + row * s.slots * s.width);
        store_slots(s, 1, records.usage.row(from), cast<Real>(to.usage) + row * s.slots);
        store_slots(
            s, s.read_heads, records.reading.row(from), cast<Real>(to.read_weightings) + row * s.read_heads * s.slots);
        store_slots(s, s.write_heads, records.writing.row(from), cast<Real>(to.write_weightings) + written);
        store_slots(s, s.write_heads, records.precedence.row(from), cast<Real>(to.precedence) + written);
        Real* links = cast<Real>(to.links) + written * s.slots;
        if (step > 0) return store_slots(s, s.write_heads * s.slots, workspace.links.row(position), links);
        const index_t count = s.write_heads * s.slots * s.slots;
        copy(count, initial_row<Real>(call.initial_state.links, schedule.sequence[position]), links);
    }

    void use_memory(index_t step, index_t position) const {
        const index_t row = step_row(step, position), before = state_row(step, position);
        Real* parameters = records.parameters.row(row);
        interface_parameters(s, at, records.slopes.row(row), clip, parameters, records.slopes.row(row));
        if (saves && step % CHECKPOINT_INTERVAL == 0) {
            const index_t checkpoint = schedule.first_checkpoint[step] + position;
            copy(s.memory, workspace.memory.row(position), records.saved_memory.row(checkpoint));
            copy(s.links, workspace.links.row(position), records.saved_links.row(checkpoint));
        }
        const HeadParameters<Real> head_parameters(s, at, parameters);
        write_step(head_parameters, parameters, row, before, position);
        link_step(row, before, position);
        read_step(head_parameters, parameters, row, position);
    }

    // Find out which slots are free, choose where to write, and write.
    void write_step(
        const HeadParameters<Real>& head_parameters, const Real* parameters, index_t row, index_t before,
        index_t position) const {
        Real *memory = workspace.memory.row(position), *retained = records.retained.row(row);
        Real *allocated = records.allocated.row(row), *writing = records.writing.row(row);
        std::int32_t* order = reinterpret_cast<std::int32_t*>(records.order.row(row));
        update_usage(
            s, parameters + at.free_gate, records.reading.row(before), records.writing.row(before),
            records.usage.row(before), retained, records.usage.row(row));
        query_memory(
            s, head_parameters.write_content, memory, records.inverse_norm.row(before), records.write_content, row,
            workspace.direction, workspace.squares);
        const Real* used = records.usage.row(row);
        for (index_t head = 0; head < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            const Real write_gate = parameters[at.write_gate + head];
            const Real allocation_gate = parameters[at.allocation_gate + head];
            free_list(s, used, workspace.keys, order + own);
            allocation(s, used, order + own, allocated + own);
            write_weighting(
                s, write_gate, allocation_gate, allocated + own, records.write_content.content.row(row) + own,
                writing + own);
            if (head + 1 == s.write_heads) break;
            usage_after_head(s, used, write_gate * allocation_gate, allocated + own, workspace.used);
            used = workspace.used;
        }
        const auto pass = s.write_heads == 1 ? write_all_heads<Real, 1> : write_all_heads<Real, -1>;
        pass(
            s, memory, memory, s.deallocate ? retained : nullptr, writing, parameters + at.erase, parameters + at.add,
            workspace.squares);
        inverse_norms(s, memory, workspace.squares, records.inverse_norm.row(row));
    }

    // Update precedence and links by where was written; and follow the links from where the heads read.
    void link_step(index_t row, index_t before, index_t position) const {
        for (index_t head = 0; head < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            if (s.sparse) {
                keep_top_k(
                    s, records.writing.row(row) + own, workspace.keys, records.linked_to.row(row) + own,
                    workspace.linked);
                keep_top_k(
                    s, records.precedence.row(before) + own, workspace.keys, records.linked_of.row(row) + own,
                    workspace.linked);
            }
            const Linked<Real> linked = ::linked(s, records, before, row, head, workspace.linked);
            Real* links = workspace.links.row(position) + head * s.matrix;
            precedence(s, records.precedence.row(before) + own, linked.to, records.precedence.row(row) + own);
            for_head_groups(s.read_heads, [&](index_t first, auto heads) {
                constexpr int READS = decltype(heads)::value;
                const auto pass = first == 0 ? link_and_follow<Real, READS, true> : link_and_follow<Real, READS, false>;
                const index_t to = first * s.write_slots + own;
                pass(
                    s, links, links, linked.to, linked.of, records.reading.row(before) + first * s.slots_padded,
                    workspace.partial_forward, records.backward.followed.row(row) + to, s.write_slots);
                for (index_t r = 0; r < READS; ++r) {
                    sum_rows(
                        s, workspace.partial_forward + r * s.slots * LANES<Real>,
                        records.forward.followed.row(row) + to + r * s.write_slots);
                }
            });
        }
    }

    // Find every read head's new weighting, by content and along the links, and read.
    void read_step(
        const HeadParameters<Real>& head_parameters, const Real* parameters, index_t row, index_t position) const {
        const Real* memory = workspace.memory.row(position);
        query_memory(
            s, head_parameters.read_content, memory, records.inverse_norm.row(row), records.read_content, row,
            workspace.direction, workspace.squares);
        if (s.sharpen) {
            sharpen(records.forward, row, parameters + at.forward_sharpness);
            sharpen(records.backward, row, parameters + at.backward_sharpness);
        }
        for (index_t head = 0; head < s.read_heads; ++head) {
            const Real* modes = parameters + at.mode + head * s.modes;
            const Real* forward = records.forward.used(s).row(row) + head * s.write_slots;
            const Real* backward = records.backward.used(s).row(row) + head * s.write_slots;
            const Real* content = records.read_content.content.row(row) + head * s.slots_padded;
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
        Real* reads = workspace.reads.row(position);
        read(s, memory, records.reading.row(row), workspace.partial, reads);
        copy(s.reads, reads, records.readout_input.row(row));
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
struct DNCBackwardWorkspace : BackwardWorkspace<Real> {
    Table<Real> d_usage, d_reading, d_writing, d_precedence,
        d_links;  // of each position: the gradients of its state so far
    // Of each worker:
    Table<Real> memory, links;  // after, and before, the steps since a checkpoint, for every position of the chunk
    CosineWorkspace<Real> comparison;
    Real *d_forward, *d_backward, *d_to, *d_of, *linked, *d_retained, *d_allocated, *used, *d_used, *products, *sums;
    Real *partial_reading, *partial_to, *partial_erase, *partial_add, *chain;

    void allocate_shared(const DNCSizes& s, Arena<Real>& arena) {
        BackwardWorkspace<Real>::allocate_shared(s, arena);
        const auto table = [&](index_t columns) {
            return Table<Real>{arena.allocate(s.sequences * padded(columns)), padded(columns)};
        };
        d_usage = table(s.slots_padded);
        d_reading = table(s.read_slots);
        d_writing = table(s.write_slots);
        d_precedence = table(s.write_slots);
        d_links = table(s.links);
    }

    void allocate_per_worker(const DNCSizes& s, const Partition& partition, Arena<Real>& arena) {
        memory = {arena.allocate(CHECKPOINT_INTERVAL * partition.max_positions * padded(s.memory)), padded(s.memory)};
        links = {
            arena.allocate((CHECKPOINT_INTERVAL - 1) * partition.max_positions * padded(s.links)), padded(s.links)};
        BackwardWorkspace<Real>::allocate_per_worker(s, partition, arena);
        comparison.allocate(s, s.read_heads > s.write_heads ? s.read_heads : s.write_heads, arena);
        d_forward = arena.allocate(s.followed);
        d_backward = arena.allocate(s.followed);
        d_to = arena.allocate(s.slots_padded);
        d_of = arena.allocate(s.slots_padded);
        linked = arena.allocate(2 * s.slots_padded);
        d_retained = arena.allocate(s.slots_padded);
        d_allocated = arena.allocate(s.write_slots);
        used = arena.allocate(s.write_slots);
        d_used = arena.allocate(s.slots_padded);
        products = arena.allocate(s.slots_padded);
        sums = arena.allocate(s.slots_padded);
        partial_reading = arena.allocate(READS_AT_ONCE * s.slots * LANES<Real>);
        partial_to = arena.allocate(s.slots * LANES<Real>);
        partial_erase = arena.allocate(s.write_heads * s.width * LANES<Real>);
        partial_add = arena.allocate(s.write_heads * s.width * LANES<Real>);
        chain = arena.allocate((2 * s.write_heads + s.read_heads + 1) * LANES<Real>);
    }
};

template <class Real>
struct DNCBackward : BackwardScan<DNC<Real>> {
    using Scan = BackwardScan<DNC<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::workspace, Scan::chunk;
    using Scan::state_row, Scan::step_row, Scan::gradient_row;

    const ParameterOffsets at{s};

    DNCBackward(const Scan& scan) : Scan(scan) {}

    void clear_memory_gradients(index_t position) const {
        clear(s.memory, workspace.d_memory.row(position));
        clear(s.slots_padded, workspace.d_usage.row(position));
        clear(s.read_slots, workspace.d_reading.row(position));
        clear(s.write_slots, workspace.d_writing.row(position));
        clear(s.write_slots, workspace.d_precedence.row(position));
        clear(s.links, workspace.d_links.row(position));
    }

    void add_memory_state_gradient(const DNCState<void*>& from, index_t row, index_t position) const {
        Scan::add_memory_gradient(from.memory, row, workspace.d_memory.row(position));
        Scan::add_slots_gradient(from.usage, row, 1, workspace.d_usage.row(position));
        Scan::add_slots_gradient(from.read_weightings, row, s.read_heads, workspace.d_reading.row(position));
        Scan::add_slots_gradient(from.write_weightings, row, s.write_heads, workspace.d_writing.row(position));
        Scan::add_slots_gradient(from.precedence, row, s.write_heads, workspace.d_precedence.row(position));
        Scan::add_slots_gradient(from.links, row, s.write_heads * s.slots, workspace.d_links.row(position));
    }

    void write_initial_memory_gradient(const DNCState<void*>& to, index_t b, index_t position) const {
        Scan::write_slots_gradient(to.usage, b, 1, workspace.d_usage.row(position));
        Scan::write_slots_gradient(to.read_weightings, b, s.read_heads, workspace.d_reading.row(position));
        Scan::write_slots_gradient(to.write_weightings, b, s.write_heads, workspace.d_writing.row(position));
        Scan::write_slots_gradient(to.precedence, b, s.write_heads, workspace.d_precedence.row(position));
        Scan::write_slots_gradient(to.links, b, s.write_heads * s.slots, workspace.d_links.row(position));
    }

    // The memory after a step, and before it; and the links before it.
    Real* memory_after(index_t step, index_t number) const {
        return workspace.memory.row(step % CHECKPOINT_INTERVAL * chunk.count(s.sequences) + number);
    }
    const Real* memory_before(index_t step, index_t number) const {
        if (step % CHECKPOINT_INTERVAL > 0) return memory_after(step - 1, number);
        return records.saved_memory.row(schedule.first_checkpoint[step] + chunk.position(number));
    }
    Real* links_before(index_t step, index_t number) const {
        const index_t since_kept = step % CHECKPOINT_INTERVAL;
        if (since_kept == 0) return records.saved_links.row(schedule.first_checkpoint[step] + chunk.position(number));
        return workspace.links.row((since_kept - 1) * chunk.count(s.sequences) + number);
    }

    // Compute the memories and the links again, from the last checkpoint up to this step.
    void recompute(index_t last) const {
        const auto pass = s.write_heads == 1 ? write_all_heads<Real, 1> : write_all_heads<Real, -1>;
        for (index_t step = last - last % CHECKPOINT_INTERVAL; step <= last; ++step) {
            const index_t going_on = step < last ? chunk.count(schedule.running[step + 1]) : 0;
            for (index_t j = 0; j < chunk.count(schedule.running[step]); ++j) {
                const index_t position = chunk.position(j), row = step_row(step, position);
                const Real *parameters = records.parameters.row(row), *retained = records.retained.row(row);
                pass(
                    s, memory_before(step, j), memory_after(step, j), s.deallocate ? retained : nullptr,
                    records.writing.row(row), parameters + at.erase, parameters + at.add, nullptr);
                for (index_t head = 0; j < going_on && head < s.write_heads; ++head) {
                    const Linked<Real> linked =
                        ::linked(s, records, state_row(step, position), row, head, workspace.linked);
                    link_and_follow<Real, 0, true>(
                        s, links_before(step, j) + head * s.matrix, links_before(step + 1, j) + head * s.matrix,
                        linked.to, linked.of, nullptr, nullptr, nullptr, 0);
                }
            }
        }
    }

    void use_memory(index_t step, index_t number) const {
        const index_t position = chunk.position(number), row = step_row(step, position);
        const index_t before = state_row(step, position);
        const Real* parameters = records.parameters.row(row);
        Real* d_parameters = workspace.d_raw.row(gradient_row(step, position));
        Real* d_reads = workspace.d_readout_input.row(number);
        add(s.reads, workspace.d_reads.row(position), d_reads);
        const HeadParameters<Real> head_parameters(s, at, parameters);
        read_step_backward(
            head_parameters, parameters, row, position, memory_after(step, number), d_reads, d_parameters);
        link_step_backward(row, before, position, links_before(step, number));
        write_step_backward(
            head_parameters, parameters, row, before, position, memory_before(step, number), d_parameters);
        interface_parameters_backward(s, at, parameters, records.slopes.row(row), d_parameters);
    }

    // On return, d_forward and d_backward have the gradients of what was followed, and d_reading is zero.
    void read_step_backward(
        const HeadParameters<Real>& head_parameters, const Real* parameters, index_t row, index_t position,
        const Real* memory, const Real* d_reads, Real* d_parameters) const {
        Real *d_memory = workspace.d_memory.row(position), *d_reading = workspace.d_reading.row(position);
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
                choose(h, records.backward.used(s).row(row) + pair, workspace.d_backward + pair);
                choose(s.write_heads + 1 + h, records.forward.used(s).row(row) + pair, workspace.d_forward + pair);
            }
            choose(s.write_heads, records.read_content.content.row(row) + own, workspace.comparison.d_cosine + own);
        }
        clear(s.read_slots, d_reading);
        if (s.sharpen) {
            const Real* sharpness = parameters + at.forward_sharpness;
            sharpen_backward(records.forward, row, sharpness, workspace.d_forward, d_parameters + at.forward_sharpness);
            sharpness = parameters + at.backward_sharpness;
            sharpen_backward(
                records.backward, row, sharpness, workspace.d_backward, d_parameters + at.backward_sharpness);
        }
        query_memory_backward(
            s, head_parameters.read_content, memory, records.inverse_norm.row(row), records.read_content, row,
            workspace.comparison, d_memory,
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

    void link_step_backward(index_t row, index_t before, index_t position, const Real* links) const {
        const Real* reading = records.reading.row(before);
        Real* d_reading = workspace.d_reading.row(position);
        for (index_t head = 0; head < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            const Linked<Real> linked = ::linked(s, records, before, row, head, workspace.linked);
            clear(s.slots_padded, workspace.d_to);
            clear(s.slots_padded, workspace.d_of);
            for_head_groups(s.read_heads, [&](index_t first, auto heads) {
                constexpr int READS = decltype(heads)::value;
                const bool last = first + READS == s.read_heads;
                const auto pass =
                    last ? link_and_follow_backward<Real, READS, true> : link_and_follow_backward<Real, READS, false>;
                const index_t pair = first * s.write_slots + own, slots = first * s.slots_padded;
                pass(
                    s, links + head * s.matrix, workspace.d_links.row(position) + head * s.matrix, linked.to, linked.of,
                    reading + slots, workspace.d_forward + pair, workspace.d_backward + pair, s.write_slots,
                    d_reading + slots, workspace.d_to, workspace.d_of, workspace.partial_reading, workspace.partial_to);
                for (index_t r = 0; r < READS; ++r) {
                    sum_rows(s, workspace.partial_reading + r * s.slots * LANES<Real>, workspace.sums);
                    add(s.slots, workspace.sums, d_reading + slots + r * s.slots_padded);
                }
            });
            sum_rows(s, workspace.partial_to, workspace.sums);
            add(s.slots, workspace.sums, workspace.d_to);
            Real *d_precedence = workspace.d_precedence.row(position) + own,
                 *d_writing = workspace.d_writing.row(position) + own;
            precedence_backward(s, records.precedence.row(before) + own, linked.to, d_precedence, workspace.d_to);
            if (s.sparse) {
                multiply_slots(records.linked_to.row(row) + own, workspace.d_to);
                multiply_slots(records.linked_of.row(row) + own, workspace.d_of);
            }
            add(s.slots, workspace.d_to, d_writing);
            add(s.slots, workspace.d_of, d_precedence);
        }
    }

    void multiply_slots(const Real* with, Real* to) const {
        for_slots<Real>(s, [&](index_t slot, index_t) { store(to + slot, load(to + slot) * load(with + slot)); });
    }

    void write_step_backward(
        const HeadParameters<Real>& head_parameters, const Real* parameters, index_t row, index_t before,
        index_t position, const Real* memory, Real* d_parameters) const {
        Real *d_memory = workspace.d_memory.row(position), *d_writing = workspace.d_writing.row(position);
        const Real* retained = records.retained.row(row);
        const auto pass = s.write_heads == 1 ? write_all_heads_backward<Real, 1> : write_all_heads_backward<Real, -1>;
        pass(
            s, memory, s.deallocate ? retained : nullptr, records.writing.row(row), parameters + at.erase,
            parameters + at.add, d_memory, d_writing, workspace.d_retained, workspace.partial_erase,
            workspace.partial_add, workspace.chain);
        add_across_lanes(workspace.partial_erase, s.write_heads * s.width, d_parameters + at.erase);
        add_across_lanes(workspace.partial_add, s.write_heads * s.width, d_parameters + at.add);
        for (index_t head = 0; head < s.write_heads; ++head) {
            write_weighting_backward(parameters, row, head, d_writing + head * s.slots_padded, d_parameters);
        }
        clear(s.write_slots, d_writing);
        query_memory_backward(
            s, head_parameters.write_content, memory, records.inverse_norm.row(before), records.write_content, row,
            workspace.comparison, d_memory,
            {d_parameters + at.write_key, d_parameters + at.write_strength, d_parameters + at.write_mask});
        Real* d_usage = workspace.d_usage.row(position);
        allocations_backward(parameters, row, d_usage, d_parameters);
        update_usage_backward(
            s, parameters + at.free_gate, records.reading.row(before), records.writing.row(before),
            records.usage.row(before), retained, workspace.d_retained, d_usage, workspace.d_reading.row(position),
            d_writing, d_parameters + at.free_gate, workspace.chain);
    }

    // Backward of write_weighting: to the gradients of the gates, of a, and of c in comparison.d_cosine.
    void write_weighting_backward(
        const Real* parameters, index_t row, index_t head, const Real* d, Real* d_parameters) const {
        const index_t own = head * s.slots_padded;
        const Real write_gate = parameters[at.write_gate + head], gate = parameters[at.allocation_gate + head];
        const Real *allocated = records.allocated.row(row) + own,
                   *content = records.write_content.content.row(row) + own;
        Vector<Real> free_sum = {}, found_sum = {};
        for_slots<Real>(s, [&](index_t slot, index_t) {
            const Vector<Real> d_writing = load(d + slot);
            free_sum += d_writing * load(allocated + slot);
            found_sum += d_writing * load(content + slot);
            store(workspace.d_allocated + own + slot, write_gate * gate * d_writing);
            store(workspace.comparison.d_cosine + own + slot, write_gate * (1 - gate) * d_writing);
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
        copy(s.slots_padded, records.usage.row(row), workspace.used);
        for (index_t head = 0; head + 1 < s.write_heads; ++head) {
            const index_t own = head * s.slots_padded;
            usage_after_head(
                s, workspace.used + own, gate(head), allocated + own, workspace.used + own + s.slots_padded);
        }
        clear(s.slots_padded, workspace.d_used);
        for (index_t head = s.write_heads - 1; head >= 0; --head) {
            const index_t own = head * s.slots_padded;
            if (head + 1 < s.write_heads) {
                Vector<Real> sum = {};
                const Real both = gate(head);
                for_slots<Real>(s, [&](index_t slot, index_t) {
                    const Vector<Real> d = load(workspace.d_used + slot), offered = load(allocated + own + slot);
                    const Vector<Real> taken = (Real(1) - load(workspace.used + own + slot)) * d;
                    Real* d_allocated = workspace.d_allocated + own + slot;
                    store(d_allocated, load(d_allocated) + both * taken);
                    sum += taken * offered;
                    store(workspace.d_used + slot, (Real(1) - both * offered) * d);
                });
                const Real d_both = sum_of_lanes<Real>(sum);
                d_parameters[at.write_gate + head] += d_both * parameters[at.allocation_gate + head];
                d_parameters[at.allocation_gate + head] += d_both * parameters[at.write_gate + head];
            }
            allocation_backward(
                s, workspace.used + own, order + own, workspace.d_allocated + own, workspace.d_used,
                workspace.products);
        }
        add(s.slots, workspace.d_used, d_usage);
    }
};

template <class Real_>
struct DNC {
    using Real = Real_;
    using Sizes = DNCSizes;
    using Call = DNCCall;
    using Records = ::Records<Real, DNCRecords>;
    using ForwardWorkspace = Workspace<Real, DNCForwardWorkspace>;
    using BackwardWorkspace = Workspace<Real, DNCBackwardWorkspace>;
    using Forward = DNCForward<Real>;
    using Backward = DNCBackward<Real>;
};

}  // namespace
