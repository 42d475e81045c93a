// SPDX-License-Identifier: BSD-3-Clause
// Bytes that came and are kept, as far as a room that many share has place for them.
#include "load/check/kept.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_FIRST = 4 * 1024 };

void kept_free(struct kept *kept)
{
    free(kept->bytes);
    if (kept->room != NULL)
        *kept->room += kept->taken;
    kept->bytes = NULL;
    kept->size = 0;
    kept->taken = 0;
}

// Makes place for so many bytes in all.
static bool make_place(struct kept *kept, size_t size)
{
    size_t larger = kept->taken == 0 ? KEPT_FIRST : 2 * kept->taken;

    if (size <= kept->taken)
        return true;
    if (larger < size)
        larger = size;
    if (larger - kept->taken > *kept->room)
        return false;
    char *bytes = realloc(kept->bytes, larger);
    if (bytes == NULL)
        return false;
    *kept->room -= larger - kept->taken;
    kept->bytes = bytes;
    kept->taken = larger;
    return true;
}

void kept_add(struct kept *kept, const char *bytes, size_t size)
{
    if (kept->room == NULL || kept->lost || size == 0)
        return;
    if (size > *kept->room + kept->taken || !make_place(kept, kept->size + size)) {
        kept_free(kept);
        kept->lost = true;
        return;
    }
    memcpy(kept->bytes + kept->size, bytes, size);
    kept->size += size;
}
