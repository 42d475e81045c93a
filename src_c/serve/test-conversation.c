// SPDX-License-Identifier: BSD-3-Clause
// A conversation, step by step: what it asks for next, and what it says.
#include <stdlib.h>

#include "core/test.h"
#include "serve/conversation.h"

static struct options options;
static struct desks desks = {.options = &options};

static void begin(struct conversation *talk, int framing, int64_t io_wait_ns)
{
    options = options_default("test");
    options.framing = framing;
    options.io_wait_ns = io_wait_ns;
    conversation_begin(talk, &desks, -1);
}

static void take(struct conversation *talk, const char *bytes, size_t length)
{
    size_t room_size;
    char *room = conversation_room(talk, &room_size);

    CHECK(room != NULL && room_size >= length);
    memcpy(room, bytes, length);
    conversation_took(talk, length);
}

// Answers until something else is to be done.
static enum conversation_step answer_all(struct conversation *talk)
{
    enum conversation_step step;

    while ((step = conversation_next(talk)) == CONVERSATION_ANSWER)
        conversation_answer(talk);
    return step;
}

static void check_sends(struct conversation *talk, const char *text)
{
    size_t size;

    CHECK_NUMBER(answer_all(talk), CONVERSATION_SEND);
    const char *bytes = conversation_unsent(talk, &size);
    CHECK_BYTES(bytes, size, text, strlen(text));
    conversation_sent(talk, size);
}

static void the_replies_to_what_one_read_brings_go_out_together(void)
{
    struct conversation talk;

    begin(&talk, FRAMING_LINE, 0);
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_READ);
    take(&talk, "5\nx\n99\n1", 8);
    check_sends(&talk, "8\nerror\nout of range\n");
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_READ);
    CHECK(talk.desk != NULL); // a fragment is left
    take(&talk, "0\n", 2);
    check_sends(&talk, "89\n");
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_READ);
    CHECK(talk.desk == NULL); // nothing is
    conversation_end(&talk);
}

static void a_long_computation_does_not_hold_back_finished_replies(void)
{
    struct conversation talk;

    begin(&talk, FRAMING_LINE, 0);
    take(&talk, "1\n2\n21\n3\n", 9);
    check_sends(&talk, "1\n2\n");
    check_sends(&talk, "17711\n3\n");
    conversation_end(&talk);
}

static void a_request_with_work_besides_is_a_long_computation(void)
{
    struct conversation talk;

    begin(&talk, FRAMING_LINE, 0);
    options.work.kind = WORK_HASH;
    work_prepare_or_exit(&options.work, "test");
    conversation_begin(&talk, &desks, -1);
    take(&talk, "x\n1\n99\n2\n", 9);
    check_sends(&talk, "error\n");
    check_sends(&talk, "1\n");
    check_sends(&talk, "out of range\n");
    check_sends(&talk, "2\n");
    conversation_end(&talk);
}

static void each_reply_waits_for_its_time(void)
{
    struct conversation talk;

    begin(&talk, FRAMING_LINE, 1);
    take(&talk, "1\n2\n", 4);
    for (int i = 1; i <= 2; i++) {
        CHECK_NUMBER(conversation_next(&talk), CONVERSATION_WAIT);
        CHECK_NUMBER(conversation_next(&talk), CONVERSATION_WAIT);
        conversation_waited(&talk);
        check_sends(&talk, i == 1 ? "1\n" : "2\n");
    }
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_READ);
    conversation_end(&talk);
}

static void the_end_makes_a_request_of_what_is_left(void)
{
    struct conversation talk;

    begin(&talk, FRAMING_LINE, 0);
    take(&talk, "6", 1);
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_READ);
    take(&talk, "", 0);
    check_sends(&talk, "13\n");
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_END);
    conversation_end(&talk);
}

static void a_line_that_is_too_long_is_the_last(void)
{
    struct conversation talk;
    char line[PROTOCOL_REQUEST_MAX + 3];

    memset(line, '1', sizeof line);
    line[sizeof line - 1] = '\n';
    begin(&talk, FRAMING_LINE, 0);
    take(&talk, line, sizeof line);
    check_sends(&talk, "error\n");
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_END);
    conversation_end(&talk);
}

static void one_read_is_a_message(void)
{
    struct conversation talk;
    size_t size;

    begin(&talk, FRAMING_MESSAGE, 0);
    CHECK(conversation_room(&talk, &size) != NULL);
    CHECK_NUMBER(size, PROTOCOL_MESSAGE_READ);
    take(&talk, "7\n8\n", 2);
    check_sends(&talk, "21");
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_END);
    conversation_end(&talk);

    begin(&talk, FRAMING_MESSAGE, 0);
    take(&talk, "", 0);
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_END);
    conversation_end(&talk);
}

static void what_is_sent_in_parts_is_not_sent_twice(void)
{
    struct conversation talk;
    size_t size;

    begin(&talk, FRAMING_LINE, 0);
    take(&talk, "30\n1\n", 5);
    CHECK_NUMBER(answer_all(&talk), CONVERSATION_SEND);
    conversation_sent(&talk, 3);
    CHECK_NUMBER(conversation_next(&talk), CONVERSATION_SEND);
    const char *bytes = conversation_unsent(&talk, &size);
    CHECK_BYTES(bytes, size, "6269\n1\n", 7);
    conversation_end(&talk);
}

static void the_longest_replies_to_a_full_read_have_room(void)
{
    struct conversation talk;
    char lines[DESK_IN_SIZE];
    size_t size;

    begin(&talk, FRAMING_LINE, 0);
    options.max_n = 1;
    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = "9\n"[i % 2];
    take(&talk, lines, sizeof lines);
    CHECK_NUMBER(answer_all(&talk), CONVERSATION_SEND);
    conversation_unsent(&talk, &size);
    CHECK_NUMBER(size, sizeof lines / 2 * strlen("out of range\n"));
    conversation_end(&talk);
}

int main(void)
{
    the_replies_to_what_one_read_brings_go_out_together();
    a_long_computation_does_not_hold_back_finished_replies();
    a_request_with_work_besides_is_a_long_computation();
    each_reply_waits_for_its_time();
    the_end_makes_a_request_of_what_is_left();
    a_line_that_is_too_long_is_the_last();
    one_read_is_a_message();
    what_is_sent_in_parts_is_not_sent_twice();
    the_longest_replies_to_a_full_read_have_room();
    desks_free(&desks);
    return test_result();
}
