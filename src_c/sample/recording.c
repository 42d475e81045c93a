// SPDX-License-Identifier: BSD-3-Clause
// What the sampler has seen, kept in memory of a fixed size until it is written as text.
#include "sample/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool recording_begin(struct recording *recording)
{
    // Pages that are never used are never there.
    *recording = (struct recording){
        .samples = malloc(RECORDING_SAMPLES_MOST * sizeof *recording->samples),
        .threads = malloc(RECORDING_THREADS_MOST * sizeof *recording->threads),
    };
    if (recording->samples != NULL && recording->threads != NULL)
        return true;
    recording_end(recording);
    return false;
}

void recording_end(struct recording *recording)
{
    free(recording->samples);
    free(recording->threads);
    *recording = (struct recording){0};
}

int32_t recording_add_thread(struct recording *recording, struct recorded_thread thread)
{
    if (recording->thread_count == RECORDING_THREADS_MOST) {
        recording->not_followed++;
        return -1;
    }
    recording->threads[recording->thread_count] = thread;
    return (int32_t)recording->thread_count++;
}

void recording_add(struct recording *recording, struct recorded sample)
{
    if (recording->sample_count < RECORDING_SAMPLES_MOST)
        recording->samples[recording->sample_count++] = sample;
    else if (recording->full_ns == 0)
        recording->full_ns = sample.at_ns;
}

void recording_add_lack(struct lack *lack, int error)
{
    if (lack->count++ == 0)
        lack->error = error;
}

static void write_lack(FILE *to, const char *name, const struct lack *lack)
{
    if (lack->count > 0)
        fprintf(to, "lacking %s %d %u\n", name, lack->error, lack->count);
}

static void write_head(FILE *to, const struct recording *recording)
{
    fprintf(to,
            "sampler 1\nfrom %" PRId64 "\nto %" PRId64 "\ncpu %" PRId64 "\nrounds %" PRIu64 "\n",
            recording->from_ns, recording->to_ns, recording->cpu_ns, recording->rounds);
    fprintf(to, "began %u %u\n", recording->given_out, recording->seen_to_begin);
    write_lack(to, "schedstat", &recording->schedstat);
    write_lack(to, "call", &recording->call);
    write_lack(to, "gil", &recording->gil);
    write_lack(to, "foreign", &recording->foreign);
    write_lack(to, "switches", &recording->switches);
    fprintf(to, "lost %" PRIu64 "\n", recording->lost);
    if (recording->not_followed > 0)
        fprintf(to, "lacking room 0 %u\n", recording->not_followed);
    if (recording->full_ns != 0)
        fprintf(to, "full %" PRId64 "\n", recording->full_ns);
}

// A name may hold any byte but NUL: each is written as two digits.
static void write_thread(FILE *to, size_t number, const struct recorded_thread *thread)
{
    fprintf(to, "thread %zu %d %d %" PRId64 " %" PRId64 " %" PRIu32 " %d %d ", number,
            (int)thread->pid, (int)thread->tid, thread->first_ns, thread->last_ns, thread->samples,
            thread->was_there, thread->ended);
    for (unsigned i = 0; i < sizeof thread->name && thread->name[i] != '\0'; i++)
        fprintf(to, "%02x", (unsigned)(unsigned char)thread->name[i]);
    fputs("\n", to);
}

int recording_write(const struct recording *recording, int fd)
{
    int copy = dup(fd);
    FILE *to = copy == -1 ? NULL : fdopen(copy, "w");
    if (to == NULL) {
        int error = errno;
        if (copy != -1)
            close(copy);
        return error;
    }
    write_head(to, recording);
    for (size_t i = 0; i < recording->thread_count; i++)
        write_thread(to, i, &recording->threads[i]);
    for (size_t i = 0; i < recording->sample_count; i++) {
        const struct recorded *one = &recording->samples[i];
        fprintf(to, "%u %" PRId64 " %" PRIu32 " %c %" PRIu32 " %" PRIu32 "\n",
                (unsigned)one->thread, one->at_ns, one->gap_ns, (char)one->does, one->run_ns,
                one->delay_ns);
    }
    fputs("end\n", to); // what does not end so was cut off
    bool failed = ferror(to) != 0;
    int error = failed ? EIO : 0;
    if (fclose(to) == EOF && !failed)
        error = errno;
    return error;
}
