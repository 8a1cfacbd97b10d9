// The scan itself: T steps forward, or T steps backward, of any model with a controller and a memory.
//
// The template parameter Model defines the types Real, Sizes, Call, Records, ForwardWorkspace, BackwardWorkspace, and
// Forward and Backward: these inherit from ForwardScan and BackwardScan, and add the model's access to its memory.
//
// Sequences are sorted by falling length; the place of a sequence in that order is its position (schedule.h). Sizes are
// called `s` throughout; the letters of shapes are those of _shapes.py.
#pragma once

#include "cpp/src/content.h"
#include "cpp/src/controller.h"
#include "cpp/src/schedule.h"
#include "cpp/src/weights.h"

namespace {

template <class Real>
index_t* allocate_schedule(const Sizes& s, Arena<Real>& arena) {
    return reinterpret_cast<index_t*>(
        arena.allocate(Schedule::size(s) * index_t(sizeof(index_t)) / index_t(sizeof(Real))));
}

// The scratch memory of a forward or backward pass: buffers that its workers share, and buffers of each worker. The
// template parameter Pass allocates them, in allocate_shared and allocate_per_worker; initialize_worker sets those of a
// worker that must not start uninitialized.
template <class Real, template <class> class Pass>
struct Workspace : Pass<Real> {
    Real* workers;
    index_t worker_size;

    template <class Sizes>
    Workspace(const Sizes& s, const Partition& partition, Arena<Real>& arena) {
        this->allocate_shared(s, arena);
        Arena<Real> counting{nullptr};  // without a buffer: only adds up the size
        this->allocate_per_worker(s, partition, counting);
        worker_size = counting.size;
        workers = arena.allocate(partition.workers * worker_size);
    }

    template <class Sizes>
    Workspace of_worker(const Sizes& s, const Partition& partition, index_t worker) const {
        Workspace own = *this;
        Arena<Real> arena{workers + worker * worker_size};
        own.allocate_per_worker(s, partition, arena);
        own.initialize_worker(s);
        return own;
    }
};

// ---------------------------------------------------------------------------------------------------------- forward

template <class Real>
struct ForwardWorkspace {
    index_t* schedule;
    Real* layers[MAX_LAYERS];  // packed weights
    Real* layer_biases[MAX_LAYERS];
    Real *head, *head_bias, *output, *output_bias;
    Table<Real> memory, hidden, reads;  // current values, a row for each position: W x N, layers x D, R x W

    void allocate_shared(const Sizes& s, Arena<Real>& arena) {
        schedule = allocate_schedule(s, arena);
        for (index_t layer = 0; layer < s.layers; ++layer) {
            layers[layer] = arena.allocate(packed_size(s.layer_input_size(layer), s.gates()));
            layer_biases[layer] = arena.allocate(s.gates());
        }
        head = arena.allocate(packed_size(s.units, s.parameters));
        head_bias = arena.allocate(s.parameters);
        output = arena.allocate(packed_size(s.reads + s.units, s.outputs));
        output_bias = arena.allocate(s.outputs);
        memory = {arena.allocate(s.sequences * padded(s.memory)), padded(s.memory)};
        hidden = {arena.allocate(s.sequences * padded(s.layers * s.units)), padded(s.layers * s.units)};
        reads = {arena.allocate(s.sequences * padded(s.reads)), padded(s.reads)};
    }

    void initialize_worker(const Sizes&) const {}
};

template <class Model>
struct ForwardScan {
    using Real = typename Model::Real;
    using State = decltype(Model::Call::final_state);

    const typename Model::Call& call;
    const typename Model::Sizes& s;
    const Schedule& schedule;
    const typename Model::Records& records;
    const typename Model::ForwardWorkspace& workspace;
    const Chunk chunk;
    const bool saves;  // whether records are kept for the backward pass
    const Real clip;

    const typename Model::Forward& derived() const { return static_cast<const typename Model::Forward&>(*this); }

    // The rows of the records of the state before a step, and of the step itself. If nothing is saved, there are only
    // two rows for each position, used alternately.
    index_t state_row(index_t step, index_t position) const {
        return saves ? schedule.state_row(step, position) : (step & 1) * s.sequences + position;
    }
    index_t step_row(index_t step, index_t position) const { return state_row(step + 1, position); }

    void run() const {
        const index_t positions = chunk.count(s.sequences);
        for (index_t j = 0; j < positions; ++j) load_initial_state(chunk.position(j));
        const bool keep = call.states.memory != nullptr;
        for (index_t step = 0; step < s.steps; ++step) {
            const index_t running = chunk.count(schedule.running[step]);
            if (running > 0) forward_step(step, running);
            for (index_t j = 0; j < positions; ++j) {
                const index_t position = chunk.position(j);
                const index_t row = step * s.sequences + schedule.sequence[position];
                if (j >= running) clear(s.outputs, cast<Real>(call.output) + row * s.outputs);
                if (keep) write_state(call.states, row, position, j < running ? step + 1 : schedule.length[position]);
            }
        }
        for (index_t j = 0; j < positions; ++j) {
            const index_t position = chunk.position(j);
            write_state(call.final_state, schedule.sequence[position], position, schedule.length[position]);
        }
    }

    void load_initial_state(index_t position) const {
        const index_t b = schedule.sequence[position], row = state_row(0, position);
        derived().load_initial_memory(position, b, row);
        copy(s.reads, initial_row<Real>(call.initial_state.reads, b), workspace.reads.row(position));
        if (s.lstm) {
            const index_t count = s.layers * s.units;
            copy(count, initial_row<Real>(call.initial_state.hidden, b), workspace.hidden.row(position));
            copy(count, initial_row<Real>(call.initial_state.cell, b), records.cell.row(row));
        }
    }

    // Copies the state before a step to a row of the given state tensors.
    void write_state(const State& to, index_t row, index_t position, index_t step) const {
        derived().write_memory_state(to, row, position, step);
        copy(s.reads, workspace.reads.row(position), cast<Real>(to.reads) + row * s.reads);
        if (s.lstm) {
            const index_t count = s.layers * s.units;
            copy(count, workspace.hidden.row(position), cast<Real>(to.hidden) + row * count);
            copy(count, records.cell.row(state_row(step, position)), cast<Real>(to.cell) + row * count);
        }
    }

    // One step of the first `running` positions of this chunk.
    void forward_step(index_t step, index_t running) const {
        const index_t first = step_row(step, chunk.first);
        const auto rows = [&](const Table<Real>& table) { return table.row(first); };
        const auto stride = [&](const Table<Real>& table) { return chunk.stride * table.stride; };
        for (index_t layer = 0; layer < s.layers; ++layer) {
            const Table<Real>&layer_input = records.layer_input[layer], &gates = records.gates[layer];
            for (index_t j = 0; j < running; ++j) gather_inputs(step, chunk.position(j), layer);
            multiply(
                running, s.layer_input_size(layer), s.gates(), rows(layer_input), stride(layer_input),
                workspace.layers[layer], workspace.layer_biases[layer], 0, rows(gates), stride(gates));
            for (index_t j = 0; j < running; ++j) run_layer(step, chunk.position(j), layer);
        }
        multiply(
            running, s.units, s.parameters, rows(records.readout_input) + s.reads, stride(records.readout_input),
            workspace.head, workspace.head_bias, 0, rows(records.slopes), stride(records.slopes));
        const index_t next = saves && step + 1 < s.steps ? chunk.count(schedule.running[step + 1]) : 0;
        for (index_t j = 0; j < running; ++j) {
            if (j < next) records.template prefetch<1>(step_row(step + 1, chunk.position(j)));
            derived().use_memory(step, chunk.position(j));
        }
        multiply(
            running, s.reads + s.units, s.outputs, rows(records.readout_input), stride(records.readout_input),
            workspace.output, workspace.output_bias, 0, rows(records.raw_output), stride(records.raw_output));
        for (index_t j = 0; j < running; ++j) write_output(step, chunk.position(j));
    }

    // Gather a layer's inputs.
    void gather_inputs(index_t step, index_t position, index_t layer) const {
        Real* layer_input = records.layer_input[layer].row(step_row(step, position));
        const Real* hidden = workspace.hidden.row(position);
        if (layer == 0) {
            copy(s.reads, workspace.reads.row(position), layer_input);
            const index_t row = step * s.sequences + schedule.sequence[position];
            copy(s.inputs, cast<Real>(call.input) + row * s.inputs, layer_input + s.inputs_at());
        } else {
            copy(s.units, hidden + (layer - 1) * s.units, layer_input);
        }
        if (s.lstm) copy(s.units, hidden + layer * s.units, layer_input + s.own_units(layer));
    }

    void run_layer(index_t step, index_t position, index_t layer) const {
        const index_t row = step_row(step, position);
        Real* hidden = workspace.hidden.row(position) + layer * s.units;
        Real* gates = records.gates[layer].row(row);
        if (s.lstm) {
            lstm(
                s.units, gates, records.cell.row(state_row(step, position)) + layer * s.units,
                records.cell.row(state_row(step + 1, position)) + layer * s.units, records.cell_tanh[layer].row(row),
                hidden);
        } else {
            feedforward(s.units, gates, hidden);
        }
        if (layer == s.layers - 1) {
            copy(s.units, hidden, records.readout_input.row(row) + s.reads);
        }
    }

    void write_output(index_t step, index_t position) const {
        const Real* raw = records.raw_output.row(step_row(step, position));
        const index_t row = step * s.sequences + schedule.sequence[position];
        Real* to = cast<Real>(call.output) + row * s.outputs;
        for (index_t o = 0; o < s.outputs; o += LANES<Real>) {
            store_first(to + o, clipped(load(raw + o), clip), s.outputs - o);
        }
    }
};

template <class Real>
void pack_for_forward(
    const Sizes& s, const Weights<Real>& weights, const ForwardWorkspace<Real>& workspace, const ThreadPool& pool) {
    pool.for_each(s.layers + 1, [&](index_t number) {
        if (number < s.layers) {
            for (const Slice<Real>& slice : weights.layer(number)) {
                pack_transposed(slice, s.layer_input_size(number), s.gates(), workspace.layers[number]);
            }
            copy(s.gates(), weights.layer_bias(number), workspace.layer_biases[number]);
            return;
        }
        pack_transposed(weights.head(), s.units, s.parameters, workspace.head);
        copy(s.parameters, weights.head_bias(), workspace.head_bias);
        for (const Slice<Real>& slice : weights.output()) {
            pack_transposed(slice, s.reads + s.units, s.outputs, workspace.output);
        }
        copy(s.outputs, weights.output_bias(), workspace.output_bias);
    });
}

template <class Model>
void scan_forward(const typename Model::Call& call, const ThreadPool& pool) {
    using Real = typename Model::Real;
    const typename Model::Sizes s(call);
    const Partition partition(s, call.threads);
    Arena<Real> arena{cast<Real>(call.scratch)};
    const typename Model::ForwardWorkspace workspace(s, partition, arena);
    const bool saves = call.saved_for_backward != nullptr;
    Arena<Real> saved{cast<Real>(call.saved_for_backward)};
    const typename Model::Records records =
        saves ? Model::Records::of_all_steps(s, saved) : Model::Records::of_one_step(s, arena);
    const Weights<Real> weights{reinterpret_cast<const Real* const*>(call.weights), s};
    pack_for_forward(s, weights, workspace, pool);
    const Schedule schedule(s, call.lengths, workspace.schedule);
    pool.for_each(partition.workers, [&](index_t worker) {
        const typename Model::ForwardWorkspace own = workspace.of_worker(s, partition, worker);
        for (index_t number = 0; number < partition.chunks; ++number) {
            const Chunk chunk = partition.chunk(worker, number);
            typename Model::Forward{{call, s, schedule, records, own, chunk, saves, Real(call.clip)}}.run();
        }
    });
}

// --------------------------------------------------------------------------------------------------------- backward

template <class Real>
struct BackwardWorkspace {
    index_t* schedule;
    Real* layers[MAX_LAYERS];  // packed weights, transposed
    Real *head, *output;
    Table<Real> d_gates[MAX_LAYERS];  // tables of steps
    Table<Real> d_raw, d_output;
    Table<Real> d_memory, d_reads, d_hidden, d_cell;  // of each position: the gradients of its state so far
    Real* gradients;                                  // a weight's, before it goes to its tensors
    double* sums;                                     // and its bias's

    Table<Real> d_readout_input, d_units, d_layer_input;  // a row for every position of the chunk

    void allocate_shared(const Sizes& s, Arena<Real>& arena) {
        const index_t rows = s.steps * s.sequences;
        const auto table = [&](index_t count, index_t columns) {
            return Table<Real>{arena.allocate(count * padded(columns)), padded(columns)};
        };
        schedule = allocate_schedule(s, arena);
        index_t largest = s.outputs * padded(s.reads + s.units);
        const auto count_gradient = [&](index_t outputs, index_t columns) {
            if (outputs * padded(columns) > largest) largest = outputs * padded(columns);
        };
        for (index_t layer = 0; layer < s.layers; ++layer) {
            layers[layer] = arena.allocate(packed_size(s.gates(), s.layer_input_size(layer)));
            d_gates[layer] = table(rows, s.gates());
            count_gradient(s.gates(), s.layer_input_size(layer));
        }
        count_gradient(s.parameters, s.units);
        head = arena.allocate(packed_size(s.parameters, s.units));
        output = arena.allocate(packed_size(s.outputs, s.reads + s.units));
        d_raw = table(rows, s.parameters);
        d_output = table(rows, s.outputs);
        d_memory = table(s.sequences, s.memory);
        d_reads = table(s.sequences, s.reads);
        d_hidden = table(s.sequences, s.layers * s.units);
        d_cell = table(s.sequences, s.layers * s.units);
        gradients = arena.allocate(largest);
        const index_t rows_of_weights = s.gates() + s.parameters + s.outputs;  // as many as any weight has, and more
        sums = reinterpret_cast<double*>(arena.allocate(rows_of_weights * index_t(sizeof(double) / sizeof(Real))));
    }

    void allocate_per_worker(const Sizes& s, const Partition& partition, Arena<Real>& arena) {
        const auto table = [&](index_t columns) {
            return Table<Real>{arena.allocate(partition.max_positions * padded(columns)), padded(columns)};
        };
        d_readout_input = table(s.reads + s.units);
        d_units = table(s.units);
        index_t widest = 0;
        for (index_t layer = 0; layer < s.layers; ++layer) {
            widest = s.layer_input_size(layer) > widest ? s.layer_input_size(layer) : widest;
        }
        d_layer_input = table(widest);
    }

    void initialize_worker(const Sizes&) const {}
};

template <class Model>
struct BackwardScan {
    using Real = typename Model::Real;
    using State = decltype(Model::Call::final_state);

    const typename Model::Call& call;
    const typename Model::Sizes& s;
    const Schedule& schedule;
    const typename Model::Records& records;
    const typename Model::BackwardWorkspace& workspace;
    const Chunk chunk;
    const Real clip;

    const typename Model::Backward& derived() const { return static_cast<const typename Model::Backward&>(*this); }

    index_t state_row(index_t step, index_t position) const { return schedule.state_row(step, position); }
    index_t step_row(index_t step, index_t position) const { return schedule.state_row(step + 1, position); }
    index_t gradient_row(index_t step, index_t position) const { return schedule.first_row[step] + position; }

    void run() const {
        const index_t positions = chunk.count(s.sequences);
        for (index_t j = 0; j < positions; ++j) {
            const index_t position = chunk.position(j);
            derived().clear_memory_gradients(position);
            clear(s.reads, workspace.d_reads.row(position));
            clear(s.layers * s.units, workspace.d_hidden.row(position));
            clear(s.layers * s.units, workspace.d_cell.row(position));
            add_state_gradient(call.final_state, schedule.sequence[position], position);
        }
        const index_t last_step = positions > 0 ? schedule.length[chunk.first] - 1 : -1;
        for (index_t step = s.steps - 1; step >= 0; --step) {
            const index_t running = chunk.count(schedule.running[step]);
            for (index_t j = 0; j < positions; ++j) {
                const index_t position = chunk.position(j), row = step * s.sequences + schedule.sequence[position];
                add_state_gradient(call.states, row, position);
                if (j >= running && call.input_gradient) {
                    clear(s.inputs, cast<Real>(call.input_gradient) + row * s.inputs);
                }
            }
            if (running > 0) {
                if (step % CHECKPOINT_INTERVAL == CHECKPOINT_INTERVAL - 1 || step == last_step)
                    derived().recompute(step);
                backward_step(step, running);
            }
        }
        for (index_t j = 0; j < positions; ++j) write_initial_gradient(chunk.position(j));
    }

    // Add the gradient that the state of this row gets from outside; a null pointer is a gradient of zero.
    void add_state_gradient(const State& from, index_t row, index_t position) const {
        derived().add_memory_state_gradient(from, row, position);
        add_row_gradient(from.reads, row, s.reads, workspace.d_reads.row(position));
        if (s.lstm) {
            add_row_gradient(from.hidden, row, s.layers * s.units, workspace.d_hidden.row(position));
            add_row_gradient(from.cell, row, s.layers * s.units, workspace.d_cell.row(position));
        }
    }

    void add_row_gradient(const void* gradient, index_t row, index_t count, Real* to) const {
        if (gradient) add(count, cast<Real>(gradient) + row * count, to);
    }

    void add_slots_gradient(const void* gradient, index_t row, index_t heads, Real* to) const {
        if (!gradient) return;
        for (index_t head = 0; head < heads; ++head) {
            add(s.slots, cast<Real>(gradient) + (row * heads + head) * s.slots, to + head * s.slots_padded);
        }
    }

    void add_memory_gradient(const void* given, index_t row, Real* to) const {
        if (!given) return;
        const Real* gradient = cast<Real>(given) + row * s.slots * s.width;
        for (index_t w = 0; w < s.width; ++w) {
            for (index_t n = 0; n < s.slots; ++n) to[w * s.slots_padded + n] += gradient[n * s.width + w];
        }
    }

    void write_initial_gradient(index_t position) const {
        const State& to = call.initial_state_gradient;
        const index_t b = schedule.sequence[position];
        if (to.memory)
            transpose_out(s, workspace.d_memory.row(position), cast<Real>(to.memory) + b * s.slots * s.width);
        derived().write_initial_memory_gradient(to, b, position);
        if (to.reads) copy(s.reads, workspace.d_reads.row(position), cast<Real>(to.reads) + b * s.reads);
        if (!s.lstm) return;
        const index_t count = s.layers * s.units;
        if (to.hidden) copy(count, workspace.d_hidden.row(position), cast<Real>(to.hidden) + b * count);
        if (to.cell) copy(count, workspace.d_cell.row(position), cast<Real>(to.cell) + b * count);
    }

    void write_slots_gradient(void* to, index_t b, index_t heads, const Real* from) const {
        if (to) store_slots(s, heads, from, cast<Real>(to) + b * heads * s.slots);
    }

    // One step back, of the first `running` positions of this chunk.
    void backward_step(index_t step, index_t running) const {
        const index_t first = gradient_row(step, chunk.first);
        const auto rows = [&](const Table<Real>& table) { return table.row(first); };
        const auto stride = [&](const Table<Real>& table) { return chunk.stride * table.stride; };
        for (index_t j = 0; j < running; ++j) load_output_gradient(step, chunk.position(j));
        multiply<Real>(
            running, s.outputs, s.reads + s.units, rows(workspace.d_output), stride(workspace.d_output),
            workspace.output, nullptr, 0, workspace.d_readout_input.base, workspace.d_readout_input.stride);
        for (index_t j = 0; j < running; ++j) {
            if (step > 0) records.template prefetch<0>(state_row(step - 1, chunk.position(j)));
            derived().use_memory(step, j);
        }
        multiply<Real>(
            running, s.parameters, s.units, rows(workspace.d_raw), stride(workspace.d_raw), workspace.head,
            workspace.d_readout_input.base + s.reads, workspace.d_readout_input.stride, workspace.d_units.base,
            workspace.d_units.stride);
        for (index_t layer = s.layers - 1; layer >= 0; --layer) {
            const Table<Real>& d_gates = workspace.d_gates[layer];
            for (index_t j = 0; j < running; ++j) run_layer_backward(step, j, layer);
            const bool wants_all = layer > 0 || call.input_gradient;
            multiply<Real>(
                running, s.gates(), wants_all ? s.layer_input_size(layer) : s.inputs_at(), rows(d_gates),
                stride(d_gates), workspace.layers[layer], nullptr, 0, workspace.d_layer_input.base,
                workspace.d_layer_input.stride);
            for (index_t j = 0; j < running; ++j) scatter_input_gradients(step, j, layer);
        }
    }

    void load_output_gradient(index_t step, index_t position) const {
        const index_t row = step_row(step, position);
        Real* to = workspace.d_output.row(gradient_row(step, position));
        if (!call.output) return clear(s.outputs, to);
        const Real* raw = records.raw_output.row(row);
        const Real* gradient = cast<Real>(call.output) + (step * s.sequences + schedule.sequence[position]) * s.outputs;
        for (index_t o = 0; o < s.outputs; ++o) to[o] = raw[o] > clip || raw[o] < -clip ? Real(0) : gradient[o];
    }

    void run_layer_backward(index_t step, index_t number, index_t layer) const {
        const index_t position = chunk.position(number), row = step_row(step, position);
        Real* d_units = workspace.d_units.row(number);
        const Real* gates = records.gates[layer].row(row);
        Real* d_gates = workspace.d_gates[layer].row(gradient_row(step, position));
        if (!s.lstm) return feedforward_backward(s.units, gates, d_units, d_gates);
        add(s.units, workspace.d_hidden.row(position) + layer * s.units, d_units);
        lstm_backward(
            s.units, gates, records.cell.row(state_row(step, position)) + layer * s.units,
            records.cell_tanh[layer].row(row), d_units, workspace.d_cell.row(position) + layer * s.units, d_gates);
    }

    // Pass the gradient of a layer's inputs to where they came from.
    void scatter_input_gradients(index_t step, index_t number, index_t layer) const {
        const index_t position = chunk.position(number);
        const Real* d_layer_input = workspace.d_layer_input.row(number);
        if (s.lstm)
            copy(s.units, d_layer_input + s.own_units(layer), workspace.d_hidden.row(position) + layer * s.units);
        if (layer > 0) return copy(s.units, d_layer_input, workspace.d_units.row(number));
        copy(s.reads, d_layer_input, workspace.d_reads.row(position));
        if (!call.input_gradient) return;
        const index_t to = step * s.sequences + schedule.sequence[position];
        copy(s.inputs, d_layer_input + s.inputs_at(), cast<Real>(call.input_gradient) + to * s.inputs);
    }
};

template <class Real>
void pack_for_backward(
    const Sizes& s, const Weights<Real>& weights, const BackwardWorkspace<Real>& workspace, const ThreadPool& pool) {
    pool.for_each(s.layers + 1, [&](index_t number) {
        if (number < s.layers) {
            for (const Slice<Real>& slice : weights.layer(number)) {
                pack(slice, s.gates(), workspace.layers[number]);
            }
            return;
        }
        pack(weights.head(), s.parameters, workspace.head);
        for (const Slice<Real>& slice : weights.output()) pack(slice, s.outputs, workspace.output);
    });
}

// The weights' gradients: every step of every sequence at once.
template <class Real>
struct WeightGradients {
    Real* const* tensors;  // null where not wanted
    const index_t threads;
    const Sizes& s;
    const ControllerRecords<Real>& records;
    const BackwardWorkspace<Real>& workspace;
    const ThreadPool& pool;
    const index_t rows;

    void run() const {
        for (index_t layer = 0; layer < s.layers; ++layer) {
            Real* const* own = tensors + (s.lstm ? 3 : 2) * layer;
            const index_t stride = product(
                s.gates(), s.layer_input_size(layer), workspace.d_gates[layer],
                records.layer_input[layer].row(s.sequences));
            const index_t reads = layer > 0 ? 0 : s.reads, inputs = layer > 0 ? s.units : s.inputs;
            const index_t inputs_at = layer > 0 ? 0 : s.inputs_at(), units_at = s.own_units(layer);
            for (index_t output = 0; output < s.gates(); ++output) {
                const Real* from = workspace.gradients + output * stride;
                if (own[0]) {
                    Real* to = own[0] + output * (inputs + reads);
                    copy(inputs, from + inputs_at, to);
                    copy(reads, from, to + inputs);
                }
                if (s.lstm && own[1]) copy(s.units, from + units_at, own[1] + output * s.units);
                Real* d_bias = own[s.lstm ? 2 : 1];
                if (d_bias) d_bias[output] = Real(workspace.sums[output]);
            }
        }
        Real* const* rest = tensors + (s.lstm ? 3 * s.layers : 2);
        index_t stride =
            product(s.parameters, s.units, workspace.d_raw, records.readout_input.row(s.sequences) + s.reads);
        for (index_t output = 0; output < s.parameters; ++output) {
            const Real* from = workspace.gradients + output * stride;
            if (rest[0]) copy(s.units, from, rest[0] + output * s.units);
            if (rest[1]) rest[1][output] = Real(workspace.sums[output]);
        }
        stride = product(s.outputs, s.reads + s.units, workspace.d_output, records.readout_input.row(s.sequences));
        for (index_t output = 0; output < s.outputs; ++output) {
            const Real* from = workspace.gradients + output * stride;
            if (rest[2]) {
                copy(s.units, from + s.reads, rest[2] + output * (s.units + s.reads));
                copy(s.reads, from, rest[2] + output * (s.units + s.reads) + s.units);
            }
            if (rest[3]) rest[3][output] = Real(workspace.sums[output]);
        }
    }

    // workspace.gradients = a^T @ b and workspace.sums = the sums of a's columns, divided among the threads; returns the
    // stride of the first.
    index_t product(index_t outputs, index_t columns, const Table<Real>& a, const Real* b) const {
        const index_t stride = padded(columns), tiles = (outputs + STRIP - 1) / STRIP, parts = threads;
        pool.for_each(parts, [&](index_t part) {
            const index_t begin = tiles * part / parts * STRIP, past = tiles * (part + 1) / parts * STRIP;
            const index_t count = (past < outputs ? past : outputs) - begin;
            if (count <= 0) return;
            clear(count * stride, workspace.gradients + begin * stride);
            clear(count, workspace.sums + begin);
            accumulate_transposed(
                count, columns, rows, a.base + begin, a.stride, b, records.readout_input.stride,
                workspace.gradients + begin * stride, stride, workspace.sums + begin);
        });
        return stride;
    }
};

template <class Model>
void scan_backward(const typename Model::Call& call, const ThreadPool& pool) {
    using Real = typename Model::Real;
    const typename Model::Sizes s(call);
    const Partition partition(s, call.threads);
    Arena<Real> arena{cast<Real>(call.scratch)};
    const typename Model::BackwardWorkspace workspace(s, partition, arena);
    Arena<Real> saved{cast<Real>(call.saved_for_backward)};
    const typename Model::Records records = Model::Records::of_all_steps(s, saved);
    const Weights<Real> weights{reinterpret_cast<const Real* const*>(call.weights), s};
    pack_for_backward(s, weights, workspace, pool);
    const Schedule schedule(s, call.lengths, workspace.schedule);
    pool.for_each(partition.workers, [&](index_t worker) {
        const typename Model::BackwardWorkspace own = workspace.of_worker(s, partition, worker);
        for (index_t number = 0; number < partition.chunks; ++number) {
            const Chunk chunk = partition.chunk(worker, number);
            typename Model::Backward{{call, s, schedule, records, own, chunk, Real(call.clip)}}.run();
        }
    });
    Real* const* gradients = reinterpret_cast<Real* const*>(call.weight_gradients);
    if (gradients) WeightGradients<Real>{gradients, call.threads, s, records, workspace, pool, schedule.rows()}.run();
}

// How many numbers the scratch memory of a forward or a backward pass must hold.
template <class Model>
index_t scratch_size(const typename Model::Call& call, bool backward) {
    const typename Model::Sizes s(call);
    const Partition partition(s, call.threads);
    Arena<typename Model::Real> arena{nullptr};
    if (backward) {
        typename Model::BackwardWorkspace(s, partition, arena);
    } else {
        typename Model::ForwardWorkspace(s, partition, arena);
        Model::Records::of_one_step(s, arena);
    }
    return arena.size + ROW_MULTIPLE;
}

// How many numbers a forward pass saves for the backward pass.
template <class Model>
index_t saved_size(const typename Model::Call& call) {
    Arena<typename Model::Real> arena{nullptr};
    Model::Records::of_all_steps(typename Model::Sizes(call), arena);
    return arena.size;
}

// The parts of saved_size, whatever the time steps and the sequences.
template <class Model>
Layout layout_of(const typename Model::Call& call) {
    const typename Model::Sizes s(call);
    Arena<typename Model::Real> nothing{nullptr}, checkpoint{nullptr};
    const typename Model::Records records(s, 0, 0, nothing);
    const typename Model::Records with_checkpoint(s, 1, 0, checkpoint);
    return {s.parameters, records.whole.stride, checkpoint.size - nothing.size, nothing.size};
}

}  // namespace
