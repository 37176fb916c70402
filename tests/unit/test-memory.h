/* SPDX-License-Identifier: MIT */
/* Lets one allocation after another fail, so that every -ENOMEM is walked through, and sees to it that
 * nothing leaks there. Include it in one file of a test: it replaces malloc() in the whole program. A
 * sanitizer or valgrind brings its own malloc(); the tests that need this one are skipped there. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Volatile: compilers know that malloc() reads no variable of ours. This one does. */
static volatile size_t memory_fail_in; /* this many allocations from now; 0: none */
static volatile long memory_live;      /* blocks */

#if defined __has_feature
#        if __has_feature(address_sanitizer)
#                define MEMORY_IS_TAKEN
#        endif
#endif
#ifdef __SANITIZE_ADDRESS__
#        define MEMORY_IS_TAKEN
#endif

#ifndef MEMORY_IS_TAKEN

/* What glibc's own functions of these names do. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool memory_fails(void) {
        return memory_fail_in > 0 && --memory_fail_in == 0;
}

static void *memory_made(void *block) {
        if (block)
                memory_live++;
        return block;
}

void *malloc(size_t size) {
        return memory_fails() ? NULL : memory_made(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
        return memory_fails() ? NULL : memory_made(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size) {
        if (memory_fails())
                return NULL;
        return block ? __libc_realloc(block, size) : memory_made(__libc_realloc(NULL, size));
}

void free(void *block) {
        if (block)
                memory_live--;
        __libc_free(block);
}

#endif

static bool memory_can_fail(void) {
        /* Called as others call it: one that is inlined is not the one that valgrind has put in
         * its place. */
        void *(*volatile allocate)(size_t) = malloc;
        void *volatile block;

        memory_fail_in = 1;
        block = allocate(1);
        memory_fail_in = 0;

        free(block);
        return !block;
}

/* Calls the function, which gives back all it allocates, again and again, with the first, the second … of
 * its allocations failing, until it makes no more of them. Each time it has to return -ENOMEM, or 0: the C
 * library can do without some (to shrink what asprintf() made), and in the end nothing fails. */
static inline void memory_check(int (*function)(void)) {
        long live;
        size_t n = 0, n_failed = 0;
        bool has_failed;
        int r;

        if (!memory_can_fail())
                skip();

        do {
                live = memory_live;
                memory_fail_in = ++n;
                r = function();
                has_failed = memory_fail_in == 0;
                memory_fail_in = 0;
                assert_int_equal(memory_live, live);
                if (r != 0)
                        assert_int_equal(r, -ENOMEM);
                n_failed += r != 0;
        } while (has_failed);

        assert_int_equal(r, 0);
        assert_true(n_failed > 0);
}
