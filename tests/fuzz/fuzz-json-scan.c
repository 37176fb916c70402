/* SPDX-License-Identifier: MIT */
/* The JSON reader: what it says of any bytes is consistent, and what it finds in accepted text is what
 * stands there. */
#include "fuzz.h"

#include <errno.h>

#include "util/buffer.h"

enum { WALK_DEPTH_MAX = 6 };

enum { SEEN_MAX = sizeof "Infinity" }; /* what is looked at behind an error's place, to have words for it */

/* An error is settled by the bytes before and at it: at most a whole UTF-8 sequence, or a word. */
static void check_error(const char *text, size_t size, const JsonError *error) {
        JsonError again = {};
        JsonSlice value;

        assert(error->reason);
        assert(error->offset <= size);
        if (error->is_incomplete) {
                assert(error->offset == size);
                return;
        }

        assert(error->offset < size);
        assert(json_scan(text, min_size(size, error->offset + SEEN_MAX), &value, &again) == -EBADMSG);
        assert(again.offset == error->offset && streq(again.reason, error->reason));
}

/* A text that is written from front to back is incomplete until it is whole. */
static void check_prefix(const char *text, size_t size) {
        JsonError error = {};
        JsonSlice value;
        size_t part = 0;

        for (size_t i = 0; i < size; i++)
                part = part * 31 + (unsigned char) text[i];
        if (size > 0 && json_scan(text, part % size, &value, &error) < 0)
                assert(error.is_incomplete);
}

static void check_string(JsonSlice string) {
        _cleanup_free_ char *decoded = NULL;
        int r;

        r = json_string_decode(string, &decoded);
        if (r < 0) {
                assert(r == -EILSEQ);
                assert(memmem(string.text, string.size, "\\u", 2));
                return;
        }

        assert(strlen(decoded) <= string.size - 2);
        assert(text_is_utf8(decoded, strlen(decoded)));
        assert(json_string_equals(string, decoded));
}

static void check_value(JsonSlice value, unsigned depth) {
        JsonSlice name, member, found, again;
        size_t position = 0, n = 0;
        _cleanup_free_ char *decoded = NULL;

        /* It is a text of its own, without anything around. */
        assert(json_scan(value.text, value.size, &again, NULL) == 0);
        assert(fuzz_slice_equals(again, value.text, value.size));

        if (json_type(value) == JSON_STRING)
                check_string(value);
        else
                assert(json_string_decode(value, &decoded) == -EINVAL);

        while (json_object_next(value, &position, &name, &member) > 0) {
                assert(name.text > value.text && member.text > name.text);
                assert(member.text + member.size < value.text + value.size);
                assert(json_type(name) == JSON_STRING);
                check_string(name);
                if (depth < WALK_DEPTH_MAX)
                        check_value(member, depth + 1);

                if (json_string_decode(name, &decoded) == 0) {
                        /* The last of that name. */
                        assert(json_object_find(value, decoded, &found));
                        assert(found.text >= member.text);
                        free(TAKE_PTR(decoded));
                }
                n++;
        }
        if (json_type(value) != JSON_OBJECT)
                assert(n == 0);
}

/* As it is spliced into a report. */
static void check_splice(JsonSlice value) {
        _cleanup_(buffer_done) Buffer buffer = {};
        JsonSlice object, found;
        JsonError error;

        assert(buffer_append_string(&buffer, "{\"a-b\":") == 0);
        assert(buffer_append(&buffer, value.text, value.size) == 0);
        assert(buffer_append_string(&buffer, ",\"c\":0}") == 0);

        if (json_scan(buffer.data, buffer.size, &object, &error) < 0) {
                assert(streq(error.reason, "nesting deeper than 512"));
                return;
        }
        assert(json_object_find(object, "a-b", &found));
        assert(fuzz_slice_equals(found, value.text, value.size));
        assert(json_object_find(object, "c", &found));
}

/* What is not portable holds an escape, a long number or one with an exponent, or is deep. */
static void check_portable(const char *text, size_t size) {
        JsonSlice value;
        JsonError error = {};

        if (json_scan_portable(text, size, &value, &error) == 0)
                return;
        assert(!error.is_incomplete && error.offset < size);
        assert(strchr("\\-0123456789[{", text[error.offset]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data;
        JsonSlice value = {};
        JsonError error = {};

        if (json_scan(text, size, &value, &error) < 0) {
                assert(!value.text);
                check_error(text, size, &error);
                return 0;
        }

        assert(value.text >= text && value.size > 0 && value.text + value.size <= text + size);
        check_prefix(text, size);
        check_value(value, 0);
        check_splice(value);
        check_portable(text, size);
        return 0;
}
