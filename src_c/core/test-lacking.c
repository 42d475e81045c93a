// SPDX-License-Identifier: BSD-3-Clause
// What is said of a call that cannot be had is true of all that may be the reason.
#include <errno.h>

#include "core/lacking.h"
#include "core/test.h"

static const char *reason(struct lacking lacking)
{
    static char text[LACKING_REASON_SIZE];

    lacking.takes = (struct linux_version){6, 1};
    lacking_reason(&lacking, text);
    return text;
}

static void an_old_kernel_is_told_as_such(void)
{
    static const char *const OLD[] = {"5.10.0-8-amd64", "6.0.19", "4.4.0", "6.0"};
    char wanted[200];

    for (size_t i = 0; i < sizeof OLD / sizeof *OLD; i++) {
        snprintf(wanted, sizeof wanted, "it takes Linux 6.1 or newer, and this is %s", OLD[i]);
        CHECK_TEXT(reason((struct lacking){.release = OLD[i], .error = ENOSYS}), wanted);
        CHECK_TEXT(
            reason((struct lacking){.release = OLD[i], .error = ENOSYS, .is_filtered = true}),
            wanted);
        CHECK_TEXT(reason((struct lacking){.release = OLD[i], .error = EINVAL}), wanted);
        CHECK_TEXT(reason((struct lacking){.release = OLD[i]}), wanted);
    }
}

static void a_new_one_is_not_called_too_old(void)
{
    static const char *const NEW[] = {"6.1.0", "6.18.5+", "7.0.0-rc1", "10.2", "unnumbered"};

    for (size_t i = 0; i < sizeof NEW / sizeof *NEW; i++) {
        CHECK(strstr(reason((struct lacking){.release = NEW[i], .error = ENOSYS}), "takes") ==
              NULL);
        CHECK(strstr(reason((struct lacking){.release = NEW[i], .error = EPERM}), "takes") == NULL);
        CHECK(strstr(reason((struct lacking){.release = NEW[i]}), "takes") == NULL);
    }
}

static void where_a_filter_is_in_force_it_may_be_the_filter_or_the_build(void)
{
    const struct lacking lacking = {.release = "6.18.5", .error = ENOSYS, .is_filtered = true};

    CHECK_TEXT(
        reason(lacking),
        "Linux 6.18.5 is new enough: the seccomp filter that is in force, as in a container, "
        "denies the call, or this kernel was built without it");
}

static void where_none_is_it_is_the_build(void)
{
    CHECK_TEXT(reason((struct lacking){.release = "6.18.5", .error = ENOSYS}),
               "Linux 6.18.5 is new enough, and no seccomp filter denies the call: this kernel was "
               "built without it");
}

static void a_ban_is_told_with_what_is_known_of_who_made_it(void)
{
    struct lacking ban = {.release = "6.18.5", .error = EPERM};

    CHECK_TEXT(reason(ban), "forbidden here, by a security module or for want of a privilege");
    ban.is_filtered = true;
    CHECK_TEXT(reason(ban), "forbidden here, probably by the seccomp filter that is in force");
    ban.error = EACCES;
    CHECK_TEXT(reason(ban), "forbidden here, probably by the seccomp filter that is in force");
    ban.io_uring_disabled = 2;
    CHECK_TEXT(reason(ban), "forbidden here (kernel.io_uring_disabled is 2)");
    ban.release = "5.14.0-427.el9";
    CHECK_TEXT(reason(ban), "forbidden here (kernel.io_uring_disabled is 2); besides, it takes "
                            "Linux 6.1 or newer, and this is 5.14.0-427.el9");
}

static void a_part_may_be_missing(void)
{
    CHECK_TEXT(reason((struct lacking){.release = "6.18.5"}),
               "Linux 6.18.5, though new enough, lacks a part of it that this design needs");
}

int main(void)
{
    an_old_kernel_is_told_as_such();
    a_new_one_is_not_called_too_old();
    where_a_filter_is_in_force_it_may_be_the_filter_or_the_build();
    where_none_is_it_is_the_build();
    a_ban_is_told_with_what_is_known_of_who_made_it();
    a_part_may_be_missing();
    return test_result();
}
