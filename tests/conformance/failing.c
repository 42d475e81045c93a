// SPDX-License-Identifier: BSD-3-Clause
// Preloaded into a server, it has one call fail that a test names: the next one, or that after it ...
// How many are still to be left alone is in a file that all processes of the server share, and the
// test, which so arms it while the server runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct fault {
    char name[24];       // of the call
    _Atomic int passing; // calls that are left alone, then one fails; below 0: none does
    int error;           // what it fails with
};

static struct fault *fault;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("FIBENCH_FAULT");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd == -1) {
        return;
    }
    void *shared = mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    fault = shared == MAP_FAILED ? NULL : shared;
}

static int fails(const char *name)
{
    if (fault == NULL || atomic_load(&fault->passing) < 0 || strcmp(fault->name, name) != 0) {
        return 0;
    }
    if (atomic_fetch_sub(&fault->passing, 1) != 0) {
        return 0;
    }
    errno = fault->error;
    return 1;
}

// The next definition of the same name, which is the C library's.
#define CALL(result, name, parameters, ...)                                    \
    result name parameters                                                     \
    {                                                                          \
        static result(*_Atomic real) parameters;                               \
        if (real == NULL) {                                                    \
            void *found = dlsym(RTLD_NEXT, #name);                             \
            result(*function) parameters;                                      \
            memcpy(&function, &found, sizeof function);                        \
            real = function;                                                   \
        }                                                                      \
        return fails(#name) ? (result)-1 : real(__VA_ARGS__);                  \
    }

CALL(int, accept4, (int fd, struct sockaddr *at, socklen_t *size, int flags), fd, at, size, flags)
CALL(ssize_t, recv, (int fd, void *to, size_t size, int flags), fd, to, size, flags)
CALL(ssize_t, send, (int fd, const void *from, size_t size, int flags), fd, from, size, flags)
CALL(ssize_t, read, (int fd, void *to, size_t size), fd, to, size)
CALL(ssize_t, write, (int fd, const void *from, size_t size), fd, from, size)
CALL(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size), fd, level, name, value, size)
CALL(int, socketpair, (int domain, int type, int protocol, int fds[2]), domain, type, protocol, fds)
CALL(int, pipe, (int fds[2]), fds)
CALL(int, pipe2, (int fds[2], int flags), fds, flags)
CALL(int, epoll_create1, (int flags), flags)
CALL(pid_t, fork, (void), )

// The kernel needs memory to watch something, and none to watch it otherwise or no more.
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    static int (*_Atomic real)(int, int, int, struct epoll_event *);
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "epoll_ctl");
        int (*function)(int, int, int, struct epoll_event *);
        memcpy(&function, &found, sizeof function);
        real = function;
    }
    return operation == EPOLL_CTL_ADD && fails("epoll_ctl") ? -1 : real(epoll, operation, fd, event);
}

// It returns its error.
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with)
{
    static int (*_Atomic real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");
        int (*function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
        memcpy(&function, &found, sizeof function);
        real = function;
    }
    return fails("pthread_create") ? fault->error : real(thread, how, run, with);
}
