// SPDX-License-Identifier: BSD-3-Clause
// Whatever bytes go in, JSON comes out.
#include <stdlib.h>

#include "core/test.h"
#include "load/tell/json.h"

static char *written;
static size_t written_size;

static struct json begin(void)
{
    struct json json = {.out = open_memstream(&written, &written_size)};

    if (json.out == NULL)
        abort();
    return json;
}

static void check(struct json *json, const char *wanted)
{
    CHECK(fclose(json->out) == 0);
    CHECK_BYTES(written, written_size, wanted, strlen(wanted));
    free(written);
}

static void members_and_elements_are_separated(void)
{
    struct json json = begin();

    json_open(&json, NULL, '{');
    json_unsigned(&json, "a", UINT64_MAX);
    json_open(&json, "b", '[');
    json_signed(&json, NULL, INT64_MIN);
    json_null(&json, NULL);
    json_open(&json, NULL, '[');
    json_close(&json, ']');
    json_close(&json, ']');
    json_bool(&json, "c", false);
    json_close(&json, '}');
    check(&json, "{\"a\": 18446744073709551615, \"b\": [-9223372036854775808, null, []], "
                 "\"c\": false}");
}

static void thousandths_have_three_decimals(void)
{
    struct json json = begin();

    json_thousandths(&json, NULL, 0);
    json_thousandths(&json, NULL, 7);
    json_thousandths(&json, NULL, 123456789);
    check(&json, "0.000, 0.007, 123456.789");
}

static void billionths_have_the_decimals_they_need(void)
{
    struct json json = begin();

    json_billionths(&json, NULL, 500000000000);
    json_billionths(&json, NULL, 250000000);
    json_billionths(&json, NULL, 1000000001);
    check(&json, "500, 0.25, 1.000000001");
}

static void text_is_escaped(void)
{
    struct json json = begin();

    json_text(&json, NULL, "\"\\/\n\x01\x7f");
    check(&json, "\"\\\"\\\\/\\u000a\\u0001\\u007f\"");
}

static void text_keeps_utf_8_and_replaces_what_is_none(void)
{
    struct json json = begin();

    json_text(&json, NULL, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
    json_text(&json, NULL, "\xff|\xc3|\xe2\x82|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80");
    check(&json, "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\", "
                 "\"\\ufffd|\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|"
                 "\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void bytes_become_readable(void)
{
    struct json json = begin();

    json_bytes(&json, NULL, "a\0\xff\\\"\r", 6);
    check(&json, "\"a\\\\x00\\\\xff\\\\\\\\\\\"\\\\x0d\"");
}

int main(void)
{
    members_and_elements_are_separated();
    thousandths_have_three_decimals();
    billionths_have_the_decimals_they_need();
    text_is_escaped();
    text_keeps_utf_8_and_replaces_what_is_none();
    bytes_become_readable();
    return test_result();
}
