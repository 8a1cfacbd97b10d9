// The Differentiable Neural Computer's scan at one instruction-set level: compiled once for each, with LEVEL naming it.
#include "cpp/src/level.h"

#include "dnc_scan/src/scan.h"

DEFINE_MODEL(dnc, DNC, DNCCall, LEVEL)
