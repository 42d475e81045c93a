// SPDX-License-Identifier: BSD-3-Clause
// A file that the command writes without end, of which the beginning and the end are kept.
//
// The command has the file itself, not a pipe: a write costs it what it would cost without us, and
// whatever happens to us, what it wrote is there. The middle is a hole in the meantime.
#include "supervise/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LEAST_FREED = 1 << 20, // bytes: less is not worth a call
    LONGEST_LINE = 64,
};

// The size of the file; -1 when it is none.
static off_t size_of(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? about.st_size : -1;
}

bool ends_begin(struct ends *ends, int fd, size_t keep)
{
    *ends = (struct ends){.fd = fd, .keep = keep, .freed = (off_t)keep, .freeing = true};
    int mode = fcntl(fd, F_GETFL);
    if (keep == 0 || size_of(fd) == -1 || mode == -1 || (mode & O_ACCMODE) != O_RDWR) {
        ends->keep = 0;
        return true;
    }
    ends->tail = malloc(LONGEST_LINE + keep);
    return ends->tail != NULL;
}

void ends_free_middle(struct ends *ends)
{
    if (ends->keep == 0 || !ends->freeing)
        return;
    off_t length = size_of(ends->fd) - (off_t)ends->keep - ends->freed;
    if (length < LEAST_FREED)
        return;
    // The kernel frees whole blocks, and writes zeros into parts of them.
    if (fallocate(ends->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, ends->freed, length) == 0)
        ends->freed += length;
    else if (errno != EINTR)
        ends->freeing = false; // the file grows, and is cut at its end
}

// Reads the last bytes of a file; false when they cannot be read.
static bool read_tail(const struct ends *ends, off_t size, char *to)
{
    for (size_t got = 0; got < ends->keep;) {
        off_t at = size - (off_t)ends->keep + (off_t)got;
        ssize_t now = pread(ends->fd, to + got, ends->keep - got, at);
        if (now == -1 && errno == EINTR)
            continue;
        if (now <= 0)
            return false;
        got += (size_t)now;
    }
    return true;
}

// Writes after the first bytes; false when it cannot.
static bool write_after_head(const struct ends *ends, const char *from, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t now = pwrite(ends->fd, from + done, length - done, (off_t)(ends->keep + done));
        if (now == -1 && errno == EINTR)
            continue;
        if (now <= 0)
            return false;
        done += (size_t)now;
    }
    return true;
}

void ends_finish(struct ends *ends)
{
    off_t size = ends->keep == 0 ? -1 : size_of(ends->fd);
    off_t left_out = size - 2 * (off_t)ends->keep;
    if (size != -1 && left_out > LONGEST_LINE) {
        int line = snprintf(ends->tail, LONGEST_LINE, "\n… %" PRIdMAX " bytes left out …\n",
                            (intmax_t)left_out);
        size_t length = (size_t)line + ends->keep;
        // The end is written into the middle first: at no moment is it nowhere.
        if (line > 0 && read_tail(ends, size, ends->tail + line) &&
            write_after_head(ends, ends->tail, length) &&
            ftruncate(ends->fd, (off_t)(ends->keep + length)) == 0)
            lseek(ends->fd, 0, SEEK_END); // for our own words
    }
    free(ends->tail);
    ends->tail = NULL;
    ends->keep = 0;
}
