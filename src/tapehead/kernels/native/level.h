// The functions that every instruction-set level has, by the level's name; a machine's also by the machine's.
#pragma once

#include <cstdint>

#include "native/call.h"

#define LEVEL_JOINED(name, level) name##_##level
#define LEVEL_FUNCTION(name, level) LEVEL_JOINED(name, level)

#define DECLARE_TABULATE(level)                             \
    extern "C" void LEVEL_FUNCTION(tabulate, level)(         \
        bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to);

#define DECLARE_MACHINE(name, CALL, level)                                                               \
    extern "C" {                                                                                         \
    void LEVEL_FUNCTION(name##_forward, level)(bool is_double, const CALL* call, ParallelFor run);       \
    void LEVEL_FUNCTION(name##_backward, level)(bool is_double, const CALL* call, ParallelFor run);      \
    std::int64_t LEVEL_FUNCTION(name##_scratch, level)(bool is_double, bool backward, const CALL* call); \
    std::int64_t LEVEL_FUNCTION(name##_kept, level)(bool is_double, const CALL* call);                   \
    }

// Of one level: a machine's functions from its types, MACHINE<float> and MACHINE<double>.
#define DEFINE_MACHINE(name, MACHINE, CALL, level)                                                                  \
    DECLARE_MACHINE(name, CALL, level)                                                                              \
    void LEVEL_FUNCTION(name##_forward, level)(bool is_double, const CALL* call, ParallelFor run) {                 \
        is_double ? scan_forward<MACHINE<double>>(*call, Team{run}) : scan_forward<MACHINE<float>>(*call, Team{run}); \
    }                                                                                                               \
    void LEVEL_FUNCTION(name##_backward, level)(bool is_double, const CALL* call, ParallelFor run) {                \
        is_double ? scan_backward<MACHINE<double>>(*call, Team{run})                                                \
                  : scan_backward<MACHINE<float>>(*call, Team{run});                                                \
    }                                                                                                               \
    std::int64_t LEVEL_FUNCTION(name##_scratch, level)(bool is_double, bool backward, const CALL* call) {           \
        return is_double ? scratch_size<MACHINE<double>>(*call, backward)                                           \
                         : scratch_size<MACHINE<float>>(*call, backward);                                           \
    }                                                                                                               \
    std::int64_t LEVEL_FUNCTION(name##_kept, level)(bool is_double, const CALL* call) {                             \
        return is_double ? kept_size<MACHINE<double>>(*call) : kept_size<MACHINE<float>>(*call);                    \
    }
