// SPDX-License-Identifier: BSD-3-Clause
// A recording has its bounds: what is beyond is counted, and what was kept is written whole or not.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/test.h"
#include "sample/recording.h"

enum { BEYOND = 3, TEXT_ROOM = 1024 };

static void test_what_there_is_no_room_for_is_counted(void)
{
    struct recording recording;
    CHECK(recording_begin(&recording));
    for (int64_t at_ns = 1; at_ns <= RECORDING_SAMPLES_MOST + BEYOND; at_ns++)
        recording_add(&recording, (struct recorded){.at_ns = at_ns, .does = DOES_RUN});
    CHECK_NUMBER(recording.sample_count, RECORDING_SAMPLES_MOST);
    CHECK_NUMBER(recording.full_ns, RECORDING_SAMPLES_MOST + 1); // the first that is lacking
    for (int32_t i = 0; i < RECORDING_THREADS_MOST; i++)
        CHECK_NUMBER(recording_add_thread(&recording, (struct recorded_thread){.tid = i}), i);
    for (int i = 0; i < BEYOND; i++)
        CHECK_NUMBER(recording_add_thread(&recording, (struct recorded_thread){0}), -1);
    CHECK_NUMBER(recording.not_followed, BEYOND);
    recording_end(&recording);
}

static void test_it_is_written_as_text(void)
{
    struct recording recording;
    CHECK(recording_begin(&recording));
    recording.from_ns = 10;
    recording.to_ns = 90;
    recording_add_lack(&recording.call, EPERM);
    recording_add_lack(&recording.call, EIO);
    recording_add_thread(&recording, (struct recorded_thread){.pid = 7,
                                                              .tid = 8,
                                                              .first_ns = 11,
                                                              .last_ns = 89,
                                                              .samples = 6,
                                                              .was_there = true,
                                                              .name = "a\n\xff"});
    recording_add(
        &recording,
        (struct recorded){
            .at_ns = 20, .gap_ns = 5, .does = DOES_GIL, .run_ns = 3, .delay_ns = UINT32_MAX});
    int fd = memfd_create("test", MFD_CLOEXEC);
    char text[TEXT_ROOM] = "";
    CHECK_NUMBER(recording_write(&recording, fd), 0);
    CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
    CHECK_TEXT(text, "sampler 1\nfrom 10\nto 90\ncpu 0\nrounds 0\nbegan 0 0\nlacking call 1 2\n"
                     "lost 0\nthread 0 7 8 11 89 6 1 0 610aff\n0 20 5 g 3 4294967295\nend\n");
    close(fd);
    recording_end(&recording);
}

static void test_that_it_could_not_be_written_is_told(void)
{
    struct recording recording;
    CHECK(recording_begin(&recording));
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CHECK(recording_write(&recording, full) != 0);
    CHECK_NUMBER(recording_write(&recording, -1), EBADF);
    close(full);
    recording_end(&recording);
}

int main(void)
{
    test_what_there_is_no_room_for_is_counted();
    test_it_is_written_as_text();
    test_that_it_could_not_be_written_is_told();
    return test_result();
}
