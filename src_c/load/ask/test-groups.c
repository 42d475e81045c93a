// SPDX-License-Identifier: BSD-3-Clause
// What --group takes, and what it says of what it does not take.
#include "core/test.h"
#include "load/ask/groups.h"

static const struct group DEFAULTS = {
    .name = "all", .clients = 8, .n = 1, .rate_billionths = 5000000000};

static char message[GROUP_MESSAGE_SIZE];

static struct group taken(const char *spec)
{
    struct group group = DEFAULTS;

    message[0] = '\0';
    CHECK(group_read(spec, &group, message));
    CHECK_TEXT(message, "");
    return group;
}

static const char *refuse(const char *spec)
{
    struct group group = DEFAULTS;

    message[0] = '\0';
    CHECK(!group_read(spec, &group, message));
    return message;
}

static void test_what_is_not_given_stays(void)
{
    struct group group = taken("name=small");

    CHECK_TEXT(group.name, "small");
    CHECK_NUMBER(group.clients, 8);
    CHECK_NUMBER(group.n, 1);
    CHECK_NUMBER(group.rate_billionths, 5000000000);
    CHECK(!group.n_given && !group.arrivals_given && !group.idle);
}

static void test_every_member_is_read(void)
{
    struct group group = taken("clients=7,name=a-b_c.9,n=30,rate=0.125,arrivals=uniform");

    CHECK_TEXT(group.name, "a-b_c.9");
    CHECK_NUMBER(group.clients, 7);
    CHECK_NUMBER(group.n, 30);
    CHECK_NUMBER(group.rate_billionths, 125000000);
    CHECK(group.arrivals == ARRIVALS_UNIFORM);
    CHECK(group.n_given && group.arrivals_given);
}

static void test_a_request_is_named(void)
{
    struct group group = taken("name=a,ask=GET_1.x-y");

    CHECK_TEXT(group.ask_name, "GET_1.x-y");
    CHECK_TEXT(taken("name=a").ask_name, "");
    CHECK_TEXT(taken("name=a,idle,ask=b").ask_name, "b"); // for its opening
    CHECK(strstr(refuse("name=a,ask="), "ask ''") != NULL);
    CHECK(strstr(refuse("name=a,ask=b/c"), "ask 'b/c'") != NULL);
}

static void test_an_idle_group_asks_nothing(void)
{
    struct group group = taken("name=idle,clients=10000,idle");

    CHECK(group.idle);
    CHECK_NUMBER(group.clients, 10000);
    CHECK_NUMBER(group.rate_billionths, 0);
    CHECK(strstr(refuse("name=idle,idle,n=3"), "asks nothing") != NULL);
    CHECK(strstr(refuse("name=idle,rate=3,idle"), "asks nothing") != NULL);
}

static void test_what_is_wrong_is_named(void)
{
    CHECK(strstr(refuse(""), "''") != NULL);
    CHECK(strstr(refuse("clients=3"), "name") != NULL);
    CHECK(strstr(refuse("name="), "name ''") != NULL);
    CHECK(strstr(refuse("name=UPPER"), "UPPER") != NULL);
    CHECK(strstr(refuse("name=a/b"), "a/b") != NULL);
    CHECK(strstr(refuse("name=a,name=b"), "twice") != NULL);
    CHECK(strstr(refuse("name=a,colour=red"), "colour") != NULL);
    CHECK(strstr(refuse("name=a,"), "''") != NULL);
    CHECK(strstr(refuse("name=a,clients=0"), "clients '0'") != NULL);
    CHECK(strstr(refuse("name=a,clients"), "clients") != NULL);
    CHECK(strstr(refuse("name=a,n=46"), "0 to 45") != NULL);
    CHECK(strstr(refuse("name=a,rate=0"), "0.001") != NULL);
    CHECK(strstr(refuse("name=a,rate=-1"), "rate '-1'") != NULL);
    CHECK(strstr(refuse("name=a,arrivals=bus"), "poisson or uniform") != NULL);
    CHECK(strstr(refuse("name=a,idle=1"), "idle") != NULL);
}

static void test_long_words_are_cut(void)
{
    char spec[300] = "name=";

    memset(spec + 5, 'x', sizeof spec - 6);
    CHECK(strstr(refuse(spec), "too long") != NULL);
    spec[5 + GROUP_NAME_MAX] = '\0';
    CHECK_NUMBER(strlen(taken(spec).name), GROUP_NAME_MAX);
}

int main(void)
{
    test_what_is_not_given_stays();
    test_every_member_is_read();
    test_a_request_is_named();
    test_an_idle_group_asks_nothing();
    test_what_is_wrong_is_named();
    test_long_words_are_cut();
    return test_result();
}
