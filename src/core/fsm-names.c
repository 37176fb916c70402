/* The names of states and events, for the log at debug. */
#include "core/fsm.h"

#include "util/macro.h"

const char *fsm_state_to_string(FsmState state) {
        static const char *const names[_FSM_STATE_MAX] = {
                [FSM_REGISTERING] = "REGISTERING",
                [FSM_REGISTER_WAIT] = "REGISTER_WAIT",
                [FSM_IDLE] = "IDLE",
                [FSM_REPORTING] = "REPORTING",
                [FSM_REPORT_WAIT] = "REPORT_WAIT",
                [FSM_STOPPING] = "STOPPING",
        };

        assert(state < _FSM_STATE_MAX);
        return names[state];
}

const char *fsm_event_to_string(FsmEventType type) {
        static const char *const names[_FSM_EVENT_MAX] = {
                [FSM_EVENT_OK] = "OK",
                [FSM_EVENT_FORGOTTEN] = "FORGOTTEN",
                [FSM_EVENT_ID_REFUSED] = "ID_REFUSED",
                [FSM_EVENT_FAILED] = "FAILED",
                [FSM_EVENT_TIMER] = "TIMER",
                [FSM_EVENT_REREGISTER] = "REREGISTER",
                [FSM_EVENT_OUTDATED] = "OUTDATED",
                [FSM_EVENT_ADDRESS_CHANGED] = "ADDRESS_CHANGED",
                [FSM_EVENT_RELOAD] = "RELOAD",
                [FSM_EVENT_REPORT] = "REPORT",
                [FSM_EVENT_HEALTH_CHANGED] = "HEALTH_CHANGED",
                [FSM_EVENT_STOP] = "STOP",
        };

        assert(type < _FSM_EVENT_MAX);
        return names[type];
}
