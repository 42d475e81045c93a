// SPDX-License-Identifier: BSD-3-Clause
// A ring of buffers, and inboxes: see post.h.
#include "ring/post.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/die.h"
#include "ring/ring.h"

static const struct linux_version HAS_BUFFER_RINGS = {5, 19};

enum { RING_SIZE = POST_BUFFERS * sizeof(struct io_uring_buf) };
static const size_t MAPPING_SIZE = RING_SIZE + (size_t)POST_BUFFERS * POST_BUFFER_SIZE;

static char *buffer(const struct post *post, unsigned id)
{
    return post->memory + (size_t)id * POST_BUFFER_SIZE;
}

static void give_back(struct post *post, unsigned id)
{
    io_uring_buf_ring_add(post->ring, buffer(post, id), POST_BUFFER_SIZE, (unsigned short)id,
                          io_uring_buf_ring_mask(POST_BUFFERS), 0);
    io_uring_buf_ring_advance(post->ring, 1);
    post->free++;
}

void post_open_or_exit(struct post *post, struct io_uring *ring, int capacity,
                       const struct options *options)
{
    // A mapping begins a page, as the kernel wants the ring to.
    void *mapping =
        mmap(NULL, MAPPING_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)mapping,
        .ring_entries = POST_BUFFERS,
        .bgid = POST_GROUP,
    };

    post->inboxes = calloc((size_t)capacity, sizeof *post->inboxes);
    if (mapping == MAP_FAILED || post->inboxes == NULL)
        die(options->program, "cannot make buffers", errno);
    int error = io_uring_register_buf_ring(ring, &registration, 0);
    if (error != 0)
        ring_fail(options, "io_uring_register_buf_ring", -error, HAS_BUFFER_RINGS);
    post->ring = mapping;
    post->memory = (char *)mapping + RING_SIZE;
    post->starved = -1;
    io_uring_buf_ring_init(post->ring);
    for (unsigned id = 0; id < POST_BUFFERS; id++)
        give_back(post, id);
}

void post_close(struct post *post)
{
    munmap(post->ring, MAPPING_SIZE);
    free(post->inboxes);
}

void post_put(struct post *post, struct inbox *inbox, unsigned id, size_t size)
{
    post->free--;
    post->sizes[id] = (uint16_t)size;
    post->after[id] = 0;
    if (inbox->first == 0)
        inbox->first = (uint16_t)(id + 1);
    else
        post->after[inbox->last - 1] = (uint16_t)(id + 1);
    inbox->last = (uint16_t)(id + 1);
    inbox->count++;
}

static unsigned take(const struct post *post, struct inbox *inbox)
{
    unsigned id = inbox->first - 1U;

    inbox->first = post->after[id];
    inbox->count--;
    return id;
}

bool post_deliver(struct post *post, struct inbox *inbox, struct conversation *talk)
{
    size_t size = 0;
    size_t room_size;
    char *room = conversation_room(talk, &room_size);

    if (room == NULL)
        return false;
    if (inbox->first != 0) {
        unsigned id = take(post, inbox);
        // More than there is room for is a message that is too long: its first 256 bytes tell.
        size = post->sizes[id] < room_size ? post->sizes[id] : room_size;
        memcpy(room, buffer(post, id), size);
        give_back(post, id);
    }
    conversation_took(talk, size);
    return true;
}

void post_empty(struct post *post, int fd)
{
    struct inbox *inbox = &post->inboxes[fd];

    while (inbox->first != 0)
        give_back(post, take(post, inbox));
    inbox->ended = false; // whether it is in the list of the starved is another matter
}

void post_starve(struct post *post, int fd)
{
    struct inbox *inbox = &post->inboxes[fd];

    if (inbox->starved)
        return;
    inbox->starved = true;
    inbox->next_starved = post->starved;
    post->starved = fd;
}

int post_next_starved(struct post *post)
{
    int fd = post->starved;

    if (fd == -1 || post->free == 0)
        return -1;
    post->starved = post->inboxes[fd].next_starved;
    post->inboxes[fd].starved = false;
    return fd;
}
