// The scan itself: T steps forward, T steps backward, of any machine with a controller and a memory.
//
// A MACHINE names its types: Real, Sizes, Call, Records, ForwardRoom, BackwardRoom, and Forward and Backward, which inherit
// from ForwardScan and BackwardScan what is the same in every machine and add the use of the memory.
#pragma once

#include "native/content.h"
#include "native/controller.h"
#include "native/schedule.h"
#include "native/weights.h"

namespace {

template <class Real>
index_t* take_schedule(const Sizes& s, Carver<Real>& carver) {
    return reinterpret_cast<index_t*>(
        carver.take(Schedule::size(s) * index_t(sizeof(index_t)) / index_t(sizeof(Real))));
}

// ---------------------------------------------------------------------------------------------------------- forward

template <class Real>
struct ForwardRoom {
    index_t* schedule;
    Real* layers[MOST_LAYERS];  // packed weights
    Real* layer_biases[MOST_LAYERS];
    Real *head, *head_bias, *output, *output_bias;
    Table<Real> memory, hidden, reads;  // as they are now: W x N, layers x D, R x W, of each position

    ForwardRoom(const Sizes& s, Carver<Real>& carver) {
        schedule = take_schedule(s, carver);
        for (index_t layer = 0; layer < s.layers; ++layer) {
            layers[layer] = carver.take(packed_size(s.seen(layer), s.gates()));
            layer_biases[layer] = carver.take(s.gates());
        }
        head = carver.take(packed_size(s.units, s.parameters));
        head_bias = carver.take(s.parameters);
        output = carver.take(packed_size(s.reads + s.units, s.outputs));
        output_bias = carver.take(s.outputs);
        memory = {carver.take(s.sequences * padded(s.memory)), padded(s.memory)};
        hidden = {carver.take(s.sequences * padded(s.layers * s.units)), padded(s.layers * s.units)};
        reads = {carver.take(s.sequences * padded(s.reads)), padded(s.reads)};
    }
};

template <class Machine>
struct ForwardScan {
    using Real = typename Machine::Real;
    using State = decltype(Machine::Call::last);

    const typename Machine::Call& call;
    const typename Machine::Sizes& s;
    const Schedule& schedule;
    const typename Machine::Records& records;
    const typename Machine::ForwardRoom& room;
    const Share share;
    const bool keeps;
    const Real clip;

    const typename Machine::Forward& own() const { return static_cast<const typename Machine::Forward&>(*this); }

    // Where the records are of the state before a step, and of the step; not kept, they take turns.
    index_t state_row(index_t step, index_t position) const {
        return keeps ? schedule.state_row(step, position) : (step & 1) * s.sequences + position;
    }
    index_t step_row(index_t step, index_t position) const { return state_row(step + 1, position); }

    void run() const {
        const index_t positions = share.count(s.sequences);
        for (index_t j = 0; j < positions; ++j) begin(share.position(j));
        const bool traces = call.states.memory != nullptr;
        for (index_t step = 0; step < s.steps; ++step) {
            const index_t running = share.count(schedule.running[step]);
            if (running > 0) advance(step, running);
            for (index_t j = 0; j < positions; ++j) {
                const index_t position = share.position(j);
                const index_t row = step * s.sequences + schedule.sequence[position];
                if (j >= running) clear(s.outputs, reals<Real>(call.output) + row * s.outputs);
                if (traces) write_state(call.states, row, position, j < running ? step + 1 : schedule.length[position]);
            }
        }
        for (index_t j = 0; j < positions; ++j) {
            const index_t position = share.position(j);
            write_state(call.last, schedule.sequence[position], position, schedule.length[position]);
        }
    }

    void begin(index_t position) const {
        const index_t b = schedule.sequence[position], row = state_row(0, position);
        own().begin_memory(position, b, row);
        copy(s.reads, row_of<Real>(call.first.reads, b), room.reads.row(position));
        if (s.lstm) {
            const index_t count = s.layers * s.units;
            copy(count, row_of<Real>(call.first.hidden, b), room.hidden.row(position));
            copy(count, row_of<Real>(call.first.cell, b), records.cell.row(row));
        }
    }

    // The state before a step goes to a row of tensors.
    void write_state(const State& to, index_t row, index_t position, index_t step) const {
        own().write_memory_state(to, row, position, step);
        copy(s.reads, room.reads.row(position), reals<Real>(to.reads) + row * s.reads);
        if (s.lstm) {
            const index_t count = s.layers * s.units;
            copy(count, room.hidden.row(position), reals<Real>(to.hidden) + row * count);
            copy(count, records.cell.row(state_row(step, position)), reals<Real>(to.cell) + row * count);
        }
    }

    // One step of the first `running` positions of this share.
    void advance(index_t step, index_t running) const {
        const index_t first = step_row(step, share.first);
        const auto rows = [&](const Table<Real>& table) { return table.row(first); };
        const auto stride = [&](const Table<Real>& table) { return share.stride * table.stride; };
        for (index_t layer = 0; layer < s.layers; ++layer) {
            const Table<Real>&seen = records.seen[layer], &gates = records.gates[layer];
            for (index_t j = 0; j < running; ++j) look(step, share.position(j), layer);
            multiply(
                running, s.seen(layer), s.gates(), rows(seen), stride(seen), room.layers[layer],
                room.layer_biases[layer], 0, rows(gates), stride(gates));
            for (index_t j = 0; j < running; ++j) control(step, share.position(j), layer);
        }
        multiply(
            running, s.units, s.parameters, rows(records.shown) + s.reads, stride(records.shown), room.head,
            room.head_bias, 0, rows(records.slopes), stride(records.slopes));
        const index_t next = keeps && step + 1 < s.steps ? share.count(schedule.running[step + 1]) : 0;
        for (index_t j = 0; j < running; ++j) {
            if (j < next) records.template fetch<1>(step_row(step + 1, share.position(j)));
            own().use_memory(step, share.position(j));
        }
        multiply(
            running, s.reads + s.units, s.outputs, rows(records.shown), stride(records.shown), room.output,
            room.output_bias, 0, rows(records.raw_output), stride(records.raw_output));
        for (index_t j = 0; j < running; ++j) answer(step, share.position(j));
    }

    // Lay out what a layer sees.
    void look(index_t step, index_t position, index_t layer) const {
        Real* seen = records.seen[layer].row(step_row(step, position));
        const Real* hidden = room.hidden.row(position);
        if (layer == 0) {
            copy(s.reads, room.reads.row(position), seen);
            const index_t row = step * s.sequences + schedule.sequence[position];
            copy(s.inputs, reals<Real>(call.input) + row * s.inputs, seen + s.inputs_at());
        } else {
            copy(s.units, hidden + (layer - 1) * s.units, seen);
        }
        if (s.lstm) copy(s.units, hidden + layer * s.units, seen + s.own_units(layer));
    }

    void control(index_t step, index_t position, index_t layer) const {
        const index_t row = step_row(step, position);
        Real* hidden = room.hidden.row(position) + layer * s.units;
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
            copy(s.units, hidden, records.shown.row(row) + s.reads);
        }
    }

    void answer(index_t step, index_t position) const {
        const Real* raw = records.raw_output.row(step_row(step, position));
        const index_t row = step * s.sequences + schedule.sequence[position];
        Real* to = reals<Real>(call.output) + row * s.outputs;
        for (index_t o = 0; o < s.outputs; o += LANES<Real>) {
            store_first(to + o, clipped(load(raw + o), clip), s.outputs - o);
        }
    }
};

template <class Real>
void pack_for_forward(const Sizes& s, const Weights<Real>& weights, const ForwardRoom<Real>& room, const Team& team) {
    team.each(s.layers + 1, [&](index_t number) {
        if (number < s.layers) {
            for (const Piece<Real>& piece : weights.layer(number)) {
                pack_transposed(piece, s.seen(number), s.gates(), room.layers[number]);
            }
            copy(s.gates(), weights.layer_bias(number), room.layer_biases[number]);
            return;
        }
        pack_transposed(weights.head(), s.units, s.parameters, room.head);
        copy(s.parameters, weights.head_bias(), room.head_bias);
        for (const Piece<Real>& piece : weights.output()) {
            pack_transposed(piece, s.reads + s.units, s.outputs, room.output);
        }
        copy(s.outputs, weights.output_bias(), room.output_bias);
    });
}

template <class Machine>
void scan_forward(const typename Machine::Call& call, const Team& team) {
    using Real = typename Machine::Real;
    const typename Machine::Sizes s(call);
    const Cut cut(s, call.threads);
    Carver<Real> carver{reals<Real>(call.scratch)};
    const typename Machine::ForwardRoom room(s, cut, carver);
    const bool keeps = call.kept != nullptr;
    Carver<Real> kept{reals<Real>(call.kept)};
    const typename Machine::Records records =
        keeps ? Machine::Records::of_all_steps(s, kept) : Machine::Records::of_one_step(s, carver);
    const Weights<Real> weights{reinterpret_cast<const Real* const*>(call.weights), s};
    pack_for_forward(s, weights, room, team);
    const Schedule schedule(s, call.lengths, room.schedule);
    team.each(cut.workers, [&](index_t worker) {
        const typename Machine::ForwardRoom own = room.of_worker(s, worker);
        for (index_t number = 0; number < cut.shares; ++number) {
            const Share share = cut.share(worker, number);
            typename Machine::Forward{{call, s, schedule, records, own, share, keeps, Real(call.clip)}}.run();
        }
    });
}

// --------------------------------------------------------------------------------------------------------- backward

template <class Real>
struct BackwardRoom {
    index_t* schedule;
    Real* layers[MOST_LAYERS];  // packed weights, transposed
    Real *head, *output;
    Table<Real> d_gates[MOST_LAYERS];  // tables of steps
    Table<Real> d_raw, d_output;
    Table<Real> d_memory, d_reads, d_hidden, d_cell;  // of each position: what later steps ask for
    Real* gradients;                                  // a weight's, before it goes to its tensors
    double* sums;                                     // and its bias's

    Table<Real> d_shown, d_units, d_seen;  // a row for every position of the share

    BackwardRoom(const Sizes& s, Carver<Real>& carver) {
        const index_t rows = s.steps * s.sequences;
        const auto table = [&](index_t count, index_t columns) {
            return Table<Real>{carver.take(count * padded(columns)), padded(columns)};
        };
        schedule = take_schedule(s, carver);
        index_t largest = s.outputs * padded(s.reads + s.units);
        const auto count_gradient = [&](index_t outputs, index_t columns) {
            if (outputs * padded(columns) > largest) largest = outputs * padded(columns);
        };
        for (index_t layer = 0; layer < s.layers; ++layer) {
            layers[layer] = carver.take(packed_size(s.gates(), s.seen(layer)));
            d_gates[layer] = table(rows, s.gates());
            count_gradient(s.gates(), s.seen(layer));
        }
        count_gradient(s.parameters, s.units);
        head = carver.take(packed_size(s.parameters, s.units));
        output = carver.take(packed_size(s.outputs, s.reads + s.units));
        d_raw = table(rows, s.parameters);
        d_output = table(rows, s.outputs);
        d_memory = table(s.sequences, s.memory);
        d_reads = table(s.sequences, s.reads);
        d_hidden = table(s.sequences, s.layers * s.units);
        d_cell = table(s.sequences, s.layers * s.units);
        gradients = carver.take(largest);
        const index_t rows_of_weights = s.gates() + s.parameters + s.outputs;  // as many as any weight has, and more
        sums = reinterpret_cast<double*>(carver.take(rows_of_weights * index_t(sizeof(double) / sizeof(Real))));
    }

    void take_own(const Sizes& s, const Cut& cut, Carver<Real>& carver) {
        const auto table = [&](index_t columns) {
            return Table<Real>{carver.take(cut.most * padded(columns)), padded(columns)};
        };
        d_shown = table(s.reads + s.units);
        d_units = table(s.units);
        index_t widest = 0;
        for (index_t layer = 0; layer < s.layers; ++layer) {
            widest = s.seen(layer) > widest ? s.seen(layer) : widest;
        }
        d_seen = table(widest);
    }
};

template <class Machine>
struct BackwardScan {
    using Real = typename Machine::Real;
    using State = decltype(Machine::Call::last);

    const typename Machine::Call& call;
    const typename Machine::Sizes& s;
    const Schedule& schedule;
    const typename Machine::Records& records;
    const typename Machine::BackwardRoom& room;
    const Share share;
    const Real clip;

    const typename Machine::Backward& own() const { return static_cast<const typename Machine::Backward&>(*this); }

    index_t state_row(index_t step, index_t position) const { return schedule.state_row(step, position); }
    index_t step_row(index_t step, index_t position) const { return schedule.state_row(step + 1, position); }
    index_t gradient_row(index_t step, index_t position) const { return schedule.first_row[step] + position; }

    void run() const {
        const index_t positions = share.count(s.sequences);
        for (index_t j = 0; j < positions; ++j) {
            const index_t position = share.position(j);
            own().clear_memory_gradients(position);
            clear(s.reads, room.d_reads.row(position));
            clear(s.layers * s.units, room.d_hidden.row(position));
            clear(s.layers * s.units, room.d_cell.row(position));
            receive(call.last, schedule.sequence[position], position);
        }
        const index_t last_step = positions > 0 ? schedule.length[share.first] - 1 : -1;
        for (index_t step = s.steps - 1; step >= 0; --step) {
            const index_t running = share.count(schedule.running[step]);
            for (index_t j = 0; j < positions; ++j) {
                const index_t position = share.position(j), row = step * s.sequences + schedule.sequence[position];
                receive(call.states, row, position);
                if (j >= running && call.input_gradient) {
                    clear(s.inputs, reals<Real>(call.input_gradient) + row * s.inputs);
                }
            }
            if (running > 0) {
                if (step % KEPT_ONCE_IN == KEPT_ONCE_IN - 1 || step == last_step) own().remember(step);
                retreat(step, running);
            }
        }
        for (index_t j = 0; j < positions; ++j) hand_out(share.position(j));
    }

    // Add what the state of this row is asked for from outside; null pointers ask for nothing.
    void receive(const State& from, index_t row, index_t position) const {
        own().receive_memory_state(from, row, position);
        receive_row(from.reads, row, s.reads, room.d_reads.row(position));
        if (s.lstm) {
            receive_row(from.hidden, row, s.layers * s.units, room.d_hidden.row(position));
            receive_row(from.cell, row, s.layers * s.units, room.d_cell.row(position));
        }
    }

    void receive_row(const void* gradient, index_t row, index_t count, Real* to) const {
        if (gradient) add(count, reals<Real>(gradient) + row * count, to);
    }

    void receive_slots(const void* gradient, index_t row, index_t heads, Real* to) const {
        if (!gradient) return;
        for (index_t head = 0; head < heads; ++head) {
            add(s.slots, reals<Real>(gradient) + (row * heads + head) * s.slots, to + head * s.slots_padded);
        }
    }

    void receive_memory(const void* given, index_t row, Real* to) const {
        if (!given) return;
        const Real* gradient = reals<Real>(given) + row * s.slots * s.width;
        for (index_t w = 0; w < s.width; ++w) {
            for (index_t n = 0; n < s.slots; ++n) to[w * s.slots_padded + n] += gradient[n * s.width + w];
        }
    }

    void hand_out(index_t position) const {
        const State& to = call.first_gradient;
        const index_t b = schedule.sequence[position];
        if (to.memory) transpose_out(s, room.d_memory.row(position), reals<Real>(to.memory) + b * s.slots * s.width);
        own().hand_out_memory_state(to, b, position);
        if (to.reads) copy(s.reads, room.d_reads.row(position), reals<Real>(to.reads) + b * s.reads);
        if (!s.lstm) return;
        const index_t count = s.layers * s.units;
        if (to.hidden) copy(count, room.d_hidden.row(position), reals<Real>(to.hidden) + b * count);
        if (to.cell) copy(count, room.d_cell.row(position), reals<Real>(to.cell) + b * count);
    }

    void hand_out_slots(void* to, index_t b, index_t heads, const Real* from) const {
        if (to) slots_out(s, heads, from, reals<Real>(to) + b * heads * s.slots);
    }

    // One step back, of the first `running` positions of this share.
    void retreat(index_t step, index_t running) const {
        const index_t first = gradient_row(step, share.first);
        const auto rows = [&](const Table<Real>& table) { return table.row(first); };
        const auto stride = [&](const Table<Real>& table) { return share.stride * table.stride; };
        for (index_t j = 0; j < running; ++j) answer(step, share.position(j));
        multiply<Real>(
            running, s.outputs, s.reads + s.units, rows(room.d_output), stride(room.d_output), room.output, nullptr, 0,
            room.d_shown.base, room.d_shown.stride);
        for (index_t j = 0; j < running; ++j) {
            if (step > 0) records.template fetch<0>(state_row(step - 1, share.position(j)));
            own().use_memory(step, j);
        }
        multiply<Real>(
            running, s.parameters, s.units, rows(room.d_raw), stride(room.d_raw), room.head,
            room.d_shown.base + s.reads, room.d_shown.stride, room.d_units.base, room.d_units.stride);
        for (index_t layer = s.layers - 1; layer >= 0; --layer) {
            const Table<Real>& d_gates = room.d_gates[layer];
            for (index_t j = 0; j < running; ++j) control(step, j, layer);
            const bool wants_all = layer > 0 || call.input_gradient;
            multiply<Real>(
                running, s.gates(), wants_all ? s.seen(layer) : s.inputs_at(), rows(d_gates), stride(d_gates),
                room.layers[layer], nullptr, 0, room.d_seen.base, room.d_seen.stride);
            for (index_t j = 0; j < running; ++j) look(step, j, layer);
        }
    }

    void answer(index_t step, index_t position) const {
        const index_t row = step_row(step, position);
        Real* to = room.d_output.row(gradient_row(step, position));
        if (!call.output) return clear(s.outputs, to);
        const Real* raw = records.raw_output.row(row);
        const Real* gradient =
            reals<Real>(call.output) + (step * s.sequences + schedule.sequence[position]) * s.outputs;
        for (index_t o = 0; o < s.outputs; ++o) to[o] = raw[o] > clip || raw[o] < -clip ? Real(0) : gradient[o];
    }

    void control(index_t step, index_t number, index_t layer) const {
        const index_t position = share.position(number), row = step_row(step, position);
        Real* d_units = room.d_units.row(number);
        const Real* gates = records.gates[layer].row(row);
        Real* d_gates = room.d_gates[layer].row(gradient_row(step, position));
        if (!s.lstm) return feedforward_backward(s.units, gates, d_units, d_gates);
        add(s.units, room.d_hidden.row(position) + layer * s.units, d_units);
        lstm_backward(
            s.units, gates, records.cell.row(state_row(step, position)) + layer * s.units,
            records.cell_tanh[layer].row(row), d_units, room.d_cell.row(position) + layer * s.units, d_gates);
    }

    // Pass the gradient of what a layer saw to whom it came from.
    void look(index_t step, index_t number, index_t layer) const {
        const index_t position = share.position(number);
        const Real* d_seen = room.d_seen.row(number);
        if (s.lstm) copy(s.units, d_seen + s.own_units(layer), room.d_hidden.row(position) + layer * s.units);
        if (layer > 0) return copy(s.units, d_seen, room.d_units.row(number));
        copy(s.reads, d_seen, room.d_reads.row(position));
        if (!call.input_gradient) return;
        const index_t to = step * s.sequences + schedule.sequence[position];
        copy(s.inputs, d_seen + s.inputs_at(), reals<Real>(call.input_gradient) + to * s.inputs);
    }
};

template <class Real>
void pack_for_backward(const Sizes& s, const Weights<Real>& weights, const BackwardRoom<Real>& room, const Team& team) {
    team.each(s.layers + 1, [&](index_t number) {
        if (number < s.layers) {
            for (const Piece<Real>& piece : weights.layer(number)) {
                pack(piece, s.gates(), room.layers[number]);
            }
            return;
        }
        pack(weights.head(), s.parameters, room.head);
        for (const Piece<Real>& piece : weights.output()) pack(piece, s.outputs, room.output);
    });
}

// The weights' gradients: every step of every sequence at once.
template <class Real>
struct WeightGradients {
    Real* const* tensors;  // null where not wanted
    const index_t threads;
    const Sizes& s;
    const ControllerRecords<Real>& records;
    const BackwardRoom<Real>& room;
    const Team& team;
    const index_t rows;

    void run() const {
        for (index_t layer = 0; layer < s.layers; ++layer) {
            Real* const* own = tensors + (s.lstm ? 3 : 2) * layer;
            const index_t stride =
                product(s.gates(), s.seen(layer), room.d_gates[layer], records.seen[layer].row(s.sequences));
            const index_t reads = layer > 0 ? 0 : s.reads, inputs = layer > 0 ? s.units : s.inputs;
            const index_t inputs_at = layer > 0 ? 0 : s.inputs_at(), units_at = s.own_units(layer);
            for (index_t output = 0; output < s.gates(); ++output) {
                const Real* from = room.gradients + output * stride;
                if (own[0]) {
                    Real* to = own[0] + output * (inputs + reads);
                    copy(inputs, from + inputs_at, to);
                    copy(reads, from, to + inputs);
                }
                if (s.lstm && own[1]) copy(s.units, from + units_at, own[1] + output * s.units);
                Real* d_bias = own[s.lstm ? 2 : 1];
                if (d_bias) d_bias[output] = Real(room.sums[output]);
            }
        }
        Real* const* rest = tensors + (s.lstm ? 3 * s.layers : 2);
        index_t stride =
            product(s.parameters, s.units, room.d_raw, records.shown.row(s.sequences) + s.reads);
        for (index_t output = 0; output < s.parameters; ++output) {
            const Real* from = room.gradients + output * stride;
            if (rest[0]) copy(s.units, from, rest[0] + output * s.units);
            if (rest[1]) rest[1][output] = Real(room.sums[output]);
        }
        stride = product(s.outputs, s.reads + s.units, room.d_output, records.shown.row(s.sequences));
        for (index_t output = 0; output < s.outputs; ++output) {
            const Real* from = room.gradients + output * stride;
            if (rest[2]) {
                copy(s.units, from + s.reads, rest[2] + output * (s.units + s.reads));
                copy(s.reads, from, rest[2] + output * (s.units + s.reads) + s.units);
            }
            if (rest[3]) rest[3][output] = Real(room.sums[output]);
        }
    }

    // room.gradients = a^T @ b and room.sums = the sums of a's columns, cut among the threads; returns the first's stride.
    index_t product(index_t outputs, index_t columns, const Table<Real>& a, const Real* b) const {
        const index_t stride = padded(columns), tiles = (outputs + STRIP - 1) / STRIP, parts = threads;
        team.each(parts, [&](index_t part) {
            const index_t begin = tiles * part / parts * STRIP, past = tiles * (part + 1) / parts * STRIP;
            const index_t count = (past < outputs ? past : outputs) - begin;
            if (count <= 0) return;
            clear(count * stride, room.gradients + begin * stride);
            clear(count, room.sums + begin);
            gather(
                count, columns, rows, a.base + begin, a.stride, b, records.shown.stride, room.gradients + begin * stride, stride,
                room.sums + begin);
        });
        return stride;
    }
};

template <class Machine>
void scan_backward(const typename Machine::Call& call, const Team& team) {
    using Real = typename Machine::Real;
    const typename Machine::Sizes s(call);
    const Cut cut(s, call.threads);
    Carver<Real> carver{reals<Real>(call.scratch)};
    const typename Machine::BackwardRoom room(s, cut, carver);
    Carver<Real> kept{reals<Real>(call.kept)};
    const typename Machine::Records records = Machine::Records::of_all_steps(s, kept);
    const Weights<Real> weights{reinterpret_cast<const Real* const*>(call.weights), s};
    pack_for_backward(s, weights, room, team);
    const Schedule schedule(s, call.lengths, room.schedule);
    team.each(cut.workers, [&](index_t worker) {
        const typename Machine::BackwardRoom own = room.of_worker(s, cut, worker);
        for (index_t number = 0; number < cut.shares; ++number) {
            const Share share = cut.share(worker, number);
            typename Machine::Backward{{call, s, schedule, records, own, share, Real(call.clip)}}.run();
        }
    });
    Real* const* gradients = reinterpret_cast<Real* const*>(call.weight_gradients);
    if (gradients) WeightGradients<Real>{gradients, call.threads, s, records, room, team, schedule.rows()}.run();
}

// How many numbers the scratch room of a forward or a backward pass must hold.
template <class Machine>
index_t scratch_size(const typename Machine::Call& call, bool backward) {
    const typename Machine::Sizes s(call);
    const Cut cut(s, call.threads);
    Carver<typename Machine::Real> carver{nullptr};
    if (backward) {
        typename Machine::BackwardRoom(s, cut, carver);
    } else {
        typename Machine::ForwardRoom(s, cut, carver);
        Machine::Records::of_one_step(s, carver);
    }
    return carver.taken + ROW_MULTIPLE;
}

// How many numbers a forward pass keeps for the backward pass.
template <class Machine>
index_t kept_size(const typename Machine::Call& call) {
    Carver<typename Machine::Real> carver{nullptr};
    Machine::Records::of_all_steps(typename Machine::Sizes(call), carver);
    return carver.taken;
}

}  // namespace
