/** State is in core.h here. */
#ifndef FAASLET_FAASM_STATE_H
#define FAASLET_FAASM_STATE_H

#include "core.h"

#endif
