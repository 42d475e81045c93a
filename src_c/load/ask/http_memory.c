// SPDX-License-Identifier: BSD-3-Clause
// The last reply of HTTP: one that has the same bytes, or the same head, need not be read again.
#include "load/ask/http_memory.h"

// So much of a reply is its state, as long as nothing is wrong with it.
static const size_t STATE_SIZE = offsetof(struct http_reply, got);

// Takes the head of a reply. `kept`: how many bytes of it the memory has.
static enum reply_state feed_head(const struct http_expectation *expectation,
                                  struct http_memory *memory, struct http_reply *reply,
                                  const char *bytes, size_t size, size_t *used, size_t *kept)
{
    if (memory->head_size > 0 && size >= memory->head_size &&
        memcmp(bytes, memory->bytes, memory->head_size) == 0) {
        memcpy(reply, &memory->after_head, STATE_SIZE);
        *used = *kept = memory->head_size;
        return REPLY_MORE;
    }
    enum reply_state state = http_reply_feed_head(expectation, reply, bytes, size, used);
    if (state == REPLY_MORE && reply->part > HTTP_FIELDS && reply->fault == HTTP_RIGHT &&
        *used <= HTTP_MEMORY_SIZE) {
        memcpy(memory->bytes, bytes, *used);
        memcpy(&memory->after_head, reply, STATE_SIZE);
        memory->size = 0;
        memory->head_size = *kept = *used;
    }
    return state;
}

enum reply_state http_memory_feed_other(const struct http_expectation *expectation,
                                        struct http_memory *memory, struct http_reply *reply,
                                        const char *bytes, size_t size, size_t *used)
{
    bool is_all = !http_reply_begun(reply);
    enum reply_state state = REPLY_MORE;
    size_t kept = 0;
    size_t behind = 0;

    *used = 0;
    if (is_all)
        state = feed_head(expectation, memory, reply, bytes, size, used, &kept);
    if (state == REPLY_MORE && *used < size)
        state = http_reply_feed(expectation, reply, bytes + *used, size - *used, &behind);
    *used += behind;
    if (is_all && state == REPLY_RIGHT && !reply->closes && *used <= HTTP_MEMORY_SIZE) {
        memcpy(memory->bytes + kept, bytes + kept, *used - kept);
        memory->size = *used;
        memory->head_size = kept;
    }
    return state;
}
