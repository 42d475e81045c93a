// SPDX-License-Identifier: BSD-3-Clause
// What is said on a new connection before its requests: greetings, passwords.
#pragma once

#include <stdbool.h>

#include "load/drive/state.h"

// Sends and receives what the connection's opening says next, as far as it goes now. True: all of
// it is done, and nothing else was said. What fails is dealt with (failure.h): the client has no
// connection then.
bool opening_go_on(struct worker *worker, struct client *client);
