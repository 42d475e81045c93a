// SPDX-License-Identifier: BSD-3-Clause
// One connection's talk without its socket: see conversation.h.
#include "serve/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "core/work.h"
#include "serve/verbose.h"

// From here on a computation takes long enough that finished replies should not wait for it.
enum { LONG_N = 21 };

void conversation_begin(struct conversation *talk, struct desks *desks, int fd)
{
    unsigned long_n = desks->options->work.units > 0 ? 0 : LONG_N;

    *talk = (struct conversation){.desks = desks, .fd = fd, .long_n = long_n};
    if (desks->options->verbose)
        verbose_connection(desks->options, fd);
}

static struct desk *take_desk(struct desks *desks)
{
    struct desk *desk = desks->free;

    if (desk == NULL)
        desk = malloc(sizeof *desk);
    else
        desks->free = desk->next;
    if (desk != NULL)
        desk->in_at = desk->in_used = desk->out_at = desk->out_used = 0;
    return desk;
}

void conversation_end(struct conversation *talk)
{
    if (talk->desk == NULL)
        return;
    talk->desk->next = talk->desks->free;
    talk->desks->free = talk->desk;
    talk->desk = NULL;
}

void desks_free(struct desks *desks)
{
    while (desks->free != NULL) {
        struct desk *desk = desks->free;
        desks->free = desk->next;
        free(desk);
    }
}

char *conversation_room(struct conversation *talk, size_t *size)
{
    if (talk->desk == NULL)
        talk->desk = take_desk(talk->desks);
    struct desk *desk = talk->desk;
    if (desk == NULL)
        return NULL;
    if (desk->in_at > 0) { // a fragment is left, which is shorter than a request may be
        desk->in_used -= desk->in_at;
        memmove(desk->in, desk->in + desk->in_at, desk->in_used);
        desk->in_at = 0;
    }
    *size = talk->desks->options->framing == FRAMING_MESSAGE ? PROTOCOL_MESSAGE_READ
                                                             : sizeof desk->in - desk->in_used;
    return desk->in + desk->in_used;
}

void conversation_took(struct conversation *talk, size_t size)
{
    talk->desk->in_used += size;
    if (size == 0 || talk->desks->options->framing == FRAMING_MESSAGE)
        talk->ended = true;
}

// How many of the bytes that came are the next request; 0: none of them, and *taken stays. A line's
// newline is taken with it.
static bool find_request(struct conversation *talk, size_t *length, size_t *taken)
{
    const struct desk *desk = talk->desk;
    size_t left = desk->in_used - desk->in_at;

    *length = *taken = left;
    if (talk->desks->options->framing == FRAMING_MESSAGE)
        return left > 0;
    switch (protocol_next_line(desk->in + desk->in_at, left, length)) {
    case FRAME_LINE:
        *taken = *length + 1;
        return true;
    case FRAME_TOO_LONG: // and there is no telling where the next one begins
        *length = PROTOCOL_REQUEST_MAX + 1;
        talk->ended = true;
        return true;
    default: // what is left at the end is a last request
        return talk->ended && left > 0;
    }
}

static void take_request(struct conversation *talk)
{
    struct desk *desk = talk->desk;
    size_t length;
    size_t taken;

    if (desk == NULL || !find_request(talk, &length, &taken))
        return;
    talk->request = talk->desks->fixed ? (struct request){.kind = REQUEST_NUMBER}
                                       : protocol_parse(desk->in + desk->in_at, length,
                                                        (unsigned)talk->desks->options->max_n);
    talk->text_at = (uint16_t)desk->in_at;
    talk->text_length = (uint16_t)length;
    talk->asked = true;
    talk->waited = false;
    desk->in_at += taken;
}

bool conversation_takes_long(const struct conversation *talk)
{
    return talk->request.n >= talk->long_n;
}

bool conversation_only_reads(const struct conversation *talk)
{
    return !talk->asked && !talk->ended;
}

enum conversation_step conversation_next(struct conversation *talk)
{
    const struct options *options = talk->desks->options;

    if (!talk->asked)
        take_request(talk);
    struct desk *desk = talk->desk;
    bool unsent = desk != NULL && desk->out_used > 0;
    if (talk->asked) {
        if (unsent && (sizeof desk->out - desk->out_used < PROTOCOL_REPLY_SIZE ||
                       conversation_takes_long(talk) || options->io_wait_ns > 0))
            return CONVERSATION_SEND;
        if (options->io_wait_ns > 0 && !talk->waited)
            return CONVERSATION_WAIT;
        return CONVERSATION_ANSWER;
    }
    if (unsent)
        return CONVERSATION_SEND;
    if (talk->ended)
        return CONVERSATION_END;
    if (desk != NULL && desk->in_at == desk->in_used)
        conversation_end(talk);
    return CONVERSATION_READ;
}

const char *conversation_unsent(const struct conversation *talk, size_t *size)
{
    *size = talk->desk->out_used - talk->desk->out_at;
    return talk->desk->out + talk->desk->out_at;
}

void conversation_sent(struct conversation *talk, size_t size)
{
    struct desk *desk = talk->desk;

    desk->out_at += size;
    if (desk->out_at == desk->out_used)
        desk->out_at = desk->out_used = 0;
}

void conversation_waited(struct conversation *talk) { talk->waited = true; }

void conversation_reply(struct conversation *talk, unsigned fibonacci_n)
{
    const struct options *options = talk->desks->options;
    struct desk *desk = talk->desk;
    char *reply = desk->out + desk->out_used;
    size_t size =
        protocol_reply(talk->request, fibonacci_n, options->framing == FRAMING_LINE, reply);

    if (options->verbose)
        verbose_request(options, talk->fd, desk->in + talk->text_at, talk->text_length, reply,
                        size);
    desk->out_used += size;
    talk->asked = false;
}

// Apart, so that a request without work besides pays for it with one comparison.
__attribute__((noinline, cold)) static void answer_with_work(struct conversation *talk)
{
    const struct work *work = &talk->desks->options->work;
    bool is_number = talk->request.kind == REQUEST_NUMBER;

    conversation_reply(talk, is_number ? work_answer(work, talk->request.n) : 0);
}

void conversation_answer(struct conversation *talk)
{
    bool is_number = talk->request.kind == REQUEST_NUMBER;

    if (talk->long_n == 0)
        answer_with_work(talk);
    else
        conversation_reply(talk, is_number ? fibonacci(talk->request.n) : 0);
}
