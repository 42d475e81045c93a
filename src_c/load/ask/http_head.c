// SPDX-License-Identifier: BSD-3-Clause
// What the lines of a head of HTTP/1.1 say of a reply: its status, where its body ends, and whether
// its connection goes on (RFC 9112). Pure: whole lines come in.
#include "load/ask/http_head.h"

enum {
    STATUS_AT = HTTP_VERSION_SIZE + 2, // after the minor version and a space
    STATUS_DIGITS = 3,
};

static const char BAD_LENGTH[] = "its Content-Length is not a number";
static const char BAD_CODING[] = "its Transfer-Encoding is not a list of codings";

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

static bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

// Whether a text is this one, in letters of any case. A "-" is no letter: the bit that makes small
// letters would make it of a "\r".
static inline bool is_text(const char *text, size_t size, const char *small, size_t small_size)
{
    unsigned differs = size != small_size;

    if (differs)
        return false;
    for (size_t i = 0; i < small_size; i++)
        differs |= (unsigned char)text[i] ^ (unsigned char)small[i] ^
                   (small[i] == '-' ? 0U : (unsigned char)(~text[i] & 0x20));
    return !differs;
}

// The same, at once if it is written as usual.
#define IS_TEXT(text, size, usual, small)                                                          \
    (((size) == sizeof(usual) - 1 && memcmp((text), (usual), sizeof(usual) - 1) == 0) ||           \
     is_text((text), (size), (small), sizeof(small) - 1))

const char *http_take_status(struct http_head *head, const struct http_line *line)
{
    const char *digits = line->text + STATUS_AT;

    if (line->has_nul)
        return "a NUL is in its status line";
    if (line->kept < STATUS_AT + STATUS_DIGITS || !http_begins_status(line->text, line->kept) ||
        !is_digit(line->text[HTTP_VERSION_SIZE]) || digits[-1] != ' ')
        return "it does not begin with a status line of HTTP/1.1";
    if (digits[0] < '1' || !is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2]) ||
        (line->kept > STATUS_AT + STATUS_DIGITS && digits[STATUS_DIGITS] != ' '))
        return "its status is not a number of three digits";
    head->is_old = line->text[HTTP_VERSION_SIZE] == '0';
    head->status = (unsigned)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    return NULL;
}

// The next element of a list with commas, without the blanks about it. False after the last one.
static bool next_element(const char **at, const char *end, const char **element, size_t *size)
{
    if (*at == NULL)
        return false;
    const char *begin = *at;
    const char *comma = memchr(begin, ',', (size_t)(end - begin));
    const char *stop = comma != NULL ? comma : end;
    *at = comma != NULL ? comma + 1 : NULL;
    while (begin < stop && is_blank(*begin))
        begin++;
    while (begin < stop && is_blank(stop[-1]))
        stop--;
    *element = begin;
    *size = (size_t)(stop - begin);
    return true;
}

static const char *take_connection(struct http_head *head, const char *value, const char *end)
{
    const char *option;
    size_t size;

    while (next_element(&value, end, &option, &size)) {
        head->closes |= IS_TEXT(option, size, "close", "close");
        head->keeps |= IS_TEXT(option, size, "keep-alive", "keep-alive");
    }
    return NULL;
}

// Equal ones are one: a field that was doubled on the way.
static const char *take_length(struct http_head *head, const char *value, const char *end)
{
    const char *digits;
    size_t size;

    while (next_element(&value, end, &digits, &size)) {
        uint64_t length = 0;
        if (size == 0)
            return BAD_LENGTH;
        for (size_t i = 0; i < size; i++) {
            if (!is_digit(digits[i]))
                return BAD_LENGTH;
            uint64_t digit = (uint64_t)(digits[i] - '0');
            if (length > ((uint64_t)INT64_MAX - digit) / 10)
                return "its Content-Length is too large";
            length = length * 10 + digit;
        }
        if (head->has_length && head->length != length)
            return "it has two Content-Lengths";
        head->has_length = true;
        head->length = length;
    }
    return NULL;
}

// A coding's name, without its parameters, has no blank and no control character in it.
static bool is_coding(const char *coding, size_t size)
{
    const char *semicolon = memchr(coding, ';', size);

    if (semicolon != NULL)
        size = (size_t)(semicolon - coding);
    while (size > 0 && is_blank(coding[size - 1]))
        size--;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)coding[i] <= ' ' || coding[i] == '"')
            return false;
    return size > 0;
}

static const char *take_codings(struct http_head *head, const char *value, const char *end)
{
    const char *coding;
    size_t size;

    head->has_coding = true;
    while (next_element(&value, end, &coding, &size)) {
        if (size == 0) // which a list may have
            continue;
        if (!is_coding(coding, size))
            return BAD_CODING;
        head->is_chunked = IS_TEXT(coding, size, "chunked", "chunked");
        if (head->is_chunked && head->was_chunked)
            return "it is chunked twice";
        head->was_chunked |= head->is_chunked;
    }
    return NULL;
}

static const char *take_known(struct http_head *head, const struct http_line *line,
                              const char *colon)
{
    size_t size = (size_t)(colon - line->text);
    const char *value = colon + 1;
    const char *end = line->text + line->kept;
    const char *(*take)(struct http_head *, const char *, const char *) = NULL;

    while (size > 0 && is_blank(line->text[size - 1])) // as a proxy has to read it
        size--;
    if (IS_TEXT(line->text, size, "Content-Length", "content-length"))
        take = take_length;
    else if (IS_TEXT(line->text, size, "Connection", "connection"))
        take = take_connection;
    else if (IS_TEXT(line->text, size, "Transfer-Encoding", "transfer-encoding"))
        take = take_codings;
    if (take != NULL && line->size > HTTP_LINE_KEPT)
        return "a field that says where it ends is too long";
    return take != NULL ? take(head, value, end) : NULL;
}

// What is wrong with any field.
static inline const char *check_field(const struct http_line *line, const char **colon)
{
    if (line->has_nul)
        return "a NUL is in a field of its head";
    if (is_blank(line->text[0]))
        return "a field of its head is folded";
    *colon = memchr(line->text, ':', line->kept);
    if (*colon == NULL || *colon == line->text)
        return "a line of its head is no field";
    return NULL;
}

const char *http_check_trailer(const struct http_line *line)
{
    const char *colon;

    return check_field(line, &colon);
}

const char *http_take_field(struct http_head *head, const struct http_line *line)
{
    const char *colon;
    const char *reason = check_field(line, &colon);

    return reason != NULL ? reason : take_known(head, line, colon);
}

// Whether a name may be one of those that take_known() knows; it has more than no byte.
static inline bool may_be_known(const char *name, size_t size)
{
    char initial = (char)(name[0] | 0x20);

    if (initial != 'c' && initial != 't')
        return false;
    return size == sizeof "content-length" - 1 || size == sizeof "connection" - 1 ||
           size == sizeof "transfer-encoding" - 1 || is_blank(name[size - 1]);
}

const char *http_take_fields(struct http_head *head, const char *at, const char *end)
{
    while (at < end && (unsigned char)*at > ' ') {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL || line_end - at > HTTP_LINE_KEPT)
            break;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon == NULL || colon == at)
            break;
        if (may_be_known(at, (size_t)(colon - at))) {
            size_t size = (size_t)(line_end - at) - (line_end[-1] == '\r');
            struct http_line line = {.text = at, .kept = size, .size = size};
            struct http_head before = *head;
            if (take_known(head, &line, colon) != NULL) {
                *head = before;
                break;
            }
        }
        at = line_end + 1;
    }
    return at;
}

const char *http_find_end(const struct http_head *head, bool to_head_request,
                          enum http_body_end *end)
{
    *end = HTTP_NO_BODY;
    if (to_head_request || head->status == 204 || head->status == 304)
        return NULL;
    if (head->has_coding && head->has_length)
        return "it has both Transfer-Encoding and Content-Length";
    if (head->has_coding && head->is_old)
        return "it has a Transfer-Encoding, which HTTP/1.0 does not know";
    if (head->is_chunked)
        *end = HTTP_AFTER_CHUNKS;
    else
        *end = head->has_length ? HTTP_AFTER_LENGTH : HTTP_AFTER_CONNECTION;
    return NULL;
}
