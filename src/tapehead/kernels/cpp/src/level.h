// The functions that every instruction-set level has, by the level's name; those of a model by the model's as well.
#pragma once

#include <cstdint>

#include "cpp/src/call.h"

#define LEVEL_JOINED(name, level) name##_##level
#define LEVEL_FUNCTION(name, level) LEVEL_JOINED(name, level)

#define DECLARE_TABULATE(level)                      \
    extern "C" void LEVEL_FUNCTION(tabulate, level)( \
        bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to);

#define DECLARE_MODEL(name, CALL, level)                                                                      \
    extern "C" {                                                                                              \
    void LEVEL_FUNCTION(name##_forward, level)(bool is_double, const CALL* call, ParallelFor run);            \
    void LEVEL_FUNCTION(name##_backward, level)(bool is_double, const CALL* call, ParallelFor run);           \
    std::int64_t LEVEL_FUNCTION(name##_scratch_size, level)(bool is_double, bool backward, const CALL* call); \
    std::int64_t LEVEL_FUNCTION(name##_saved_size, level)(bool is_double, const CALL* call);                  \
    void LEVEL_FUNCTION(name##_layout, level)(const CALL* call, Layout* layout);                              \
    }

// A model's functions at one level, from its types MODEL<float> and MODEL<double>.
#define DEFINE_MODEL(name, MODEL, CALL, level)                                                                         \
    DECLARE_MODEL(name, CALL, level)                                                                                   \
    void LEVEL_FUNCTION(name##_forward, level)(bool is_double, const CALL* call, ParallelFor run) {                    \
        is_double ? scan_forward<MODEL<double>>(*call, ThreadPool{run})                                                \
                  : scan_forward<MODEL<float>>(*call, ThreadPool{run});                                                \
    }                                                                                                                  \
    void LEVEL_FUNCTION(name##_backward, level)(bool is_double, const CALL* call, ParallelFor run) {                   \
        is_double ? scan_backward<MODEL<double>>(*call, ThreadPool{run})                                               \
                  : scan_backward<MODEL<float>>(*call, ThreadPool{run});                                               \
    }                                                                                                                  \
    std::int64_t LEVEL_FUNCTION(name##_scratch_size, level)(bool is_double, bool backward, const CALL* call) {         \
        return is_double ? scratch_size<MODEL<double>>(*call, backward) : scratch_size<MODEL<float>>(*call, backward); \
    }                                                                                                                  \
    std::int64_t LEVEL_FUNCTION(name##_saved_size, level)(bool is_double, const CALL* call) {                          \
        return is_double ? saved_size<MODEL<double>>(*call) : saved_size<MODEL<float>>(*call);                         \
    }                                                                                                                  \
    void LEVEL_FUNCTION(name##_layout, level)(const CALL* call, Layout* layout) {                                      \
        *layout = layout_of<MODEL<float>>(*call);                                                                      \
    }
