// SPDX-License-Identifier: BSD-3-Clause
// What is kept of all replies together is bounded, and the room comes back.
#include <stdlib.h>

#include "core/test.h"
#include "load/check/kept.h"

static void bytes_are_kept_in_order(void)
{
    size_t room = 1 << 20;
    struct kept kept = {.room = &room};
    char bytes[1000];

    for (int i = 0; i < 1000; i++)
        bytes[i] = (char)i;
    for (int i = 0; i < 1000; i += 10)
        kept_add(&kept, bytes + i, 10);
    kept_add(&kept, NULL, 0);
    CHECK_BYTES(kept.bytes, kept.size, bytes, sizeof bytes);
    CHECK(room + kept.taken == 1 << 20);
    kept_free(&kept);
    CHECK_NUMBER(room, 1 << 20);
    CHECK(!kept.lost);
}

static void what_has_no_place_is_lost_as_a_whole(void)
{
    size_t room = 10000;
    struct kept one = {.room = &room};
    struct kept other = {.room = &room};
    char *bytes = calloc(1, 10000);

    if (bytes == NULL)
        abort();
    kept_add(&one, bytes, 6000);
    CHECK(!one.lost);
    kept_add(&other, bytes, 6000);
    CHECK(other.lost);
    CHECK_NUMBER(other.size, 0);
    kept_add(&other, bytes, 1);
    CHECK_NUMBER(other.size, 0);
    kept_add(&one, bytes, 6000);
    CHECK(one.lost);
    CHECK_NUMBER(room, 10000);
    kept_free(&one);
    kept_free(&other);
    CHECK_NUMBER(room, 10000);
    free(bytes);
}

static void without_a_room_nothing_is_kept(void)
{
    struct kept kept = {0};

    kept_add(&kept, "abc", 3);
    CHECK_NUMBER(kept.size, 0);
    CHECK(!kept.lost);
    kept_free(&kept);
}

int main(void)
{
    bytes_are_kept_in_order();
    what_has_no_place_is_lost_as_a_whole();
    without_a_room_nothing_is_kept();
    return test_result();
}
