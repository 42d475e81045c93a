// SPDX-License-Identifier: BSD-3-Clause
// JSON as it is written out: the commas, the quotes and the escapes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool needs_comma;
};

// Every value takes the name of its member, or NULL inside an array and at the top.
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_null(struct json *json, const char *name);
void json_bool(struct json *json, const char *name, bool value);
void json_unsigned(struct json *json, const char *name, uint64_t value);
void json_signed(struct json *json, const char *name, int64_t value);

// A number with three decimals, whatever the locale.
void json_thousandths(struct json *json, const char *name, uint64_t thousandths);

// A number with as many decimals as it needs, up to nine.
void json_billionths(struct json *json, const char *name, uint64_t billionths);

// Text in UTF-8; bytes that are none become U+FFFD.
void json_text(struct json *json, const char *name, const char *text);

// Arbitrary bytes as readable text: what is not printable ASCII becomes \xNN, a backslash two.
void json_bytes(struct json *json, const char *name, const char *bytes, size_t size);
