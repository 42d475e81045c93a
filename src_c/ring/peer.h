// SPDX-License-Identifier: BSD-3-Clause
// One connection of a proactor: for core/proactor.c alone; the designs see proactor.h.
#pragma once

#include "ring/proactor.h"

// Begins to serve a connection that was accepted, or closes it when there are too many.
void peer_begin(struct proactor *proactor, int fd);

// An operation of a connection is complete.
void peer_complete(struct proactor *proactor, enum operation operation, int fd,
                   const struct io_uring_cqe *completion);

// What was submitted quietly, and not reported, has been sent.
void peer_settle_sends(struct proactor *proactor);
