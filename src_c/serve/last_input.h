// SPDX-License-Identifier: BSD-3-Clause
// What a stopping server owes to those that it has accepted: what they had sent by then is
// answered, and nobody is waited for. So a connection is over when nothing of it lies unread.
#pragma once

#include <stdbool.h>

// Whether there is something to read, the client's end or an error included.
bool last_input_waits(int fd);

// From now on a receive brings what has arrived and then an end, instead of waiting: for those whom
// one that waits already is to tell. False, where the client has sent its own end: that comes.
bool last_input_cut(int fd);

// To be called before a close(2): with something unread it would send a reset, which overtakes
// replies.
void last_input_discard(int fd);
