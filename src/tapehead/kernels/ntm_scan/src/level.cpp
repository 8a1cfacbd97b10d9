// The Neural Turing Machine's scan at one instruction-set level: compiled once for each, with LEVEL naming it.
#include "cpp/src/level.h"

#include "ntm_scan/src/scan.h"

DEFINE_MODEL(ntm, NTM, NTMCall, LEVEL)
