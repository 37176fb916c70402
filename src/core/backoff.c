#include "core/backoff.h"

#include "util/macro.h"

usec_t usec_between(usec_t least, usec_t most, uint64_t random) {
        assert(least <= most);

        /* The high half of the product spreads 64 random bits over the range without a division's bias. */
        return least +
               (usec_t) (((unsigned __int128) random * ((unsigned __int128) (most - least) + 1)) >> 64);
}

usec_t backoff_next(Backoff *backoff, usec_t wish_usec, uint64_t random) {
        usec_t least, most;

        assert(backoff);
        assert(!backoff_is_over(backoff));

        most = (2 * BACKOFF_MIN_USEC) << backoff->failures++; /* 2 s, 4 s, … 32 s */
        least = most / 2;

        if (wish_usec > most) {
                least = BACKOFF_MIN_USEC;
                most = usec_earlier(wish_usec, BACKOFF_MAX_USEC);
        }

        return usec_between(least, most, random);
}

bool backoff_is_over(const Backoff *backoff) {
        assert(backoff);

        return backoff->failures >= BACKOFF_PAUSES;
}

void backoff_reset(Backoff *backoff) {
        assert(backoff);

        backoff->failures = 0;
}
