/* SPDX-License-Identifier: MIT */
/* Lets the nth allocation (MEMORY_FAILS_AT) of a program fail, counted from the end of curl_global_init();
 * to be preloaded. When it ends without having come so far, it says "memory sufficed" on stderr. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* What glibc's own functions of these names do. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static volatile long fails_in;

int curl_global_init(long flags) {
        int (*real)(long) = (int (*)(long)) dlsym(RTLD_NEXT, "curl_global_init");
        int r = real(flags);

        fails_in = atol(getenv("MEMORY_FAILS_AT"));
        return r;
}

static bool fails(void) {
        if (fails_in == 0 || --fails_in > 0)
                return false;

        errno = ENOMEM;
        return true;
}

void *malloc(size_t size) {
        return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
        return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
        return fails() ? NULL : __libc_realloc(block, size);
}

__attribute__((destructor)) static void say_that_it_sufficed(void) {
        static const char text[] = "memory sufficed\n";

        if (fails_in > 0 && write(STDERR_FILENO, text, sizeof text - 1) < 0)
                abort();
}
