// SPDX-License-Identifier: BSD-3-Clause
// JSON as it is written out: the commas, the quotes and the escapes. Whether writing failed is
// asked of the stream at the end (ferror(3)).
#include "load/tell/json.h"

#include <inttypes.h>
#include <string.h>

// Writes what stands before a value: a comma if one preceded it, and its name.
static void begin_value(struct json *json, const char *name)
{
    if (json->needs_comma)
        fputs(", ", json->out);
    if (name != NULL)
        fprintf(json->out, "\"%s\": ", name);
    json->needs_comma = true;
}

void json_open(struct json *json, const char *name, char bracket)
{
    begin_value(json, name);
    putc(bracket, json->out);
    json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
    putc(bracket, json->out);
    json->needs_comma = true;
}

void json_null(struct json *json, const char *name)
{
    begin_value(json, name);
    fputs("null", json->out);
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin_value(json, name);
    fputs(value ? "true" : "false", json->out);
}

void json_unsigned(struct json *json, const char *name, uint64_t value)
{
    begin_value(json, name);
    fprintf(json->out, "%" PRIu64, value);
}

void json_signed(struct json *json, const char *name, int64_t value)
{
    begin_value(json, name);
    fprintf(json->out, "%" PRId64, value);
}

void json_thousandths(struct json *json, const char *name, uint64_t thousandths)
{
    begin_value(json, name);
    fprintf(json->out, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned)(thousandths % 1000));
}

void json_billionths(struct json *json, const char *name, uint64_t billionths)
{
    uint64_t part = billionths % 1000000000;
    int digits = 9;

    begin_value(json, name);
    fprintf(json->out, "%" PRIu64, billionths / 1000000000);
    if (part == 0)
        return;
    for (; part % 10 == 0; part /= 10)
        digits--;
    fprintf(json->out, ".%0*" PRIu64, digits, part);
}

// How many bytes the UTF-8 character at the front takes; 0 when the bytes are none. A text ends
// with NUL, which no continuation byte equals, so that looking ahead stays inside.
static size_t utf8_size(const unsigned char *text)
{
    uint32_t code;
    size_t size;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xf0 && text[0] < 0xf8) {
        size = 4;
        code = text[0] & 0x07U;
    } else if (text[0] >= 0xe0) {
        size = 3;
        code = text[0] & 0x0fU;
    } else {
        size = 2;
        code = text[0] & 0x1fU;
    }
    if (text[0] < 0xc0 || text[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0U) != 0x80)
            return 0;
        code = code << 6U | (text[i] & 0x3fU);
    }
    // Longer than it needs to be, half of a surrogate pair, or beyond Unicode.
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    if (code < least[size] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
        return 0;
    return size;
}

void json_text(struct json *json, const char *name, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    begin_value(json, name);
    putc('"', json->out);
    while (*at != '\0') {
        size_t size = utf8_size(at);
        if (size == 0)
            fputs("\\ufffd", json->out);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(json->out, "\\u%04x", *at);
        else if (*at == '"' || *at == '\\')
            fprintf(json->out, "\\%c", *at);
        else
            fwrite(at, 1, size, json->out);
        at += size == 0 ? 1 : size;
    }
    putc('"', json->out);
}

void json_bytes(struct json *json, const char *name, const char *bytes, size_t size)
{
    begin_value(json, name);
    putc('"', json->out);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == '\\') // one that was there is doubled, and JSON doubles each again
            fputs("\\\\\\\\", json->out);
        else if (byte == '"')
            fputs("\\\"", json->out);
        else if (byte >= 0x20 && byte < 0x7f)
            putc(byte, json->out);
        else
            fprintf(json->out, "\\\\x%02x", byte);
    }
    putc('"', json->out);
}
