// SPDX-License-Identifier: BSD-3-Clause
// Whether a futex that a process waits for is the GIL of its Python interpreter.
#include "sample/gil.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "sample/elf_symbol.h"

enum {
    FILES_KEPT = 16,
    FIRST_PAUSE_NS = 10 * NS_PER_MS,
    LONGEST_PAUSE_NS = NS_PER_S,
    LONGEST_STATE = 64 << 20,
};

// A program or library that has been looked into.
struct gil_files {
    unsigned count;
    struct {
        dev_t device;
        ino_t inode;
        enum elf_outcome outcome;
        struct elf_symbol symbol;
    } files[FILES_KEPT];
};

struct gil_files *gil_begin(void) { return calloc(1, sizeof(struct gil_files)); }

void gil_end(struct gil_files *files) { free(files); }

bool gil_holds(const struct gil *gil, uint64_t address)
{
    for (unsigned i = 0; i < gil->count; i++) {
        if (address >= gil->states[i].begin && address < gil->states[i].end)
            return true;
    }
    return false;
}

// Looks for the runtime in a file; of the last ones what was found is kept.
static enum elf_outcome look_into(struct gil_files *known, int fd, struct elf_symbol *symbol)
{
    struct stat about;
    // What is no regular file might make us wait.
    if (fstat(fd, &about) == -1 || !S_ISREG(about.st_mode))
        return ELF_NOT_THERE;
    for (unsigned i = 0; i < known->count && i < FILES_KEPT; i++) {
        if (known->files[i].device == about.st_dev && known->files[i].inode == about.st_ino) {
            *symbol = known->files[i].symbol;
            return known->files[i].outcome;
        }
    }
    enum elf_outcome outcome = elf_find_symbol(fd, "_PyRuntime", symbol);
    unsigned place = known->count++ % FILES_KEPT;
    known->files[place].device = about.st_dev;
    known->files[place].inode = about.st_ino;
    known->files[place].outcome = outcome;
    known->files[place].symbol = *symbol;
    return outcome;
}

static void add_state(struct gil *gil, uint64_t begin, uint64_t size)
{
    if (gil->count == GIL_STATES_MOST || size == 0 || size > LONGEST_STATE || begin + size < begin)
        return;
    gil->states[gil->count].begin = begin;
    gil->states[gil->count].end = begin + size;
    gil->count++;
}

// The head of _PyRuntime since Python 3.13, of 64-bit words:
// Include/internal/pycore_debug_offsets.h.
enum {
    COOKIE,
    VERSION,
    FREE_THREADED,
    RUNTIME_SIZE,
    FINALIZING,
    INTERPRETERS,
    SIZE,
    ID,
    NEXT,
    WORDS
};

static bool read_memory(int memory, uint64_t address, void *to, size_t size)
{
    return address <= INT64_MAX && pread(memory, to, size, (off_t)address) == (ssize_t)size;
}

// Adds the states of interpreters other than the main one, which is in the runtime itself.
static void add_interpreters(struct gil *gil, pid_t pid, uint64_t runtime)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    if (memory == -1)
        return;
    uint64_t words[WORDS], interpreter = 0;
    if (read_memory(memory, runtime, words, sizeof words) &&
        memcmp(&words[COOKIE], "xdebugpy", sizeof words[COOKIE]) == 0 &&
        read_memory(memory, runtime + words[INTERPRETERS], &interpreter, sizeof interpreter)) {
        // The list changes while it is read: no step is taken for granted, and they are counted.
        for (unsigned i = 0; interpreter != 0 && i < GIL_STATES_MOST; i++) {
            if (!gil_holds(gil, interpreter))
                add_state(gil, interpreter, words[SIZE]);
            if (!read_memory(memory, interpreter + words[NEXT], &interpreter, sizeof interpreter))
                break;
        }
    }
    close(memory);
}

// A process that is looked at.
struct looked {
    struct gil_files *files;
    struct gil *gil;
    pid_t pid;
    char program[PATH_MAX]; // what it runs, as its mappings name it
};

// Opens a file that is mapped; the program itself also where it has been deleted. A name is as we
// see it, where we can, or else as the process does, in a container.
static int open_mapped(const struct looked *looked, const char *name)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)looked->pid);
    if (strcmp(name, looked->program) == 0)
        return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)looked->pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd == -1 ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : fd;
}

// Looks into a file that is mapped from its first byte on at an address.
static void look_at_mapping(const struct looked *looked, uint64_t address, const char *name)
{
    static const char LIBRARY[] = "libpython";
    struct gil *gil = looked->gil;
    const char *base = strrchr(name, '/');
    bool is_program = strcmp(name, looked->program) == 0;
    if (gil->kind == GIL_KNOWN || base == NULL ||
        (!is_program && strncmp(base + 1, LIBRARY, sizeof LIBRARY - 1) != 0))
        return;
    int fd = open_mapped(looked, name);
    if (fd == -1) {
        gil->error = errno;
        return;
    }
    struct elf_symbol symbol = {0};
    enum elf_outcome outcome = look_into(looked->files, fd, &symbol);
    close(fd);
    if (outcome == ELF_FOREIGN && is_program)
        gil->kind = GIL_FOREIGN;
    if (outcome != ELF_FOUND)
        return;
    gil->kind = GIL_KNOWN;
    uint64_t runtime = address - symbol.first + symbol.value;
    add_state(gil, runtime, symbol.size);
    add_interpreters(gil, looked->pid, runtime);
}

// Reads "BEGIN-END PERMISSIONS OFFSET DEVICE INODE NAME", the name of a file that is mapped from
// its first byte on: proc_pid_maps(5). NULL where it is another line.
static const char *read_mapping(char *line, uint64_t *begin)
{
    enum { RANGE, PERMISSIONS, OFFSET, DEVICE, INODE, FIELDS };
    const char *fields[FIELDS];
    char *at = line;
    for (unsigned i = 0; i < FIELDS; i++) {
        char *end = strchr(at, ' ');
        if (end == NULL)
            return NULL;
        *end = '\0';
        fields[i] = at;
        at = end + 1;
    }
    while (*at == ' ')
        at++;
    char *end = strchr(at, '\n');
    if (end != NULL)
        *end = '\0';
    *begin = strtoull(fields[RANGE], NULL, 16);
    return *at == '/' && strtoull(fields[OFFSET], NULL, 16) == 0 ? at : NULL;
}

static void look_at_mappings(const struct looked *looked, FILE *maps)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, maps) > 0) {
        uint64_t begin;
        const char *name = read_mapping(line, &begin);
        if (name != NULL)
            look_at_mapping(looked, begin, name);
    }
    free(line);
}

void gil_look(struct gil_files *files, struct gil *gil, pid_t pid, int64_t now_ns)
{
    if (gil->kind == GIL_FOREIGN || (gil->kind != GIL_NOT_LOOKED && now_ns < gil->again_ns))
        return;
    gil->pause_ns = gil->pause_ns == 0 ? FIRST_PAUSE_NS : 2 * gil->pause_ns;
    if (gil->pause_ns > LONGEST_PAUSE_NS)
        gil->pause_ns = LONGEST_PAUSE_NS;
    gil->again_ns = now_ns + gil->pause_ns;
    gil->kind = GIL_NONE;
    gil->count = 0;
    gil->error = 0;

    struct looked looked = {.files = files, .gil = gil, .pid = pid};
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(path, looked.program, sizeof looked.program - 1);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = length == -1 ? NULL : fopen(path, "re");
    if (maps == NULL) {
        gil->kind = GIL_UNKNOWN;
        gil->error = errno;
        return;
    }
    looked.program[length] = '\0';
    look_at_mappings(&looked, maps);
    fclose(maps);
    if (gil->kind == GIL_NONE && gil->error != 0)
        gil->kind = GIL_UNKNOWN;
}
