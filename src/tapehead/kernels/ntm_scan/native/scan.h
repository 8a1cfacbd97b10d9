// The scan itself: T steps forward, T steps backward.
#pragma once

#include <array>

#include "addressing.h"
#include "controller.h"
#include "schedule.h"

namespace {

// The weights as their tensors have them, each cut in pieces that stand together in what a layer, or the read-out, sees.
template <class Real>
struct Weights {
    const Real* const* tensors;
    const Sizes& s;

    std::array<Piece<Real>, 3> layer(index_t number) const {
        const Real* const* own = tensors + (s.lstm ? 3 : 2) * number;
        const Piece<Real> units = {own[1], s.units, s.own_units(number), s.lstm ? s.units : 0};
        if (number > 0) return {Piece<Real>{own[0], s.units, 0, s.units}, units, Piece<Real>{own[0], 0, 0, 0}};
        const index_t stride = s.inputs + s.reads;
        return {
            Piece<Real>{own[0] + s.inputs, stride, 0, s.reads}, units,
            Piece<Real>{own[0], stride, s.inputs_at(), s.inputs}};
    }
    const Real* layer_bias(index_t number) const { return s.lstm ? tensors[3 * number + 2] : tensors[1]; }
    const Real* const* after_layers() const { return tensors + (s.lstm ? 3 * s.layers : 2); }
    Piece<Real> head() const { return {after_layers()[0], s.units, 0, s.units}; }
    const Real* head_bias() const { return after_layers()[1]; }
    std::array<Piece<Real>, 2> output() const {
        const Real* tensor = after_layers()[2];
        const index_t stride = s.units + s.reads;
        return {Piece<Real>{tensor + s.units, stride, 0, s.reads}, Piece<Real>{tensor, stride, s.reads, s.units}};
    }
    const Real* output_bias() const { return after_layers()[3]; }
};

template <class Real>
void copy(index_t count, const Real* from, Real* to) {
    std::memcpy(to, from, count * sizeof(Real));
}

template <class Real>
void add(index_t count, const Real* from, Real* to) {
    for (index_t i = 0; i < count; ++i) to[i] += from[i];
}

template <class Real>
void clear(index_t count, Real* to) {
    for (index_t i = 0; i < count; ++i) to[i] = 0;
}

// (heads, N) to rows of padded N and back.
template <class Real>
void slots_in(const Sizes& s, index_t heads, const Real* from, Real* to) {
    for (index_t head = 0; head < heads; ++head) {
        copy(s.slots, from + head * s.slots, to + head * s.slots_padded);
        clear(s.slots_padded - s.slots, to + head * s.slots_padded + s.slots);
    }
}

template <class Real>
void slots_out(const Sizes& s, index_t heads, const Real* from, Real* to) {
    for (index_t head = 0; head < heads; ++head) copy(s.slots, from + head * s.slots_padded, to + head * s.slots);
}

template <class Real>
const Real* reals(const void* pointer) {
    return static_cast<const Real*>(pointer);
}

template <class Real>
Real* reals(void* pointer) {
    return static_cast<Real*>(pointer);
}

// ---------------------------------------------------------------------------------------------------------- forward

template <class Real>
struct ForwardRoom {
    index_t* schedule;
    Real* layers[MOST_LAYERS];  // packed weights
    Real* layer_biases[MOST_LAYERS];
    Real *head, *head_bias, *output, *output_bias;
    Table<Real> memory, hidden, reads;  // as they are now: W x N, layers x D, R x W, of each position
    index_t own_size;                   // room that each worker has for itself:
    Real* own;

    Real *direction, *partial, *squares, *rings;

    ForwardRoom(const Sizes& s, const Cut& cut, Carver<Real>& carver) {
        schedule = reinterpret_cast<index_t*>(
            carver.take(Schedule::size(s) * index_t(sizeof(index_t)) / index_t(sizeof(Real))));
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
        Carver<Real> counting{nullptr};
        take_own(s, counting);
        own_size = counting.taken;
        own = carver.take(cut.workers * own_size);
    }

    void take_own(const Sizes& s, Carver<Real>& carver) {
        direction = carver.take(s.heads * s.width);
        partial = carver.take(s.reads * LANES<Real>);
        squares = carver.take(s.slots_padded);
        rings = carver.take(HEADS_AT_ONCE * ring_size(s));
    }

    ForwardRoom of_worker(const Sizes& s, index_t worker) const {
        ForwardRoom room = *this;
        Carver<Real> carver{own + worker * own_size};
        room.take_own(s, carver);
        clear(HEADS_AT_ONCE * ring_size(s), room.rings);
        return room;
    }
};

template <class Real>
struct Forward {
    const Call& call;
    const Sizes& s;
    const Parts& at;
    const Schedule& schedule;
    const Records<Real>& records;
    const ForwardRoom<Real>& room;
    const Share share;
    const bool keeps;
    const Real clip;

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
        Real* memory = room.memory.row(position);
        transpose_in(s, reals<Real>(call.first.memory) + b * s.slots * s.width, memory);
        measure_first(s, memory, room.squares, records.inverse_norm.row(row));
        Real* weightings = records.weightings.row(row);
        slots_in(s, s.read_heads, reals<Real>(call.first.read_weightings) + b * s.read_heads * s.slots, weightings);
        slots_in(
            s, s.write_heads, reals<Real>(call.first.write_weightings) + b * s.write_heads * s.slots,
            weightings + s.read_heads * s.slots_padded);
        copy(s.reads, reals<Real>(call.first.reads) + b * s.reads, room.reads.row(position));
        if (s.lstm) {
            const index_t count = s.layers * s.units;
            copy(count, reals<Real>(call.first.hidden) + b * count, room.hidden.row(position));
            copy(count, reals<Real>(call.first.cell) + b * count, records.cell.row(row));
        }
    }

    void write_state(const State& to, index_t row, index_t position, index_t step) const {
        const index_t from = state_row(step, position);
        transpose_out(s, room.memory.row(position), reals<Real>(to.memory) + row * s.slots * s.width);
        const Real* weightings = records.weightings.row(from);
        slots_out(s, s.read_heads, weightings, reals<Real>(to.read_weightings) + row * s.read_heads * s.slots);
        slots_out(
            s, s.write_heads, weightings + s.read_heads * s.slots_padded,
            reals<Real>(to.write_weightings) + row * s.write_heads * s.slots);
        copy(s.reads, room.reads.row(position), reals<Real>(to.reads) + row * s.reads);
        if (s.lstm) {
            const index_t count = s.layers * s.units;
            copy(count, room.hidden.row(position), reals<Real>(to.hidden) + row * count);
            copy(count, records.cell.row(from), reals<Real>(to.cell) + row * count);
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
            use_memory(step, share.position(j));
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

    void use_memory(index_t step, index_t position) const {
        const index_t row = step_row(step, position), before = state_row(step, position);
        const index_t after = state_row(step + 1, position);
        Real* parameters = records.parameters.row(row);
        head_parameters(s, at, records.slopes.row(row), clip, parameters, records.slopes.row(row));
        directions(s, parameters + at.key, room.direction, records.inverse_key_norm.row(row));
        Real* memory = room.memory.row(position);
        if (keeps && step % KEPT_ONCE_IN == 0) {
            copy(s.memory, memory, records.memory.row(schedule.first_memory[step] + position));
        }
        Real* cosine = records.cosine.row(row);
        cosines(s, memory, records.inverse_norm.row(before), room.direction, cosine);
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

template <class Real>
void scan_forward(const Call& call, const Team& team) {
    const Sizes s(call);
    const Cut cut(s, call.threads);
    Carver<Real> carver{reals<Real>(call.scratch)};
    const ForwardRoom<Real> room(s, cut, carver);
    const bool keeps = call.kept != nullptr;
    Carver<Real> kept{reals<Real>(call.kept)};
    const Records<Real> records =
        keeps ? Records<Real>::of_all_steps(s, kept) : Records<Real>::of_one_step(s, carver);
    const Weights<Real> weights{reinterpret_cast<const Real* const*>(call.weights), s};
    pack_for_forward(s, weights, room, team);
    const Schedule schedule(s, call.lengths, room.schedule);
    const Parts at(s);
    team.each(cut.workers, [&](index_t worker) {
        const ForwardRoom<Real> own = room.of_worker(s, worker);
        for (index_t number = 0; number < cut.shares; ++number) {
            const Share share = cut.share(worker, number);
            Forward<Real>{call, s, at, schedule, records, own, share, keeps, Real(call.clip)}.run();
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
    Table<Real> d_memory, d_weightings, d_reads, d_hidden, d_cell;  // of each position: what later steps ask for
    Real* gradients;                                                // a weight's, before it goes to its tensors
    double* sums;                                                   // and its bias's
    index_t own_size;
    Real* own;

    Table<Real> memory;                    // of the steps between two kept ones, for every position of the share
    Table<Real> d_shown, d_units, d_seen;  // a row for every position of the share
    Real *direction, *d_cosine, *pull, *rings;
    Real *partial_erase, *partial_add, *partial_direction, *d_directions, *chain;

    BackwardRoom(const Sizes& s, const Cut& cut, Carver<Real>& carver) {
        const index_t rows = s.steps * s.sequences;
        const auto table = [&](index_t count, index_t columns) {
            return Table<Real>{carver.take(count * padded(columns)), padded(columns)};
        };
        schedule = reinterpret_cast<index_t*>(
            carver.take(Schedule::size(s) * index_t(sizeof(index_t)) / index_t(sizeof(Real))));
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
        d_weightings = table(s.sequences, s.heads * s.slots_padded);
        d_reads = table(s.sequences, s.reads);
        d_hidden = table(s.sequences, s.layers * s.units);
        d_cell = table(s.sequences, s.layers * s.units);
        gradients = carver.take(largest);
        const index_t rows_of_weights = s.gates() + s.parameters + s.outputs;  // as many as any weight has, and more
        sums = reinterpret_cast<double*>(carver.take(rows_of_weights * index_t(sizeof(double) / sizeof(Real))));
        Carver<Real> counting{nullptr};
        take_own(s, cut, counting);
        own_size = counting.taken;
        own = carver.take(cut.workers * own_size);
    }

    void take_own(const Sizes& s, const Cut& cut, Carver<Real>& carver) {
        const auto table = [&](index_t columns) {
            return Table<Real>{carver.take(cut.most * padded(columns)), padded(columns)};
        };
        memory = {carver.take((KEPT_ONCE_IN - 1) * cut.most * padded(s.memory)), padded(s.memory)};
        d_shown = table(s.reads + s.units);
        d_units = table(s.units);
        index_t widest = 0;
        for (index_t layer = 0; layer < s.layers; ++layer) {
            widest = s.seen(layer) > widest ? s.seen(layer) : widest;
        }
        d_seen = table(widest);
        direction = carver.take(s.heads * s.width);
        d_cosine = carver.take(s.heads * s.slots_padded);
        pull = carver.take(s.slots_padded);
        rings = carver.take(2 * HEADS_AT_ONCE_BACKWARD * ring_size(s));
        partial_erase = carver.take(s.write_heads * s.width * LANES<Real>);
        partial_add = carver.take(s.write_heads * s.width * LANES<Real>);
        partial_direction = carver.take(s.heads * s.width * LANES<Real>);
        d_directions = carver.take(s.heads * s.width);
        chain = carver.take(3 * s.write_heads * LANES<Real>);
    }

    BackwardRoom of_worker(const Sizes& s, const Cut& cut, index_t worker) const {
        BackwardRoom room = *this;
        Carver<Real> carver{own + worker * own_size};
        room.take_own(s, cut, carver);
        clear(2 * HEADS_AT_ONCE_BACKWARD * ring_size(s), room.rings);
        return room;
    }
};

template <class Real>
struct Backward {
    const Call& call;
    const Sizes& s;
    const Parts& at;
    const Schedule& schedule;
    const Records<Real>& records;
    const BackwardRoom<Real>& room;
    const Share share;
    const Real clip;

    index_t state_row(index_t step, index_t position) const { return schedule.state_row(step, position); }
    index_t step_row(index_t step, index_t position) const { return schedule.state_row(step + 1, position); }
    index_t gradient_row(index_t step, index_t position) const { return schedule.first_row[step] + position; }

    void run() const {
        const index_t positions = share.count(s.sequences);
        for (index_t j = 0; j < positions; ++j) {
            const index_t position = share.position(j);
            clear(s.memory, room.d_memory.row(position));
            clear(s.heads * s.slots_padded, room.d_weightings.row(position));
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
                if (step % KEPT_ONCE_IN == KEPT_ONCE_IN - 1 || step == last_step) remember(step);
                retreat(step, running);
            }
        }
        for (index_t j = 0; j < positions; ++j) hand_out(share.position(j));
    }

    // Add what the state of this row is asked for from outside; null pointers ask for nothing.
    void receive(const State& from, index_t row, index_t position) const {
        if (from.memory) {
            Real* to = room.d_memory.row(position);
            const Real* gradient = reals<Real>(from.memory) + row * s.slots * s.width;
            for (index_t w = 0; w < s.width; ++w) {
                for (index_t n = 0; n < s.slots; ++n) to[w * s.slots_padded + n] += gradient[n * s.width + w];
            }
        }
        const auto add_slots = [&](const void* gradient, index_t heads, Real* to) {
            if (!gradient) return;
            for (index_t head = 0; head < heads; ++head) {
                add(s.slots, reals<Real>(gradient) + (row * heads + head) * s.slots, to + head * s.slots_padded);
            }
        };
        Real* d_weightings = room.d_weightings.row(position);
        add_slots(from.read_weightings, s.read_heads, d_weightings);
        add_slots(from.write_weightings, s.write_heads, d_weightings + s.read_heads * s.slots_padded);
        const auto add_row = [&](const void* gradient, index_t count, Real* to) {
            if (gradient) add(count, reals<Real>(gradient) + row * count, to);
        };
        add_row(from.reads, s.reads, room.d_reads.row(position));
        if (s.lstm) {
            add_row(from.hidden, s.layers * s.units, room.d_hidden.row(position));
            add_row(from.cell, s.layers * s.units, room.d_cell.row(position));
        }
    }

    void hand_out(index_t position) const {
        const State& to = call.first_gradient;
        const index_t b = schedule.sequence[position];
        const Real* d_weightings = room.d_weightings.row(position);
        if (to.memory) transpose_out(s, room.d_memory.row(position), reals<Real>(to.memory) + b * s.slots * s.width);
        if (to.read_weightings) {
            slots_out(s, s.read_heads, d_weightings, reals<Real>(to.read_weightings) + b * s.read_heads * s.slots);
        }
        if (to.write_weightings) {
            slots_out(
                s, s.write_heads, d_weightings + s.read_heads * s.slots_padded,
                reals<Real>(to.write_weightings) + b * s.write_heads * s.slots);
        }
        if (to.reads) copy(s.reads, room.d_reads.row(position), reals<Real>(to.reads) + b * s.reads);
        if (!s.lstm) return;
        const index_t count = s.layers * s.units;
        if (to.hidden) copy(count, room.d_hidden.row(position), reals<Real>(to.hidden) + b * count);
        if (to.cell) copy(count, room.d_cell.row(position), reals<Real>(to.cell) + b * count);
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
            use_memory(step, j);
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
                    d_weightings + to, room.d_cosine + to};
            }
            address_backward<Real, HEADS, decltype(offsets)::value>(s, tables, gradients, room.rings);
        });
        compare(row, memory, records.inverse_norm.row(before), cosine, parameters, d_memory, d_parameters);
        head_parameters_backward(s, at, parameters, records.slopes.row(row), d_parameters);
    }

    // An inverse norm below it is that of a row or a key, and not of the floor.
    static constexpr Real FLOORED = Real(1) / NORM_FLOOR<Real> * (1 - 4 * (sizeof(Real) == 4 ? Real(0x1p-24) : Real(0x1p-53)));

    // Backward of the cosines between keys and rows.
    void compare(
        index_t row, const Real* memory, const Real* inverse_norm, const Real* cosine, const Real* parameters,
        Real* d_memory, Real* d_parameters) const {
        if (s.width == 1) return compare_signs(row, memory, inverse_norm, parameters, d_memory, d_parameters);
        for_slots<Real>(s, [&](index_t slot, index_t) {
            const Vector<Real> inverse = load(inverse_norm + slot);
            Vector<Real> sum = {};
            for (index_t head = 0; head < s.heads; ++head) {
                Real* d = room.d_cosine + head * s.slots_padded + slot;
                sum -= load(d) * load(cosine + head * s.slots_padded + slot);
                store(d, load(d) * inverse);
            }
            const Vector<Real> zero = {};
            store(room.pull + slot, inverse < FLOORED ? sum * inverse * inverse : zero);
        });
        const Real* inverse_key_norm = records.inverse_key_norm.row(row);
        scale_keys(s, parameters + at.key, inverse_key_norm, room.direction);
        cosines_backward(s, memory, d_memory, room.direction, room.d_cosine, room.pull, room.partial_direction);
        add_across_lanes(room.partial_direction, s.heads * s.width, room.d_directions);
        for (index_t head = 0; head < s.heads; ++head) {
            const Real *direction = room.direction + head * s.width, *sums = room.d_directions + head * s.width;
            Real* d_key = d_parameters + at.key + head * s.width;
            Vector<Real> products = {};
            for (index_t w = 0; w < s.width; w += LANES<Real>) {
                products += load_first(direction + w, s.width - w) * load_first(sums + w, s.width - w);
            }
            const Real along = inverse_key_norm[head] < FLOORED ? sum_of_lanes<Real>(products) : Real(0);
            for (index_t w = 0; w < s.width; w += LANES<Real>) {
                const index_t left = s.width - w;
                const Vector<Real> across = load_first(sums + w, left) - along * load_first(direction + w, left);
                store_first(d_key + w, across * inverse_key_norm[head], left);
            }
        }
    }

    // The same of rows of one number: their cosine is a sign, and its gradient 0 to the last digit, but for the floor.
    void compare_signs(
        index_t row, const Real* memory, const Real* inverse_norm, const Real* parameters, Real* d_memory,
        Real* d_parameters) const {
        for (index_t head = 0; head < s.heads; ++head) {
            const Real inverse_key_norm = records.inverse_key_norm.row(row)[head];
            const Real direction = parameters[at.key + head] * inverse_key_norm;
            Real sum = 0;
            for (index_t slot = 0; slot < s.slots; ++slot) {
                const Real d = room.d_cosine[head * s.slots_padded + slot] * inverse_norm[slot];
                if (!(inverse_norm[slot] < FLOORED)) d_memory[slot] += d * direction;
                sum += d * memory[slot];
            }
            d_parameters[at.key + head] = inverse_key_norm < FLOORED ? Real(0) : sum * inverse_key_norm;
        }
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
    const Call& call;
    const Sizes& s;
    const Records<Real>& records;
    const BackwardRoom<Real>& room;
    const Team& team;
    const index_t rows;

    void run() const {
        Real* const* tensors = reinterpret_cast<Real* const*>(call.weight_gradients);
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
        const index_t stride = padded(columns), tiles = (outputs + STRIP - 1) / STRIP, parts = call.threads;
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

template <class Real>
void scan_backward(const Call& call, const Team& team) {
    const Sizes s(call);
    const Cut cut(s, call.threads);
    Carver<Real> carver{reals<Real>(call.scratch)};
    const BackwardRoom<Real> room(s, cut, carver);
    Carver<Real> kept{reals<Real>(call.kept)};
    const Records<Real> records = Records<Real>::of_all_steps(s, kept);
    const Weights<Real> weights{reinterpret_cast<const Real* const*>(call.weights), s};
    pack_for_backward(s, weights, room, team);
    const Schedule schedule(s, call.lengths, room.schedule);
    const Parts at(s);
    team.each(cut.workers, [&](index_t worker) {
        const BackwardRoom<Real> own = room.of_worker(s, cut, worker);
        for (index_t number = 0; number < cut.shares; ++number) {
            const Share share = cut.share(worker, number);
            Backward<Real>{call, s, at, schedule, records, own, share, Real(call.clip)}.run();
        }
    });
    if (call.weight_gradients) WeightGradients<Real>{call, s, records, room, team, schedule.rows()}.run();
}

// How many numbers the scratch room of a forward or a backward pass must hold.
template <class Real>
index_t scratch_size(const Call& call, bool backward) {
    const Sizes s(call);
    const Cut cut(s, call.threads);
    Carver<Real> carver{nullptr};
    if (backward) {
        BackwardRoom<Real>(s, cut, carver);
    } else {
        ForwardRoom<Real>(s, cut, carver);
        Records<Real>::of_one_step(s, carver);
    }
    return carver.taken + ROW_MULTIPLE;
}

// How many numbers a forward pass keeps for the backward pass.
template <class Real>
index_t kept_size(const Call& call) {
    Carver<Real> carver{nullptr};
    Records<Real>::of_all_steps(Sizes(call), carver);
    return carver.taken;
}

}  // namespace
