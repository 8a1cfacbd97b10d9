// The Neural Turing Machine's scan at one instruction-set level: compiled once for each, with LEVEL naming it.
#include "native/level.h"

#include "ntm_scan/native/scan.h"

DEFINE_MACHINE(ntm, NTM, NTMCall, LEVEL)
