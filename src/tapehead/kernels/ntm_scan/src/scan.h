// The Neural Turing Machine's part of the scan: how a step uses the memory, forward and backward.
#pragma once

#include "cpp/src/scan.h"
#include "ntm_scan/src/addressing.h"

namespace {

template <class Real>
struct NTM;

template <class Real>
struct NTMForwardWorkspace : ForwardWorkspace<Real> {
    // Of each worker:
    Real *direction, *partial, *squares, *rings;

    void allocate_shared(const NTMSizes& s, Arena<Real>& arena) { ForwardWorkspace<Real>::allocate_shared(s, arena); }

    void allocate_per_worker(const NTMSizes& s, const Partition&, Arena<Real>& arena) {
        direction = arena.allocate(s.heads * s.width);
        partial = arena.allocate(s.reads * LANES<Real>);
        squares = arena.allocate(s.slots_padded);
        rings = arena.allocate(HEADS_AT_ONCE * ring_size(s));
    }

    void initialize_worker(const NTMSizes& s) const { clear(HEADS_AT_ONCE * ring_size(s), rings); }
};

template <class Real>
struct NTMForward : ForwardScan<NTM<Real>> {
    using Scan = ForwardScan<NTM<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::workspace, Scan::saves, Scan::clip;
    using Scan::state_row, Scan::step_row;

    const ParameterOffsets at{s};

    NTMForward(const Scan& scan) : Scan(scan) {}

    void load_initial_memory(index_t position, index_t b, index_t row) const {
        Real* memory = workspace.memory.row(position);
        transpose_in(s, initial_row<Real>(call.initial_state.memory, b), memory);
        initial_inverse_norms(s, memory, workspace.squares, records.inverse_norm.row(row));
        Real* weightings = records.weightings.row(row);
        load_slots(s, s.read_heads, initial_row<Real>(call.initial_state.read_weightings, b), weightings);
        load_slots(
            s, s.write_heads, initial_row<Real>(call.initial_state.write_weightings, b),
            weightings + s.read_heads * s.slots_padded);
    }

    void write_memory_state(const NTMState<void*>& to, index_t row, index_t position, index_t step) const {
        transpose_out(s, workspace.memory.row(position), cast<Real>(to.memory) + row * s.slots * s.width);
        const Real* weightings = records.weightings.row(state_row(step, position));
        store_slots(s, s.read_heads, weightings, cast<Real>(to.read_weightings) + row * s.read_heads * s.slots);
        store_slots(
            s, s.write_heads, weightings + s.read_heads * s.slots_padded,
            cast<Real>(to.write_weightings) + row * s.write_heads * s.slots);
    }

    void use_memory(index_t step, index_t position) const {
        const index_t row = step_row(step, position), before = state_row(step, position);
        const index_t after = state_row(step + 1, position);
        Real* parameters = records.parameters.row(row);
        head_parameters(s, at, records.slopes.row(row), clip, parameters, records.slopes.row(row));
        normalize_keys(s, s.heads, parameters + at.key, workspace.direction, records.inverse_key_norm.row(row));
        Real* memory = workspace.memory.row(position);
        if (saves && step % CHECKPOINT_INTERVAL == 0) {
            copy(s.memory, memory, records.saved_memory.row(schedule.first_checkpoint[step] + position));
        }
        Real* cosine = records.cosine.row(row);
        cosines(s, s.heads, memory, records.inverse_norm.row(before), workspace.direction, cosine);
        Real* weightings = records.weightings.row(after);
        for_heads<HEADS_AT_ONCE>(s, [&](index_t first, auto heads, auto offsets) {
            constexpr int HEADS = decltype(heads)::value;
            HeadTables<Real> tables[HEADS];
            for (int h = 0; h < HEADS; ++h) {
                tables[h] = HeadTables<Real>(
                    s, at, parameters, first + h, records.weightings.row(before), cosine, records.content.row(row),
                    records.log_shifted.row(row), weightings);
            }
            address<Real, HEADS, decltype(offsets)::value>(s, tables, workspace.rings);
        });
        const auto pass =
            s.read_heads == 1 && s.write_heads == 1 ? read_and_write<Real, 1, 1> : read_and_write<Real, -1, -1>;
        pass(s, memory, weightings, parameters + at.erase, parameters + at.add, workspace.partial, workspace.squares);
        inverse_norms(s, memory, workspace.squares, records.inverse_norm.row(after));
        Real* reads = workspace.reads.row(position);
        add_across_lanes(workspace.partial, s.reads, reads);
        copy(s.reads, reads, records.readout_input.row(row));
    }
};

template <class Real>
struct NTMBackwardWorkspace : BackwardWorkspace<Real> {
    Table<Real> d_weightings;  // of each position: the gradients of its state so far
    // Of each worker:
    Table<Real> memory;  // of the steps between two checkpoints, for every position of the chunk
    CosineWorkspace<Real> comparison;
    Real *rings, *partial_erase, *partial_add, *chain;

    void allocate_shared(const NTMSizes& s, Arena<Real>& arena) {
        BackwardWorkspace<Real>::allocate_shared(s, arena);
        const index_t weightings = padded(s.heads * s.slots_padded);
        d_weightings = {arena.allocate(s.sequences * weightings), weightings};
    }

    void allocate_per_worker(const NTMSizes& s, const Partition& partition, Arena<Real>& arena) {
        memory = {
            arena.allocate((CHECKPOINT_INTERVAL - 1) * partition.max_positions * padded(s.memory)), padded(s.memory)};
        BackwardWorkspace<Real>::allocate_per_worker(s, partition, arena);
        comparison.allocate(s, s.heads, arena);
        rings = arena.allocate(2 * HEADS_AT_ONCE_BACKWARD * ring_size(s));
        partial_erase = arena.allocate(s.write_heads * s.width * LANES<Real>);
        partial_add = arena.allocate(s.write_heads * s.width * LANES<Real>);
        chain = arena.allocate(3 * s.write_heads * LANES<Real>);
    }

    void initialize_worker(const NTMSizes& s) const { clear(2 * HEADS_AT_ONCE_BACKWARD * ring_size(s), rings); }
};

template <class Real>
struct NTMBackward : BackwardScan<NTM<Real>> {
    using Scan = BackwardScan<NTM<Real>>;
    using Scan::call, Scan::s, Scan::schedule, Scan::records, Scan::workspace, Scan::chunk;
    using Scan::state_row, Scan::step_row, Scan::gradient_row;

    const ParameterOffsets at{s};

    NTMBackward(const Scan& scan) : Scan(scan) {}

    void clear_memory_gradients(index_t position) const {
        clear(s.memory, workspace.d_memory.row(position));
        clear(s.heads * s.slots_padded, workspace.d_weightings.row(position));
    }

    void add_memory_state_gradient(const NTMState<void*>& from, index_t row, index_t position) const {
        Real* d_weightings = workspace.d_weightings.row(position);
        Scan::add_memory_gradient(from.memory, row, workspace.d_memory.row(position));
        Scan::add_slots_gradient(from.read_weightings, row, s.read_heads, d_weightings);
        Scan::add_slots_gradient(
            from.write_weightings, row, s.write_heads, d_weightings + s.read_heads * s.slots_padded);
    }

    void write_initial_memory_gradient(const NTMState<void*>& to, index_t b, index_t position) const {
        const Real* d_weightings = workspace.d_weightings.row(position);
        Scan::write_slots_gradient(to.read_weightings, b, s.read_heads, d_weightings);
        Scan::write_slots_gradient(to.write_weightings, b, s.write_heads, d_weightings + s.read_heads * s.slots_padded);
    }

    // The memory before a step.
    const Real* memory_before(index_t step, index_t number) const {
        const index_t since_kept = step % CHECKPOINT_INTERVAL, position = chunk.position(number);
        if (since_kept == 0) return records.saved_memory.row(schedule.first_checkpoint[step] + position);
        return workspace.memory.row((since_kept - 1) * chunk.count(s.sequences) + number);
    }

    // Compute the memories again, from the last checkpoint up to the one before this step.
    void recompute(index_t last) const {
        const auto pass = s.write_heads == 1 ? repeat_writes<Real, 1> : repeat_writes<Real, -1>;
        for (index_t step = last - last % CHECKPOINT_INTERVAL; step < last; ++step) {
            for (index_t j = 0; j < chunk.count(schedule.running[step + 1]); ++j) {
                const index_t position = chunk.position(j);
                const Real* parameters = records.parameters.row(step_row(step, position));
                pass(
                    s, memory_before(step, j), const_cast<Real*>(memory_before(step + 1, j)),
                    records.weightings.row(state_row(step + 1, position)), parameters + at.erase, parameters + at.add);
            }
        }
    }

    void use_memory(index_t step, index_t number) const {
        const index_t position = chunk.position(number), row = step_row(step, position);
        const index_t before = state_row(step, position), after = state_row(step + 1, position);
        const Real *memory = memory_before(step, number), *weightings = records.weightings.row(after);
        const Real *parameters = records.parameters.row(row), *cosine = records.cosine.row(row);
        Real *d_memory = workspace.d_memory.row(position), *d_weightings = workspace.d_weightings.row(position);
        Real* d_reads = workspace.d_readout_input.row(number);
        add(s.reads, workspace.d_reads.row(position), d_reads);
        const auto pass = s.read_heads == 1 && s.write_heads == 1 ? read_and_write_backward_of_one<Real>
                                                                  : read_and_write_backward<Real>;
        pass(
            s, memory, d_memory, weightings, parameters + at.erase, parameters + at.add, d_reads, d_weightings,
            workspace.partial_erase, workspace.partial_add, workspace.chain);
        Real* d_parameters = workspace.d_raw.row(gradient_row(step, position));
        add_across_lanes(workspace.partial_erase, s.write_heads * s.width, d_parameters + at.erase);
        add_across_lanes(workspace.partial_add, s.write_heads * s.width, d_parameters + at.add);
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
                    d_parameters + at.strength + head,
                    d_parameters + at.gate + head,
                    d_parameters + at.sharpening + head,
                    d_parameters + at.shifts + head * s.offsets,
                    d_weightings + to,
                    workspace.comparison.d_cosine + to};
            }
            address_backward<Real, HEADS, decltype(offsets)::value>(s, tables, gradients, workspace.rings);
        });
        compare_backward(
            s, s.heads, memory, records.inverse_norm.row(before), cosine, parameters + at.key,
            records.inverse_key_norm.row(row), workspace.comparison, d_memory, d_parameters + at.key);
        head_parameters_backward(s, at, parameters, records.slopes.row(row), d_parameters);
    }
};

template <class Real_>
struct NTM {
    using Real = Real_;
    using Sizes = NTMSizes;
    using Call = NTMCall;
    using Records = ::Records<Real, NTMRecords>;
    using ForwardWorkspace = Workspace<Real, NTMForwardWorkspace>;
    using BackwardWorkspace = Workspace<Real, NTMBackwardWorkspace>;
    using Forward = NTMForward<Real>;
    using Backward = NTMBackward<Real>;
};

}  // namespace
