/* SPDX-License-Identifier: MIT */
/* What simulation.c and simulation-orders.c share. */
#pragma once

#include "agent-model.h"
#include "simulation.h"
#include "walk.h"
#include "wheel.h"

/* Two events within a tick have no order. */
#define TICK_USEC UINT64_C(100)
#define TICKS_PER_SECOND ((tick_t) (USEC_PER_SEC / TICK_USEC))

/* Boot time when the simulation begins; 0 means "never" in the agent. */
#define BEGIN_USEC USEC_PER_HOUR

/* A machine, as small as possible: a million of them are accessed at random, through the cache. */
typedef struct Machine {
        union {
                ArgusAgent argus;
                NaiveAgent naive;
        };
        tick_t accepted_tick;     /* of the last report that was accepted */
        tick_t paused_tick;       /* until then nothing runs; 0: it was never paused */
        uint16_t accepted, asked; /* since the last ORDER_MARK */
        uint8_t known;            /* see master_model_ask() */
        uint8_t answer;           /* AnswerKind of the coming response; ANSWER_NONE: the timer is set */
        uint8_t kind;             /* of the request in flight */
        uint8_t happening;        /* OrderVerb that will reach the agent soon; 0: none */
        bool has_id;              /* of the request in flight */
        bool is_running;
} Machine;

typedef struct Simulation {
        const SimulationOptions *options;
        MasterModel master;
        Machine *machines;
        Walk *walks;  /* NULL with a single address */
        Wheel *wheel; /* per machine an entry for its timer or response; then one each for its happening */
        uint64_t random;
        tick_t now, marked_tick;
        size_t orders_done;
        SimulationSummary summary;
        /* Of the current second. */
        uint32_t requests, reached, accepted;
        uint32_t back; /* nodes with a report accepted since marked_tick */
} Simulation;

uint64_t simulation_random(Simulation *simulation);
usec_t simulation_usec(const Simulation *simulation);

/* The entry comes at that time, or as soon as possible if it has passed. */
void simulation_schedule(Simulation *simulation, uint32_t entry, usec_t at_usec);

/* Carries out an order: on the Master, or on each machine that it is for. */
void simulation_order(Simulation *simulation, const Order *order);
