// The scan at one instruction-set level: compiled once for each, with LEVEL naming it.
#include "level.h"

#include "scan.h"

extern "C" {

void LEVEL_FUNCTION(forward, LEVEL)(bool is_double, const Call* call, ParallelFor run) {
    is_double ? scan_forward<double>(*call, Team{run}) : scan_forward<float>(*call, Team{run});
}

void LEVEL_FUNCTION(backward, LEVEL)(bool is_double, const Call* call, ParallelFor run) {
    is_double ? scan_backward<double>(*call, Team{run}) : scan_backward<float>(*call, Team{run});
}

std::int64_t LEVEL_FUNCTION(scratch, LEVEL)(bool is_double, bool backward, const Call* call) {
    return is_double ? scratch_size<double>(*call, backward) : scratch_size<float>(*call, backward);
}

std::int64_t LEVEL_FUNCTION(kept, LEVEL)(bool is_double, const Call* call) {
    return is_double ? kept_size<double>(*call) : kept_size<float>(*call);
}

void LEVEL_FUNCTION(tabulate, LEVEL)(
    bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to) {
    is_double ? tabulate(function, count, reals<double>(from), reals<double>(to))
              : tabulate(function, count, reals<float>(from), reals<float>(to));
}
}
