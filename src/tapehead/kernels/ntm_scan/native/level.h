// The functions that every instruction-set level has, by the level's name.
#pragma once

#include "call.h"

#define LEVEL_JOINED(name, level) name##_##level
#define LEVEL_FUNCTION(name, level) LEVEL_JOINED(name, level)

#define DECLARE_LEVEL(level)                                                                                  \
    extern "C" {                                                                                              \
    void LEVEL_FUNCTION(forward, level)(bool is_double, const Call* call, ParallelFor run);                   \
    void LEVEL_FUNCTION(backward, level)(bool is_double, const Call* call, ParallelFor run);                  \
    std::int64_t LEVEL_FUNCTION(scratch, level)(bool is_double, bool backward, const Call* call);             \
    std::int64_t LEVEL_FUNCTION(kept, level)(bool is_double, const Call* call);                               \
    void LEVEL_FUNCTION(tabulate, level)(                                                                     \
        bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to);               \
    }

#ifdef LEVEL
DECLARE_LEVEL(LEVEL)
#endif
