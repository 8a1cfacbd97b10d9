// The Differentiable Neural Computer's scan at one instruction-set level: compiled once for each, with LEVEL naming it.
#include "native/level.h"

#include "dnc_scan/native/scan.h"

DEFINE_MACHINE(dnc, DNC, DNCCall, LEVEL)
