// Which sequence runs when, and who runs it.
#pragma once

#include "cpp/src/layout.h"

namespace {

// The sequences in order of falling length: at step t those that still run are the first running[t]. A place in this
// order is called a position.
struct Schedule {
    index_t steps, sequences;
    index_t* sequence;          // of a position
    index_t* length;            // of a position
    index_t* running;           // at a step; one more than the steps
    index_t* first_row;         // of a step's rows in a table that has no rows for the initial states
    index_t* first_checkpoint;  // of a step's rows in the table of saved memories; unused at steps that save none

    static index_t size(const Sizes& s) { return 2 * s.sequences + 3 * s.steps + 3; }

    Schedule(const Sizes& s, const std::int64_t* lengths, index_t* workspace) : steps(s.steps), sequences(s.sequences) {
        sequence = workspace;
        length = sequence + sequences;
        running = length + sequences;
        first_row = running + steps + 1;
        first_checkpoint = first_row + steps + 1;
        const auto bounded = [&](index_t i) {
            const index_t given = lengths ? lengths[i] : steps;
            return given < 0 ? 0 : given > steps ? steps : given;
        };
        for (index_t t = 0; t <= steps; ++t) running[t] = 0;
        for (index_t i = 0; i < sequences; ++i) ++running[bounded(i)];  // for now: how many have this length
        for (index_t t = steps, longer = 0; t >= 0; --t) {
            const index_t here = running[t];
            running[t] = longer;  // those with more than t steps run at step t; also where those with t steps begin
            longer += here;
        }
        for (index_t t = 0, row = 0, memory = 0; t < steps; ++t) {
            first_row[t] = row;
            first_checkpoint[t] = memory;
            row += running[t];
            if (t % CHECKPOINT_INTERVAL == 0) memory += running[t];
        }
        for (index_t i = 0; i < sequences; ++i) {
            const index_t place = running[bounded(i)]++;
            sequence[place] = i;
            length[place] = bounded(i);
        }
        for (index_t t = 0; t <= steps; ++t) running[t] = 0;
        for (index_t place = 0; place < sequences; ++place) {
            if (length[place] > 0) ++running[length[place] - 1];
        }
        for (index_t t = steps - 1; t >= 0; --t) running[t] += running[t + 1];
    }

    // The record of the state before a step, which is that of the step before.
    index_t state_row(index_t step, index_t position) const {
        return step == 0 ? position : sequences + first_row[step - 1] + position;
    }

    index_t rows() const { return steps ? first_row[steps - 1] + running[steps - 1] : 0; }
};

// Every `stride`th position, beginning with one, up to so many: what goes through a step together.
struct Chunk {
    index_t first, stride, most;

    index_t count(index_t positions) const {
        const index_t below = positions > first ? (positions - first - 1) / stride + 1 : 0;
        return below < most ? below : most;
    }
    index_t position(index_t number) const { return first + number * stride; }
};

// How the batch is divided: every worker takes so many chunks, one after the other. The workers take turns at positions,
// so that each has long and short sequences; a chunk has neighbors among its worker's, so that they end together.
struct Partition {
    index_t workers, chunks, max_positions;  // max_positions: in a chunk

    Partition(const Sizes& s, index_t threads) {
        constexpr index_t aim = 8;  // enough to use a weight well once it is loaded, few enough to stay in the cache
        workers = s.sequences < threads ? s.sequences : threads;
        workers = workers > 0 ? workers : 1;
        const index_t each = (s.sequences + workers - 1) / workers;
        chunks = (each + aim - 1) / aim;
        max_positions = chunks > 0 ? (each + chunks - 1) / chunks : 0;
    }

    Chunk chunk(index_t worker, index_t number) const {
        return {worker + workers * number * max_positions, workers, max_positions};
    }
};

// torch's threads.
struct ThreadPool {
    ParallelFor parallel_for;

    template <class Work>
    void for_each(index_t count, const Work& work) const {
        if (count == 1) return work(0);
        if (count < 1) return;
        parallel_for(
            0, count, 1,
            [](std::int64_t begin, std::int64_t end, void* context) {
                for (index_t i = begin; i < end; ++i) (*static_cast<const Work*>(context))(i);
            },
            const_cast<Work*>(&work));
    }
};

}  // namespace
