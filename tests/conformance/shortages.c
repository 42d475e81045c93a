// SPDX-License-Identifier: BSD-3-Clause
// Preloaded into a server: makes one of its calls fail, or counts calls, as the file says which is
// named in FIBENCH_FAILING_FILE. The server's processes share it with the test: so they are told
// while the server runs, too. Only what the program and its shared libraries call of each other
// passes here; what a library calls within itself, or is linked into the program, does not.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// As shortages.py lays it out.
enum { LONGEST_NAME = 36, MOST_COUNTED = 40 };

struct count {
    uint32_t calls;
    char name[LONGEST_NAME];
};

struct orders {
    uint32_t first; // the number of the call from which on they fail; 0: none does
    uint32_t times; // so many of them
    uint32_t error;
    uint32_t calls;          // made since it was told so
    uint32_t failed;         // of them
    char name[LONGEST_NAME]; // whose; changed while none is to fail
    uint32_t counted;        // so many names, of which all calls are
    struct count counts[MOST_COUNTED];
};

static struct orders *orders;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FIBENCH_FAILING_FILE");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd == -1)
        return;
    void *shared = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        return;
    __atomic_store_n(&orders, shared, __ATOMIC_SEQ_CST);
}

static void count_call(struct orders *o, const char *name)
{
    uint32_t counted = __atomic_load_n(&o->counted, __ATOMIC_SEQ_CST); // written after the names

    for (uint32_t i = 0; i < counted; i++)
        if (strcmp(name, o->counts[i].name) == 0)
            __atomic_add_fetch(&o->counts[i].calls, 1, __ATOMIC_SEQ_CST);
}

// Whether a call of that name is to fail; then with errno set.
static bool fails(const char *name)
{
    struct orders *o = __atomic_load_n(&orders, __ATOMIC_SEQ_CST);

    if (o == NULL)
        return false;
    count_call(o, name);
    uint32_t first = __atomic_load_n(&o->first, __ATOMIC_SEQ_CST); // written after all others
    if (first == 0 || strcmp(name, o->name) != 0)
        return false;
    if (__atomic_add_fetch(&o->calls, 1, __ATOMIC_SEQ_CST) < first)
        return false;
    uint32_t failed = __atomic_load_n(&o->failed, __ATOMIC_SEQ_CST);
    do {
        if (failed >= o->times)
            return false;
    } while (!__atomic_compare_exchange_n(&o->failed, &failed, failed + 1, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    errno = (int)o->error;
    return true;
}

// Every argument of these is an integer or a pointer, and none has more than six: in the calling
// conventions of Linux they are in the same places whatever their types.
typedef long call(long, long, long, long, long, long);

#define PASS_ON(symbol, name, failure)                                                             \
    call passed_on_##symbol __asm__(#symbol);                                                      \
    long passed_on_##symbol(long a, long b, long c, long d, long e, long f)                        \
    {                                                                                              \
        static call *known;                                                                        \
        call *real = __atomic_load_n(&known, __ATOMIC_RELAXED);                                    \
        if (fails(name))                                                                           \
            return failure;                                                                        \
        if (real == NULL) {                                                                        \
            real = (call *)dlsym(RTLD_NEXT, #symbol);                                              \
            __atomic_store_n(&known, real, __ATOMIC_RELAXED);                                      \
        }                                                                                          \
        return real(a, b, c, d, e, f);                                                             \
    }

// Three conventions of telling an error: by errno and -1 or NULL, by returning it, by returning it
// negated. Where a header gives a function another name, that one counts as the same.
#define BY_ERRNO(symbol) PASS_ON(symbol, #symbol, -1)
#define BY_NULL(symbol) PASS_ON(symbol, #symbol, 0)
#define BY_RESULT(symbol) PASS_ON(symbol, #symbol, errno)
#define BY_NEGATION(symbol) PASS_ON(symbol, #symbol, -errno)

// NOLINTBEGIN(misc-use-internal-linkage): by these names the program and its libraries call them

BY_NULL(calloc)
BY_NULL(malloc)
BY_ERRNO(mmap)
PASS_ON(mmap64, "mmap", -1)

BY_ERRNO(pipe2)
BY_ERRNO(sigaction)
BY_ERRNO(sigprocmask)
BY_ERRNO(sched_getaffinity)
PASS_ON(getaddrinfo, "getaddrinfo", EAI_MEMORY)
BY_ERRNO(setrlimit)
PASS_ON(setrlimit64, "setrlimit", -1)
BY_ERRNO(socket)
BY_ERRNO(socketpair)
BY_ERRNO(setsockopt)
BY_ERRNO(bind)
BY_ERRNO(listen)
BY_ERRNO(getsockname)
BY_ERRNO(fcntl)
PASS_ON(fcntl64, "fcntl", -1)
BY_ERRNO(dprintf)
PASS_ON(__dprintf_chk, "dprintf", -1)

BY_ERRNO(fork)
BY_ERRNO(prctl)
BY_RESULT(pthread_create)
BY_RESULT(pthread_attr_init)
BY_RESULT(pthread_attr_setstacksize)
BY_RESULT(pthread_barrier_init)
BY_RESULT(pthread_cond_init)

BY_ERRNO(accept4)
BY_ERRNO(read)
BY_ERRNO(recv)
BY_ERRNO(send)
BY_ERRNO(write)
BY_ERRNO(poll)
BY_ERRNO(ppoll)
BY_ERRNO(pselect)
BY_ERRNO(epoll_create1)
BY_ERRNO(timerfd_create)
BY_ERRNO(timerfd_settime)
BY_ERRNO(eventfd)
BY_ERRNO(eventfd_read)
BY_ERRNO(eventfd_write)

BY_ERRNO(aio_read)
PASS_ON(aio_read64, "aio_read", -1)
BY_ERRNO(aio_write)
PASS_ON(aio_write64, "aio_write", -1)
BY_NEGATION(io_setup)
BY_NEGATION(io_submit)
BY_NEGATION(io_getevents)

BY_NEGATION(io_uring_register_buf_ring)
BY_NEGATION(io_uring_register_ring_fd)
BY_NEGATION(io_uring_submit)
BY_NEGATION(io_uring_submit_and_wait)
BY_NEGATION(io_uring_submit_and_wait_timeout)
BY_NEGATION(io_uring_get_events)

// epoll_ctl(2) has two names here: its own fails whatever it is asked, "EPOLL_CTL_ADD" only what
// is to be watched from now on, which is all that the kernel needs memory for.
call passed_on_control __asm__("epoll_ctl");
long passed_on_control(long epoll, long operation, long fd, long event, long e, long f)
{
    static call *known;
    call *real = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (fails("epoll_ctl") || ((int)operation == EPOLL_CTL_ADD && fails("EPOLL_CTL_ADD")))
        return -1;
    if (real == NULL) {
        real = (call *)dlsym(RTLD_NEXT, "epoll_ctl");
        __atomic_store_n(&known, real, __ATOMIC_RELAXED);
    }
    return real(epoll, operation, fd, event, e, f);
}

// syscall(2) is variadic, and epoll_pwait2(2), which the C library may not know, has one argument
// more than the others.
long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long of[6];
    va_list list;

    va_start(list, number);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        of[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_epoll_pwait2 && fails("epoll_pwait2"))
        return -1;
    if (__atomic_load_n(&real, __ATOMIC_RELAXED) == NULL)
        __atomic_store_n(&real, (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"), __ATOMIC_RELAXED);
    return real(number, of[0], of[1], of[2], of[3], of[4], of[5]);
}

// io_uring_queue_init_params(3), which can be had smaller as well: with the call's name "small
// rings" there is room for so many submissions, and completions, as the error says, so that both
// queues are soon full. A request for the newest of its ways of working is denied then, since with
// it the kernel completes no more at once than there is room for.
call passed_on_init __asm__("io_uring_queue_init_params");
long passed_on_init(long entries, long ring, long parameters, long d, long e, long f)
{
    call *real = (call *)dlsym(RTLD_NEXT, "io_uring_queue_init_params");
    // struct io_uring_params begins with sq_entries, cq_entries, flags.
    // NOLINTNEXTLINE(performance-no-int-to-ptr): whatever their types, arguments are long here
    uint32_t *words = (uint32_t *)parameters;
    const uint32_t DEFER_TASKRUN = 1U << 13;

    if (fails("io_uring_queue_init_params"))
        return -errno;
    if (fails("small rings")) {
        entries = words[1] = (uint32_t)errno;
        if ((words[2] & DEFER_TASKRUN) != 0)
            return -EINVAL;
    }
    return real(entries, ring, parameters, d, e, f);
}

// NOLINTEND(misc-use-internal-linkage)
