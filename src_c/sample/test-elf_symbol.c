// SPDX-License-Identifier: BSD-3-Clause
// A symbol of this program is found where it is; of a file of any other bytes nothing is believed.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/test.h"
#include "sample/elf_symbol.h"

enum { MARK_SIZE = 1234, ROUNDS = 300 };

extern char test_mark[MARK_SIZE], test_other[MARK_SIZE];
char test_mark[MARK_SIZE], test_other[MARK_SIZE];

static void test_a_symbol_has_its_size_and_place(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct elf_symbol mark = {0}, other = {0};
    CHECK_NUMBER(elf_find_symbol(fd, "test_mark", &mark), ELF_FOUND);
    CHECK_NUMBER(elf_find_symbol(fd, "test_other", &other), ELF_FOUND);
    CHECK(mark.size >= MARK_SIZE); // more where a sanitizer guards it
    CHECK_NUMBER((int64_t)(mark.value - other.value),
                 (int64_t)((uintptr_t)test_mark - (uintptr_t)test_other));
    close(fd);
}

static void test_what_is_not_there_is_not_found(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct elf_symbol symbol;
    CHECK_NUMBER(elf_find_symbol(fd, "test_mar", &symbol), ELF_NOT_THERE);
    CHECK_NUMBER(elf_find_symbol(fd, "test_mark2", &symbol), ELF_NOT_THERE);
    close(fd);
}

// A file in memory of so many bytes of another one; -1 when it cannot be had.
static int copy_of(int fd, size_t size, unsigned char **bytes)
{
    int copy = memfd_create("test", MFD_CLOEXEC);
    *bytes = malloc(size);
    if (copy == -1 || *bytes == NULL || pread(fd, *bytes, size, 0) != (ssize_t)size)
        return -1;
    return copy;
}

static void test_a_file_of_other_bytes_is_refused_or_read_within_its_bounds(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat about;
    struct elf_symbol symbol;
    unsigned char *bytes = NULL;
    if (fd == -1 || fstat(fd, &about) == -1) {
        CHECK(false);
        return;
    }
    size_t size = (size_t)about.st_size;
    int copy = copy_of(fd, size, &bytes);
    CHECK(copy != -1);
    unsigned random = 1;
    for (unsigned round = 0; copy != -1 && round < ROUNDS; round++) {
        // The header and the table of sections, which is at the end, say where everything is.
        random = random * 1103515245 + 12345;
        size_t at = random % 2 == 0 ? (random >> 8) % 64 : size - 1 - (random >> 8) % 4000;
        size_t length = random % 5 == 0 ? (random >> 8) % size : size;
        unsigned char kept = bytes[at];
        bytes[at] = (unsigned char)(random >> 16);
        CHECK_NUMBER(ftruncate(copy, 0), 0);
        CHECK_NUMBER(pwrite(copy, bytes, length, 0), (int64_t)length);
        elf_find_symbol(copy, "test_mark", &symbol);
        bytes[at] = kept;
    }
    free(bytes);
    close(copy);
    close(fd);
}

static void test_what_is_no_program_is_foreign(void)
{
    struct elf_symbol symbol;
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK_NUMBER(elf_find_symbol(nothing, "x", &symbol), ELF_FOREIGN);
    CHECK_NUMBER(elf_find_symbol(-1, "x", &symbol), ELF_FOREIGN);
    close(nothing);
}

int main(void)
{
    test_mark[0] = test_other[0] = 1; // so that both are there
    test_a_symbol_has_its_size_and_place();
    test_what_is_not_there_is_not_found();
    test_a_file_of_other_bytes_is_refused_or_read_within_its_bounds();
    test_what_is_no_program_is_foreign();
    return test_result();
}
