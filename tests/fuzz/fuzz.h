/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: libFuzzer's entry point, and reading an input from its front. Each
 * target asserts what the module promises; that nothing reads or writes where it must not is asserted
 * by the sanitizers. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json-scan.h"
#include "util/macro.h"
#include "util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct FuzzInput {
        const uint8_t *data;
        size_t size;
} FuzzInput;

/* 0 behind the end: an input is never too short. */
static inline uint8_t fuzz_byte(FuzzInput *input) {
        if (input->size == 0)
                return 0;

        input->size--;
        return *input->data++;
}

static inline uint64_t fuzz_number(FuzzInput *input, size_t bytes) {
        uint64_t number = 0;

        while (bytes-- > 0)
                number = number << 8 | fuzz_byte(input);
        return number;
}

/* A copy of all up to the next NUL, which is passed over. It has exactly the size that it needs, so that to
 * read behind it is found. */
static inline char *fuzz_string(FuzzInput *input) {
        size_t size = strnlen((const char *) input->data, input->size);
        char *copy = strndup(size > 0 ? (const char *) input->data : "", size);

        assert(copy);
        input->data += size;
        input->size -= size;
        (void) fuzz_byte(input);
        return copy;
}

/* Whether what is shown is fit for a terminal, a log and D-Bus. */
static inline bool fuzz_is_safe(const char *text) {
        _cleanup_free_ char *safe = text_sanitize(text, strlen(text), SIZE_MAX);

        assert(safe);
        return streq(safe, text);
}

static inline bool fuzz_slice_equals(JsonSlice slice, const char *text, size_t size) {
        return slice.size == size && memcmp(slice.text, text, size) == 0;
}
