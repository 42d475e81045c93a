// SPDX-License-Identifier: BSD-3-Clause
// The identity: started = the sum of all outcomes.
#include <errno.h>

#include "core/test.h"
#include "load/count/accounting.h"

static void balances_only_when_every_request_has_one_outcome(void)
{
    struct accounting accounting = {.started = OUTCOMES};

    for (int i = 0; i < OUTCOMES; i++) {
        CHECK(!accounting_balances(&accounting));
        accounting.by_outcome[i]++;
    }
    CHECK(accounting_balances(&accounting));
    accounting.by_outcome[OUTCOME_OK]++;
    CHECK(!accounting_balances(&accounting));
}

static void every_outcome_has_a_name_of_its_own(void)
{
    for (int i = 0; i < OUTCOMES; i++) {
        for (int j = 0; j < i; j++)
            CHECK(strcmp(outcome_name((enum outcome)i), outcome_name((enum outcome)j)) != 0);
    }
}

static void adding_keeps_what_came_first(void)
{
    struct accounting sum = {.started = 3,
                             .by_outcome = {[OUTCOME_OK] = 3},
                             .resent_connections = 50,
                             .local_call = "socket",
                             .local_errno = EMFILE};
    const struct accounting part = {.started = 2,
                                    .by_outcome = {[OUTCOME_WRONG] = 1, [OUTCOME_LOCAL] = 1},
                                    .cut_short = 4,
                                    .surplus_bytes = 5,
                                    .connections_opened = 6,
                                    .retransmits = 7,
                                    .resent_connections = 40,
                                    .wrong_seen = true,
                                    .first_wrong = {.got = {.size = 1, .bytes = "x"}},
                                    .local_call = "connect",
                                    .local_errno = EADDRNOTAVAIL};

    accounting_add(&sum, &part);
    CHECK_NUMBER(sum.started, 5);
    CHECK(accounting_balances(&sum));
    CHECK_NUMBER(sum.cut_short, 4);
    CHECK_NUMBER(sum.surplus_bytes, 5);
    CHECK_NUMBER(sum.connections_opened, 6);
    CHECK_NUMBER(sum.retransmits, 7);
    CHECK_NUMBER(sum.resent_connections, 90);
    CHECK(sum.wrong_seen);
    CHECK_BYTES(sum.first_wrong.got.bytes, sum.first_wrong.got.size, "x", 1);
    CHECK_TEXT(sum.local_call, "socket");
    CHECK_NUMBER(sum.local_errno, EMFILE);
}

int main(void)
{
    balances_only_when_every_request_has_one_outcome();
    every_outcome_has_a_name_of_its_own();
    adding_keeps_what_came_first();
    return test_result();
}
