// What the library offers to Python: the scans at the instruction-set levels that this computer has.
#include "cpp/src/level.h"
#include "dnc_scan/src/call.h"
#include "ntm_scan/src/call.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

#define DECLARE_LEVEL(level)           \
    DECLARE_TABULATE(level)            \
    DECLARE_MODEL(ntm, NTMCall, level) \
    DECLARE_MODEL(dnc, DNCCall, level)

#if defined(__x86_64__)
DECLARE_LEVEL(x86_64_v2)
DECLARE_LEVEL(x86_64_v3)
DECLARE_LEVEL(x86_64_v4)
#else
DECLARE_LEVEL(baseline)
#endif

namespace {

template <class Call>
struct Model {
    void (*forward)(bool is_double, const Call* call, ParallelFor run);
    void (*backward)(bool is_double, const Call* call, ParallelFor run);
    std::int64_t (*scratch_size)(bool is_double, bool backward, const Call* call);
    std::int64_t (*saved_size)(bool is_double, const Call* call);
    void (*layout)(const Call* call, Layout* layout);
};

struct Level {
    const char* name;
    void (*tabulate)(bool is_double, std::int32_t function, std::int64_t count, const void* from, void* to);
    Model<NTMCall> ntm;
    Model<DNCCall> dnc;
};

#define MODEL(name, level)                                                                 \
    {LEVEL_FUNCTION(name##_forward, level), LEVEL_FUNCTION(name##_backward, level),        \
     LEVEL_FUNCTION(name##_scratch_size, level), LEVEL_FUNCTION(name##_saved_size, level), \
     LEVEL_FUNCTION(name##_layout, level)}
#define ENTRY(level) {#level, LEVEL_FUNCTION(tabulate, level), MODEL(ntm, level), MODEL(dnc, level)}

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

// Levels are numbered from the best that this computer has.
const Level& at(std::int32_t level) { return LEVELS[best_level() + level]; }

}  // namespace

// Null past the last.
EXPORTED const char* tapehead_level_name(std::int32_t level) {
    return best_level() + level < COUNT ? at(level).name : nullptr;
}

EXPORTED std::int64_t tapehead_max_layers() { return MAX_LAYERS; }
EXPORTED std::int64_t tapehead_checkpoint_interval() { return CHECKPOINT_INTERVAL; }

// Of a model: both passes, how many numbers the scratch memory of a pass holds and how many a forward pass saves, where
// things lie, and how many bytes a call has.
#define EXPORT_MODEL(name, CALL)                                                                                       \
    EXPORTED void tapehead_##name##_forward(                                                                           \
        std::int32_t level, std::int32_t is_double, const CALL* call, ParallelFor run) {                               \
        at(level).name.forward(is_double, call, run);                                                                  \
    }                                                                                                                  \
    EXPORTED void tapehead_##name##_backward(                                                                          \
        std::int32_t level, std::int32_t is_double, const CALL* call, ParallelFor run) {                               \
        at(level).name.backward(is_double, call, run);                                                                 \
    }                                                                                                                  \
    EXPORTED std::int64_t tapehead_##name##_scratch_size(                                                              \
        std::int32_t level, std::int32_t is_double, std::int32_t backward, const CALL* call) {                         \
        return at(level).name.scratch_size(is_double, backward, call);                                                 \
    }                                                                                                                  \
    EXPORTED std::int64_t tapehead_##name##_saved_size(std::int32_t level, std::int32_t is_double, const CALL* call) { \
        return at(level).name.saved_size(is_double, call);                                                             \
    }                                                                                                                  \
    EXPORTED void tapehead_##name##_layout(const CALL* call, Layout* layout) { at(0).name.layout(call, layout); }      \
    EXPORTED std::int64_t tapehead_##name##_call_size() { return sizeof(CALL); }

EXPORT_MODEL(ntm, NTMCall)
EXPORT_MODEL(dnc, DNCCall)

// exp (of what is below zero), log, tanh, sigmoid, softplus or its slope, by number, of a list of numbers.
EXPORTED void tapehead_tabulate(
    std::int32_t level, std::int32_t is_double, std::int32_t function, std::int64_t count, const void* from, void* to) {
    at(level).tabulate(is_double, function, count, from, to);
}
