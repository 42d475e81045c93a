// SPDX-License-Identifier: BSD-3-Clause
// What is seen of the threads of a /proc that the test makes: files may lack, and not be readable.
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/test.h"
#include "sample/calls.h"
#include "sample/look.h"

enum {
    SELF = 1,
    SERVER = 2000000001, // numbers that no process of the system has
    CHILD = SERVER + 1,
    STRANGER = SERVER + 2,
};

static const char WAITS[] = "45 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f1b\n"; // any call
static const char USED[] = "5000 700 3\n";

struct stage {
    char proc[32];
    struct recording recording;
    struct tree tree;
    struct gil_files *files;
};

// Writes a file below the folder, and the folders that it is in.
__attribute__((format(printf, 2, 4))) static void put(const struct stage *stage, const char *name,
                                                      const char *text, ...)
{
    char path[200], filled[160];
    va_list list;
    va_start(list, text);
    vsnprintf(filled, sizeof filled, name, list);
    va_end(list);
    snprintf(path, sizeof path, "%s/%s", stage->proc, filled);
    for (char *at = path + strlen(stage->proc) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_NUMBER(write(fd, text, strlen(text)), (int64_t)strlen(text));
    close(fd);
}

static void put_number(const struct stage *stage, int last)
{
    char text[64];
    snprintf(text, sizeof text, "0.1 0.1 0.1 1/9 %d\n", last);
    put(stage, "loadavg", text);
}

static void put_thread(const struct stage *stage, int pid, int tid, int parent)
{
    char text[128];
    snprintf(text, sizeof text, "%d (a) (b) S %d 0\n", tid, parent);
    put(stage, "%d/stat", text, tid);
    put(stage, "%d/task/%d/stat", text, pid, tid);
    put(stage, "%d/task/%d/comm", "a\nb\n", pid, tid);
    put(stage, "%d/task/%d/schedstat", USED, pid, tid);
    put(stage, "%d/task/%d/syscall", WAITS, pid, tid);
    snprintf(text, sizeof text, "Name:\ta\nTgid:\t%d\nPid:\t%d\n", pid, tid);
    put(stage, "%d/status", text, tid);
}

// A system in which we have started a server of one thread.
static void set_up(struct stage *stage)
{
    snprintf(stage->proc, sizeof stage->proc, "/tmp/test-look-XXXXXX");
    CHECK(mkdtemp(stage->proc) != NULL);
    put(stage, "self/schedstat", USED);
    put(stage, "self/syscall", "running\n");
    put_thread(stage, SELF, SELF, 0);
    put_thread(stage, SERVER, SERVER, SELF);
    put_number(stage, SERVER);
    CHECK(recording_begin(&stage->recording));
    stage->files = gil_begin();
}

static void begin(struct stage *stage)
{
    CHECK(tree_begin(&stage->tree, &stage->recording, stage->proc, SELF));
    CHECK_NUMBER(stage->tree.living_count, 1);
    stage->recording.from_ns = 1;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static void tear_down(struct stage *stage)
{
    tree_end(&stage->tree);
    recording_end(&stage->recording);
    gil_end(stage->files);
    CHECK_NUMBER(nftw(stage->proc, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static bool look(struct stage *stage) { return look_at_task(&stage->tree, stage->files, 0); }

static const struct recorded *last(const struct stage *stage)
{
    return &stage->recording.samples[stage->recording.sample_count - 1];
}

static void test_changes_are_kept_and_nothing_else(void)
{
    struct stage stage;
    set_up(&stage);
    begin(&stage);
    CHECK(look(&stage));
    CHECK_NUMBER(stage.recording.sample_count, 1);
    CHECK_TEXT(stage.recording.threads[0].name, "a");
    for (int i = 0; i < 20; i++)
        CHECK(look(&stage));
    CHECK_NUMBER(stage.recording.sample_count, 1);
    CHECK_NUMBER(stage.recording.threads[0].samples, 21);
    put(&stage, "%d/task/%d/schedstat", "6000 900 4\n", SERVER, SERVER);
    put(&stage, "%d/task/%d/syscall", "running\n", SERVER, SERVER);
    CHECK(look(&stage));
    CHECK_NUMBER(stage.recording.sample_count, 2);
    CHECK_NUMBER(last(&stage)->does, DOES_RUN);
    CHECK_NUMBER(last(&stage)->run_ns, 1000);
    CHECK_NUMBER(last(&stage)->delay_ns, 200);
    tear_down(&stage);
}

static void test_who_waited_and_has_had_no_cpu_is_asked_now_and_then_whether_it_still_does(void)
{
    struct stage stage;
    set_up(&stage);
    begin(&stage);
    CHECK(look(&stage));
    put(&stage, "%d/task/%d/syscall", "running\n", SERVER, SERVER);
    int looks = 0;
    while (stage.recording.sample_count == 1 && looks++ < 20)
        CHECK(look(&stage));
    CHECK_NUMBER(looks, 8);
    CHECK_NUMBER(last(&stage)->does, DOES_RUN);
    tear_down(&stage);
}

static void test_a_kernel_without_schedstat_or_calls_is_noted(void)
{
    struct stage stage;
    set_up(&stage);
    char path[64];
    snprintf(path, sizeof path, "%s/self/schedstat", stage.proc);
    CHECK_NUMBER(remove(path), 0);
    snprintf(path, sizeof path, "%s/self/syscall", stage.proc);
    CHECK_NUMBER(remove(path), 0);
    begin(&stage);
    CHECK(look(&stage));
    CHECK(look(&stage));
    CHECK_NUMBER(stage.recording.schedstat.error, ENOSYS);
    CHECK_NUMBER(stage.recording.schedstat.count, 1);
    CHECK_NUMBER(stage.recording.call.error, ENOSYS);
    CHECK_NUMBER(last(&stage)->does, DOES_UNKNOWN);
    put(&stage, "%d/task/%d/stat", "1 (x) R 1\n", SERVER, SERVER);
    CHECK(look(&stage));
    CHECK_NUMBER(last(&stage)->does, DOES_RUN);
    put(&stage, "%d/task/%d/stat", "1 (x) Z 1\n", SERVER, SERVER);
    CHECK(!look(&stage));
    tear_down(&stage);
}

static void test_a_kernel_that_says_0_of_everybody_tells_nothing(void)
{
    struct stage stage;
    set_up(&stage);
    put(&stage, "self/schedstat", "0 0 0\n");
    begin(&stage);
    CHECK(look(&stage));
    CHECK_NUMBER(stage.recording.schedstat.error, ENOSYS);
    tear_down(&stage);
}

static void test_what_may_not_be_read_is_noted_once_of_each_thread(void)
{
    struct stage stage;
    set_up(&stage);
    char path[96];
    snprintf(path, sizeof path, "%s/%d/task/%d/syscall", stage.proc, SERVER, SERVER);
    CHECK_NUMBER(remove(path), 0);
    CHECK_NUMBER(mkdir(path, 0700), 0); // opens, and cannot be read, whoever we are
    begin(&stage);
    CHECK(look(&stage));
    CHECK(look(&stage));
    CHECK_NUMBER(stage.recording.call.error, EISDIR);
    CHECK_NUMBER(stage.recording.call.count, 1);
    CHECK_NUMBER(last(&stage)->does, DOES_UNKNOWN);
    tear_down(&stage);
}

static void test_a_futex_of_a_process_that_tells_nothing_of_itself_is_not_named(void)
{
    struct stage stage;
    set_up(&stage);
    char line[80];
    struct call futex = {0};
    for (futex.number = 0; calls_wait(&futex) != WAIT_FUTEX; futex.number++)
        CHECK(futex.number < 1000);
    snprintf(line, sizeof line, "%ld 0x7f00 0x0\n", futex.number);
    put(&stage, "%d/task/%d/syscall", line, SERVER, SERVER);
    begin(&stage);
    CHECK(look(&stage));
    CHECK_NUMBER(last(&stage)->does, DOES_FUTEX);
    CHECK_NUMBER(stage.recording.gil.count, 1);
    tear_down(&stage);
}

static void test_a_zombie_and_what_is_gone_have_ended(void)
{
    struct stage stage;
    set_up(&stage);
    begin(&stage);
    CHECK(look(&stage));
    put(&stage, "%d/task/%d/syscall", "-1 0x0 0x0\n", SERVER, SERVER);
    put(&stage, "%d/task/%d/schedstat", "6000 900 4\n", SERVER, SERVER);
    CHECK(!look(&stage));
    tree_forget(&stage.tree, 0);
    CHECK_NUMBER(stage.tree.living_count, 0);
    CHECK(stage.recording.threads[0].ended);
    tear_down(&stage);
}

static void test_who_begins_is_found_by_its_number_and_strangers_are_not(void)
{
    struct stage stage;
    set_up(&stage);
    begin(&stage);
    tree_find(&stage.tree);
    CHECK(!tree_has_news(&stage.tree));
    put_thread(&stage, CHILD, CHILD, SERVER);
    put_thread(&stage, STRANGER, STRANGER, SELF + 1);
    put_thread(&stage, SERVER, STRANGER + 1, SELF); // a thread of the server's
    put_number(&stage, STRANGER + 1);
    CHECK(tree_has_news(&stage.tree));
    tree_find(&stage.tree);
    CHECK_NUMBER(stage.tree.living_count, 3);
    CHECK_NUMBER(stage.recording.given_out, 3);
    CHECK_NUMBER(stage.recording.seen_to_begin, 2);
    CHECK_NUMBER(stage.recording.threads[1].pid, CHILD);
    CHECK_NUMBER(stage.recording.threads[2].pid, SERVER);
    CHECK_NUMBER(stage.recording.threads[2].tid, STRANGER + 1);
    CHECK(!stage.recording.threads[2].was_there);
    tear_down(&stage);
}

static void test_a_number_that_was_given_out_before_its_process_was_there_is_looked_at_again(void)
{
    struct stage stage;
    set_up(&stage);
    begin(&stage);
    put_number(&stage, CHILD);
    tree_find(&stage.tree);
    CHECK_NUMBER(stage.tree.living_count, 1);
    put_thread(&stage, CHILD, CHILD, SERVER);
    CHECK(tree_has_news(&stage.tree));
    tree_find(&stage.tree);
    CHECK_NUMBER(stage.tree.living_count, 2);
    tear_down(&stage);
}

static void test_where_numbers_are_not_told_all_of_proc_is_looked_through(void)
{
    struct stage stage;
    set_up(&stage);
    char path[64];
    snprintf(path, sizeof path, "%s/loadavg", stage.proc);
    CHECK_NUMBER(remove(path), 0);
    begin(&stage);
    put_thread(&stage, CHILD, CHILD, SERVER);
    put_thread(&stage, STRANGER, STRANGER, SELF + 1);
    CHECK(tree_has_news(&stage.tree));
    tree_find(&stage.tree);
    CHECK_NUMBER(stage.tree.living_count, 2);
    tear_down(&stage);
}

int main(void)
{
    test_changes_are_kept_and_nothing_else();
    test_who_waited_and_has_had_no_cpu_is_asked_now_and_then_whether_it_still_does();
    test_a_kernel_without_schedstat_or_calls_is_noted();
    test_a_kernel_that_says_0_of_everybody_tells_nothing();
    test_what_may_not_be_read_is_noted_once_of_each_thread();
    test_a_futex_of_a_process_that_tells_nothing_of_itself_is_not_named();
    test_a_zombie_and_what_is_gone_have_ended();
    test_who_begins_is_found_by_its_number_and_strangers_are_not();
    test_a_number_that_was_given_out_before_its_process_was_there_is_looked_at_again();
    test_where_numbers_are_not_told_all_of_proc_is_looked_through();
    return test_result();
}
