/* SPDX-License-Identifier: MIT */
/* Preloaded, it makes the agent's random bits always the same: those that manager.c asks for, and
 * no others. */
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t getrandom(void *buffer, size_t size, unsigned flags) {
        static const unsigned char bits[8] = { [7] = 0x80 };

        if (size != sizeof bits || flags != GRND_NONBLOCK)
                return syscall(SYS_getrandom, buffer, size, flags);

        memcpy(buffer, bits, sizeof bits);
        return sizeof bits;
}
