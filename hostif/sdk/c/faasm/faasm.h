#ifndef FAASLET_FAASM_FAASM_H
#define FAASLET_FAASM_FAASM_H

#include "core.h"
#include "memory.h"

#endif
