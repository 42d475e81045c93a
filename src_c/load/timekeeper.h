// SPDX-License-Identifier: BSD-3-Clause
// The thread that keeps the time: it opens and closes the window while the others load.
#pragma once

#include "load/session.h"

// Keeps the time from the start to the end of the window. Both edges are announced in any case, so
// that who listens sees either both or, when nothing was started, none; and before them the start
// of a warm-up, where there is one.
void keep_time(struct session *session);
