// SPDX-License-Identifier: BSD-3-Clause
// Taking leave of the server as a client does: to close a connection on which a reply is unread
// resets it, and that kills many a server.
#pragma once

#include <stdint.h>

#include "load/drive/state.h"

// When all is counted: says on every connection that nothing more will be sent, reads what still
// comes until the server closes, or until `until_ns`, and closes. What is read counts for nothing.
void leave(struct worker *worker, int64_t until_ns);
