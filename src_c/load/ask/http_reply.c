// SPDX-License-Identifier: BSD-3-Clause
// A reply of HTTP/1.1, as its bytes come in, beside the one that is expected (RFC 9112). Pure: no
// sockets, no memory of its own.
#include "load/ask/http_reply.h"

// Bytes that are searched for a NUL at a time: more than most heads have, fewer than most bodies.
static const size_t NUL_SEARCHED = 512;

// The bytes that came.
struct input {
    const char *at;
    const char *end;
    const char *clear; // no NUL lies before it
};

static size_t input_size(const struct input *in) { return (size_t)(in->end - in->at); }

static size_t smaller(size_t one, uint64_t other) { return one < other ? one : (size_t)other; }

// The first fault of a reply: what of it is shown begins with these bytes.
static void find_fault(struct http_reply *reply, enum http_fault fault, const char *reason,
                       const char *bytes, size_t size)
{
    if (reply->fault != HTTP_RIGHT)
        return;
    reply->fault = fault;
    reply->reason = reason;
    reply->got = (struct wrong_reply){0};
    wrong_reply_keep(&reply->got, bytes, size);
}

// Where the reply ends will never be known.
static enum reply_state lose(struct http_reply *reply, const char *reason, const char *bytes,
                             size_t size)
{
    find_fault(reply, HTTP_USELESS, reason, bytes, size);
    reply->part = HTTP_OVER;
    reply->closes = true;
    return REPLY_LOST;
}

static void find_body_fault(const struct http_expectation *expectation, struct http_reply *reply,
                            uint64_t at, const char *reason)
{
    uint64_t from = at;

    if (expectation->kind == BODY_TEXT) // what was right before it is known
        from = at > WRONG_BEFORE ? at - WRONG_BEFORE : 0;
    find_fault(reply, HTTP_OTHER_BODY, reason, NULL, 0);
    reply->got.at = (size_t)at;
    reply->got.from = (size_t)from;
    if (from < at)
        wrong_reply_keep(&reply->got, expectation->body + from, (size_t)(at - from));
}

// The reply is complete.
static enum reply_state finish(const struct http_expectation *expectation, struct http_reply *reply)
{
    reply->part = HTTP_OVER;
    if (reply->fault == HTTP_RIGHT && !expectation->head && expectation->kind != BODY_ANY &&
        reply->body_size < expectation->body_size)
        find_body_fault(expectation, reply, reply->body_size, "its body is too short");
    return reply->fault == HTTP_RIGHT ? REPLY_RIGHT : REPLY_WRONG;
}

// How many bytes of the body agree with what is expected.
static size_t agree(const struct http_expectation *expectation, const struct http_reply *reply,
                    const char *bytes, size_t size)
{
    size_t common = smaller(size, expectation->body_size - reply->body_size);
    size_t same = 0;

    if (expectation->kind == BODY_LENGTH)
        return common;
    const char *expected = expectation->body + reply->body_size;
    if (memcmp(bytes, expected, common) == 0)
        return common;
    while (bytes[same] == expected[same])
        same++;
    return same;
}

// How long a body may become. One that is wrong is read to its end, within bounds.
static uint64_t body_limit(const struct http_expectation *expectation,
                           const struct http_reply *reply)
{
    if (expectation->kind != BODY_ANY)
        return (uint64_t)expectation->body_size + HTTP_SURPLUS_MAX;
    return reply->fault == HTTP_RIGHT ? (uint64_t)HTTP_BODY_MAX : (uint64_t)HTTP_SURPLUS_MAX;
}

static void find_difference(const struct http_expectation *expectation, struct http_reply *reply,
                            uint64_t at)
{
    bool is_long = at == expectation->body_size;

    find_body_fault(expectation, reply, at, is_long ? "its body is too long" : "its body differs");
}

// Takes at most `most` bytes of the body.
static enum reply_state take_body(const struct http_expectation *expectation,
                                  struct http_reply *reply, struct input *in, uint64_t most)
{
    const char *bytes = in->at;
    size_t size = smaller(input_size(in), most);
    size_t same = reply->fault == HTTP_OTHER_BODY ? 0 : size;

    if (reply->fault == HTTP_RIGHT && expectation->kind != BODY_ANY) {
        same = agree(expectation, reply, bytes, size);
        if (same < size)
            find_difference(expectation, reply, reply->body_size + same);
    }
    if (same < size)
        wrong_reply_keep(&reply->got, bytes + same, size - same);
    in->at += size;
    reply->body_size += size;
    reply->left -= smaller(size, reply->left);
    if (reply->body_size > body_limit(expectation, reply))
        return lose(reply, "its body does not end", NULL, 0);
    return REPLY_MORE;
}

// Whether there is a NUL between what was taken and `end`.
static bool find_nul(struct input *in, const char *end)
{
    if (in->clear < in->at) // a body may have any
        in->clear = in->at;
    while (in->clear < end) {
        size_t size = smaller(NUL_SEARCHED, (uint64_t)(in->end - in->clear));
        const char *nul = memchr(in->clear, '\0', size);
        in->clear = nul != NULL ? nul : in->clear + size;
        if (nul != NULL)
            return nul < end;
    }
    return false;
}

static inline bool has_nul(struct input *in, const char *end)
{
    return in->clear < end && find_nul(in, end);
}

// Puts a piece of a line behind those that came before.
static void keep_line(struct http_reply *reply, const char *bytes, size_t size)
{
    if (reply->line_size < HTTP_LINE_KEPT)
        memcpy(reply->line + reply->line_size, bytes,
               smaller(size, HTTP_LINE_KEPT - reply->line_size));
    reply->line_size += size;
}

// The general case of take_line(): only a piece of a line has come, or a long one.
static bool take_piece(struct http_reply *reply, struct input *in, struct http_line *line)
{
    size_t size = smaller(input_size(in), HTTP_HEAD_MAX + 1 - reply->head_size);
    const char *end = memchr(in->at, '\n', size);

    if (end != NULL)
        size = (size_t)(end - in->at);
    line->has_nul = has_nul(in, in->at + size) || reply->line_has_nul;
    keep_line(reply, in->at, size);
    in->at += size + (end != NULL);
    reply->head_size += size + (end != NULL);
    reply->line_has_nul = end == NULL && line->has_nul;
    line->text = reply->line;
    line->size = reply->line_size;
    line->kept = smaller(line->size, HTTP_LINE_KEPT);
    if (end == NULL)
        return false;
    reply->line_size = 0;
    if (line->kept > 0 && line->kept == line->size && line->text[line->kept - 1] == '\r')
        line->size = --line->kept;
    return true;
}

// Takes a line of a head. False: its end has not come.
static inline bool take_line(struct http_reply *reply, struct input *in, struct http_line *line)
{
    const char *text = in->at;
    const char *end = memchr(text, '\n', input_size(in));
    size_t size = (size_t)(end - text);

    if (end == NULL || reply->line_size > 0 || size > HTTP_LINE_KEPT ||
        reply->head_size + size >= HTTP_HEAD_MAX)
        return take_piece(reply, in, line);
    line->has_nul = has_nul(in, end);
    in->at = end + 1;
    reply->head_size += size + 1;
    if (size > 0 && end[-1] == '\r')
        size--;
    line->text = text;
    line->size = size;
    line->kept = size;
    return true;
}

static enum reply_state take_status(const struct http_expectation *expectation,
                                    struct http_reply *reply, const struct http_line *line)
{
    const char *reason = http_take_status(&reply->head, line);
    unsigned status = reply->head.status;
    unsigned wanted = expectation->status;

    if (reason == NULL && status == 101)
        reason = "it speaks another protocol from here on (101)";
    if (reason == NULL && status < 200 && ++reply->interims > HTTP_INTERIM_MAX)
        reason = "too many replies of status 1xx come before it";
    if (reason != NULL)
        return lose(reply, reason, line->text, line->kept);
    if (status >= 200 && wanted != (wanted < 10 ? status / 100 : status))
        find_fault(reply, HTTP_OTHER_STATUS, "its status differs", line->text, line->kept);
    reply->part = HTTP_FIELDS;
    return REPLY_MORE;
}

// A head is complete.
static enum reply_state end_head(const struct http_expectation *expectation,
                                 struct http_reply *reply)
{
    enum http_body_end end;

    if (reply->head.status < 200) {
        reply->head = (struct http_head){0};
        reply->part = HTTP_STATUS_LINE;
        return REPLY_MORE;
    }
    const char *reason = http_find_end(&reply->head, expectation->head, &end);
    if (reason != NULL)
        return lose(reply, reason, NULL, 0);
    reply->closes = http_head_closes(&reply->head) || end == HTTP_AFTER_CONNECTION;
    switch (end) {
    case HTTP_NO_BODY:
        return finish(expectation, reply);
    case HTTP_AFTER_LENGTH:
        reply->left = reply->head.length;
        reply->part = HTTP_COUNTED_BODY;
        return reply->left == 0 ? finish(expectation, reply) : REPLY_MORE;
    case HTTP_AFTER_CHUNKS:
        reply->part = HTTP_CHUNK_LINE;
        return REPLY_MORE;
    case HTTP_AFTER_CONNECTION:
        reply->part = HTTP_LAST_BODY;
        break;
    }
    return REPLY_MORE;
}

// Takes fields of a head, as far as they are known to have no NUL. True: that is all.
static inline bool take_fields(struct http_reply *reply, struct input *in)
{
    size_t left = smaller(input_size(in), HTTP_HEAD_MAX - reply->head_size);
    const char *end = in->at + left;

    if (reply->line_size > 0)
        return false;
    if (in->clear <= in->at)
        find_nul(in, in->at + 1);
    end = http_take_fields(&reply->head, in->at, in->clear < end ? in->clear : end);
    reply->head_size += (size_t)(end - in->at);
    in->at = end;
    return end == in->end;
}

// Takes lines of a head, or of the trailers, as far as they are there.
static enum reply_state take_lines(const struct http_expectation *expectation,
                                   struct http_reply *reply, struct input *in)
{
    enum http_part part = reply->part;
    struct http_line line;

    while (in->at < in->end) {
        const char *reason = NULL;
        if (part == HTTP_FIELDS && take_fields(reply, in))
            break;
        bool is_whole = take_line(reply, in, &line);
        if (part == HTTP_STATUS_LINE && !http_begins_status(line.text, line.kept))
            reason = "it does not begin with a status line of HTTP/1.1";
        else if (reply->head_size > HTTP_HEAD_MAX)
            reason = "its head is too long";
        else if (!is_whole)
            return REPLY_MORE;
        else if (part == HTTP_STATUS_LINE)
            return take_status(expectation, reply, &line);
        else if (line.size == 0)
            return part == HTTP_FIELDS ? end_head(expectation, reply) : finish(expectation, reply);
        else
            reason = part == HTTP_FIELDS ? http_take_field(&reply->head, &line)
                                         : http_check_trailer(&line);
        if (reason != NULL)
            return lose(reply, reason, line.text, line.kept);
    }
    return REPLY_MORE;
}

static enum reply_state take_chunk_line(struct http_reply *reply, struct input *in)
{
    size_t used;
    const char *reason = http_chunk_feed(&reply->chunk, in->at, input_size(in), &used);
    bool is_whole = reply->chunk.part == HTTP_CHUNK_DATA;

    if (reason != NULL || !is_whole)
        keep_line(reply, in->at, used);
    in->at += used;
    if (reason != NULL)
        return lose(reply, reason, reply->line, smaller(HTTP_LINE_KEPT, reply->line_size));
    if (!is_whole)
        return REPLY_MORE;
    reply->line_size = 0;
    reply->left = reply->chunk.size;
    reply->part = reply->left == 0 ? HTTP_TRAILERS : HTTP_CHUNK_BYTES;
    return REPLY_MORE;
}

static enum reply_state take_part(const struct http_expectation *expectation,
                                  struct http_reply *reply, struct input *in)
{
    enum reply_state state;

    switch (reply->part) {
    case HTTP_STATUS_LINE:
    case HTTP_FIELDS:
    case HTTP_TRAILERS:
        return take_lines(expectation, reply, in);
    case HTTP_COUNTED_BODY:
        state = take_body(expectation, reply, in, reply->left);
        return state == REPLY_MORE && reply->left == 0 ? finish(expectation, reply) : state;
    case HTTP_CHUNK_LINE:
        return take_chunk_line(reply, in);
    case HTTP_CHUNK_BYTES:
        state = take_body(expectation, reply, in, reply->left);
        if (reply->left == 0 && state == REPLY_MORE) {
            http_chunk_next(&reply->chunk);
            reply->part = HTTP_CHUNK_LINE;
        }
        return state;
    case HTTP_LAST_BODY:
        return take_body(expectation, reply, in, UINT64_MAX);
    case HTTP_OVER:
        break;
    }
    return REPLY_LOST;
}

// Takes bytes while the reply is in one of its parts up to `last`.
static inline enum reply_state feed(const struct http_expectation *expectation,
                                    struct http_reply *reply, const char *bytes, size_t size,
                                    size_t *used, enum http_part last)
{
    struct input in = {.at = bytes, .end = bytes + size, .clear = bytes};
    enum reply_state state = REPLY_MORE;

    while (state == REPLY_MORE && in.at < in.end && reply->part <= last)
        state = take_part(expectation, reply, &in);
    *used = state == REPLY_LOST ? size : (size_t)(in.at - bytes);
    return state;
}

enum reply_state http_reply_feed(const struct http_expectation *expectation,
                                 struct http_reply *reply, const char *bytes, size_t size,
                                 size_t *used)
{
    return feed(expectation, reply, bytes, size, used, HTTP_OVER);
}

enum reply_state http_reply_feed_head(const struct http_expectation *expectation,
                                      struct http_reply *reply, const char *bytes, size_t size,
                                      size_t *used)
{
    return feed(expectation, reply, bytes, size, used, HTTP_FIELDS);
}

enum reply_state http_reply_end(const struct http_expectation *expectation,
                                struct http_reply *reply)
{
    if (reply->part == HTTP_LAST_BODY)
        return finish(expectation, reply);
    return reply->fault == HTTP_RIGHT ? REPLY_MORE : REPLY_WRONG;
}
