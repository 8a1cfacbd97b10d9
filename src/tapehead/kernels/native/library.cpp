// What the library offers to Python: the scans at the instruction-set levels that the machine has.
#include "dnc_scan/native/call.h"
#include "native/level.h"
#include "ntm_scan/native/call.h"

#define OFFERED extern "C" __attribute__((visibility("default")))

#define DECLARE_LEVEL(level)  \
    DECLARE_TABULATE(level)   \
    DECLARE_MACHINE(ntm, NTMCall, level) \
    DECLARE_MACHINE(dnc, DNCCall, level)

#if defined(__x86_64__)
DECLARE_LEVEL(x86_64_v2)
DECLARE_LEVEL(x86_64_v3)
DECLARE_LEVEL(x86_64_v4)
#else
DECLARE_LEVEL(baseline)
#endif

namespace {

template <class Call>
struct Machine {
    void (*forward)(bool is_double, const Call* call, ParallelFor run);
    void (*backward)(bool is_double, const Call* call, ParallelFor run);
    std::int64_t (*scratch)(bool is_double, bool backward, const Call* call);
    std::int64_t (*kept)(bool is_double, const Call* call);
};

struct Level {
    const char* name;
    void (*tabulate)(bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to);
    Machine<NTMCall> ntm;
    Machine<DNCCall> dnc;
};

#define MACHINE(name, level)                                                                      \
    {LEVEL_FUNCTION(name##_forward, level), LEVEL_FUNCTION(name##_backward, level),               \
     LEVEL_FUNCTION(name##_scratch, level), LEVEL_FUNCTION(name##_kept, level)}
#define ENTRY(level) {#level, LEVEL_FUNCTION(tabulate, level), MACHINE(ntm, level), MACHINE(dnc, level)}

// The best first.
#if defined(__x86_64__)
const Level LEVELS[] = {ENTRY(x86_64_v4), ENTRY(x86_64_v3), ENTRY(x86_64_v2)};

int best_level() {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return 0;
    if (__builtin_cpu_supports("x86-64-v3")) return 1;
    return __builtin_cpu_supports("x86-64-v2") ? 2 : 3;
}
#else
const Level LEVELS[] = {ENTRY(baseline)};

int best_level() { return 0; }
#endif

constexpr int COUNT = sizeof(LEVELS) / sizeof(LEVELS[0]);

// Levels are numbered from the best that this machine has.
const Level& at(std::int32_t level) { return LEVELS[best_level() + level]; }

}  // namespace

// Null past the last.
OFFERED const char* tapehead_level_name(std::int32_t level) {
    return best_level() + level < COUNT ? at(level).name : nullptr;
}

// Of a machine: both passes, how many numbers the scratch room of a pass holds, and how many a forward pass keeps.
#define OFFER(name, CALL)                                                                                         \
    OFFERED void tapehead_##name##_forward(                                                                       \
        std::int32_t level, std::int32_t is_double, const CALL* call, ParallelFor run) {                          \
        at(level).name.forward(is_double, call, run);                                                             \
    }                                                                                                             \
    OFFERED void tapehead_##name##_backward(                                                                      \
        std::int32_t level, std::int32_t is_double, const CALL* call, ParallelFor run) {                          \
        at(level).name.backward(is_double, call, run);                                                            \
    }                                                                                                             \
    OFFERED std::int64_t tapehead_##name##_scratch(                                                               \
        std::int32_t level, std::int32_t is_double, std::int32_t backward, const CALL* call) {                    \
        return at(level).name.scratch(is_double, backward, call);                                                 \
    }                                                                                                             \
    OFFERED std::int64_t tapehead_##name##_kept(std::int32_t level, std::int32_t is_double, const CALL* call) {   \
        return at(level).name.kept(is_double, call);                                                              \
    }

OFFER(ntm, NTMCall)
OFFER(dnc, DNCCall)

// exp (of what is below zero), log, tanh, sigmoid, softplus or its slope, by number, of a list of numbers.
OFFERED void tapehead_tabulate(
    std::int32_t level, std::int32_t is_double, std::int32_t function, std::int64_t count, const void* from, void* to) {
    at(level).tabulate(is_double, function, count, from, to);
}
