// What belongs to no model, at one instruction-set level: compiled once for each, with LEVEL naming it.
#include "cpp/src/level.h"

#include "cpp/src/functions.h"

DECLARE_TABULATE(LEVEL)

void LEVEL_FUNCTION(tabulate, LEVEL)(
    bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to) {
    is_double ? tabulate(function, count, static_cast<const double*>(from), static_cast<double*>(to))
              : tabulate(function, count, static_cast<const float*>(from), static_cast<float*>(to));
}
