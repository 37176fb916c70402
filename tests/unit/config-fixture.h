/* SPDX-License-Identifier: MIT */
/* What the tests of the configuration share: to parse a few entries, and to expect success or one error. */
#pragma once

#include "core/config.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "master/master.h"
#include "util/macro.h"
#include "util/text.h"

#define ENDPOINT_ENTRY "MASTER_ENDPOINT=http://localhost:3000"

enum { ENTRIES_MAX = 40 };

static const ConfigDefaults host_default = { .hostname = "dev-alice-web01" };

/* Parses with a valid MASTER_ENDPOINT behind what is given, so that this holds where none is given. */
static inline int parse(const char *const *entries, Config *ret, ConfigMessages *ret_messages) {
        char *environment[ENTRIES_MAX] = {};
        size_t n = 0;

        for (; entries[n]; n++) {
                assert_true(n + 2 < ENTRIES_MAX);
                environment[n] = (char *) entries[n];
        }
        environment[n] = (char *) ENDPOINT_ENTRY;

        return config_parse(environment, endpoint_parse, &host_default, ret, ret_messages);
}

#define ENTRIES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static inline void dump(const ConfigMessages *messages) {
        for (size_t i = 0; i < messages->count; i++)
                print_message("%s\n", messages->items[i].text);
}

/* Whatever is said must be fit for a terminal and D-Bus, and short. */
static inline void check_messages(const ConfigMessages *messages) {
        size_t n_errors = 0;

        for (size_t i = 0; i < messages->count; i++) {
                const ConfigMessage *message = &messages->items[i];
                _cleanup_free_ char *safe = NULL;

                assert_non_null(message->variable);
                assert_true(strlen(message->text) < 512);
                safe = text_sanitize(message->text, strlen(message->text), 1024);
                assert_string_equal(safe, message->text);
                n_errors += message->is_error;
        }
        assert_int_equal(n_errors, messages->n_errors);
}

static inline void accept_entries(const char *const *entries, Config *ret) {
        ConfigMessages messages = {};

        if (parse(entries, ret, &messages) < 0)
                dump(&messages);
        assert_int_equal(messages.count, 0);
        config_messages_done(&messages);
}

/* Expects exactly one error, about `variable`, that holds each of the words. */
static inline void refuse_with(const ConfigDefaults *defaults, const char *const *entries,
                const char *variable, const char *const *words) {
        ConfigMessages messages = {};
        Config config = {};
        int r;

        r = config_parse((char **) entries, endpoint_parse, defaults, &config, &messages);
        if (r != -EINVAL || messages.count != 1)
                dump(&messages);
        assert_int_equal(r, -EINVAL);
        assert_int_equal(messages.count, 1);
        check_messages(&messages);

        assert_true(messages.items[0].is_error);
        assert_string_equal(messages.items[0].variable, variable);
        assert_non_null(strstr(messages.items[0].text, variable));
        for (; *words; words++) {
                if (!strstr(messages.items[0].text, *words))
                        fail_msg("no `%s` in `%s`", *words, messages.items[0].text);
        }
        config_messages_done(&messages);
        config_done(&config);
}
