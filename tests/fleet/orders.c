/* SPDX-License-Identifier: MIT */
#include "orders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"

enum { ORDER_SIZE_MAX = 128 };

static int parse_verb(const char *text, OrderVerb *ret) {
        static const char *const names[_ORDER_VERB_MAX] = {
                [ORDER_ANSWER] = "answer",
                [ORDER_DELAY] = "delay",
                [ORDER_SERVE] = "serve",
                [ORDER_LOSE] = "lose",
                [ORDER_CUT] = "cut",
                [ORDER_STOP] = "stop",
                [ORDER_SUSPEND] = "suspend",
                [ORDER_RESTART] = "restart",
                [ORDER_HEALTH] = "health",
                [ORDER_MOVE] = "move",
                [ORDER_STEP] = "step",
                [ORDER_MARK] = "mark",
        };

        for (OrderVerb verb = 0; verb < _ORDER_VERB_MAX; verb++)
                if (strcmp(names[verb], text) == 0) {
                        *ret = verb;
                        return 0;
                }
        return -EINVAL;
}

static int parse_word(const char *word, Order *order) {
        if (sscanf(word, "nodes=%u-%u", &order->first_percent, &order->last_percent) == 2 ||
                        sscanf(word, "chance=%u", &order->chance_percent) == 1 ||
                        sscanf(word, "address=%d", &order->address) == 1 ||
                        sscanf(word, "seconds=%u", &order->seconds) == 1 ||
                        sscanf(word, "after=%u", &order->after) == 1 ||
                        sscanf(word, "within=%u", &order->within) == 1)
                return 0;

        order->answer = answer_from_string(word);
        return order->answer == ANSWER_NONE ? -EINVAL : 0;
}

int order_parse(const char *text, Order *ret) {
        Order order = { .last_percent = 100, .chance_percent = 100, .address = -1 };
        char copy[ORDER_SIZE_MAX], verb[16], *rest = NULL;
        int begin = 0, r;

        if (strlen(text) >= sizeof copy || sscanf(text, "%u %15s%n", &order.at_second, verb, &begin) != 2)
                return -EINVAL;
        r = parse_verb(verb, &order.verb);

        strcpy(copy, text + begin);
        for (char *word = strtok_r(copy, " ", &rest); r >= 0 && word; word = strtok_r(NULL, " ", &rest))
                r = parse_word(word, &order);
        if (r < 0 || (order.verb == ORDER_ANSWER && order.answer == ANSWER_NONE))
                return -EINVAL;

        *ret = order;
        return 0;
}
