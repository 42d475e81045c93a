// SPDX-License-Identifier: BSD-3-Clause
// The replies as they came, for the null server to repeat.
#include "load/check/repeating.h"

static void write_step(FILE *file, const char *word, size_t in, struct text out)
{
    fprintf(file, "%s %zu %zu\n", word, in, out.size);
    if (out.size > 0)
        fwrite(out.bytes, 1, out.size, file);
    putc('\n', file);
}

static void write_reply(FILE *file, const struct asked *asked)
{
    const struct ask *ask = asked->ask;
    const struct kept *kept = &asked->kept;
    size_t in = 0;
    size_t at = 0;

    fprintf(file, "request %s\n", ask->name);
    for (size_t i = 0; i < ask->opening_count; i++) {
        in += ask->openings[i].send.size;
        if (ask->openings[i].expects == EXPECT_NOTHING)
            continue;
        write_step(file, "opening", in, (struct text){kept->bytes + at, asked->step_ends[i] - at});
        in = 0;
        at = asked->step_ends[i];
    }
    if (in > 0) // that nothing answers
        write_step(file, "opening", in, (struct text){"", 0});
    write_step(file, "reply", ask->send.size,
               (struct text){kept->bytes + asked->reply_at, kept->size - asked->reply_at});
    if (asked->reply.closes)
        fputs("close\n", file);
    fputs("end\n", file);
}

bool repeating_write(const struct checked *all, size_t count, const char *path)
{
    FILE *file = fopen(path, "wbe");

    if (file == NULL)
        return false;
    fputs("fibload-replies 1\n", file);
    for (size_t i = 0; i < count; i++) {
        if (!all[i].asked[0].kept.lost)
            write_reply(file, &all[i].asked[0]);
    }
    bool written = fflush(file) == 0 && ferror(file) == 0;
    return fclose(file) == 0 && written;
}
