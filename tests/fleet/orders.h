/* SPDX-License-Identifier: MIT */
/* What happens in a scenario, as text: an order is `SECOND VERB [RESPONSE] [KEY=VALUE]…`.
 *
 *     180 answer refused nodes=0-50      half of the nodes cannot connect
 *     180 answer 503 chance=30           30 % of all requests get a 503
 *     180 delay seconds=9                each response takes 9 s longer
 *     200 serve                          faults end: all, or those of address=K
 *     180 lose                           the Master loses its database
 *     180 cut chance=33                  a third of the connections break, with the requests in flight
 *     180 stop seconds=40 nodes=0-10     a tenth of the processes is stopped, and continued 40 s later
 *     180 suspend seconds=40             all machines sleep; unlike a stop, the agent can detect it
 *     180 restart nodes=0-10 within=60   agents are restarted, each at a random time of that minute
 *     180 health after=1 within=5        health files change, and the debounce ends 1 to 5 s later
 *     180 move nodes=0-10 after=1 within=5   the same for local addresses
 *     180 step seconds=600               every wall clock is set forward
 *     180 mark                           from here on, nodes that are back are counted
 *
 * Without nodes= it happens to all nodes, without address= at all addresses of the Master. */
#pragma once

#include "answers.h"

typedef enum OrderVerb {
        ORDER_ANSWER,
        ORDER_DELAY,
        ORDER_SERVE,
        ORDER_LOSE,
        ORDER_CUT,
        ORDER_STOP,
        ORDER_SUSPEND,
        ORDER_RESTART,
        ORDER_HEALTH,
        ORDER_MOVE,
        ORDER_STEP,
        ORDER_MARK,
        _ORDER_VERB_MAX,
} OrderVerb;

typedef struct Order {
        unsigned at_second;
        OrderVerb verb;
        AnswerKind answer;
        unsigned first_percent, last_percent; /* of the nodes; last_percent itself is excluded */
        unsigned chance_percent;
        int address; /* -1: all */
        unsigned seconds, after, within;
} Order;

/* Returns 0, or -EINVAL if the text is not an order. */
int order_parse(const char *text, Order *ret);

/* Whether the order is for this node. */
static inline bool order_is_for(const Order *order, uint32_t entry) {
        return entry % 100 >= order->first_percent && entry % 100 < order->last_percent;
}
