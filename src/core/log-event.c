#include "core/log-event.h"

#include <stddef.h>

#include "util/macro.h"

static const struct {
        const char *name;
        const char *message_id;
} log_events[_LOG_EVENT_MAX] = {
        [LOG_EVENT_STARTED] = { "started", "e4fd06fd8c4642b488fd7405eaf87da3" },
        [LOG_EVENT_STOPPING] = { "stopping", "4899f76598084755accf53c7a7f10786" },
        [LOG_EVENT_CONFIG_INVALID] = { "config-invalid", "3b3573799b644f26be6086fa5c43d612" },
        [LOG_EVENT_REGISTERED] = { "registered", "f05801f9a49e4eddba6b16de9fd56bab" },
        [LOG_EVENT_REGISTER_FAILED] = { "register-failed", "49d8aef75d684add82188f2d3c45c3fd" },
        [LOG_EVENT_REREGISTER] = { "reregister", "c6385ecc722c435eb7504b54aaa68fea" },
        [LOG_EVENT_ID_REPLACED] = { "id-replaced", "39a1ea3c5e6741fd912ed150c0cbb160" },
        [LOG_EVENT_REPORT_OK] = { "report-ok", "af244d810fdc41d393b72f2e01f48861" },
        [LOG_EVENT_REPORT_FAILED] = { "report-failed", "c885163065f84b7b8eee493d08e95aa2" },
        [LOG_EVENT_REPORT_RECOVERED] = { "report-recovered", "6858e3dc9cdf47d3a4a0d66f1adfa432" },
        [LOG_EVENT_NODE_FORGOTTEN] = { "node-forgotten", "abaf75b9c4f544e8944895abf64ec873" },
        [LOG_EVENT_HEALTH_FILE_BAD] = { "health-file-bad", "4d0552d59584406b83ee868c51fe4b24" },
        [LOG_EVENT_HEALTH_FILE_GOOD] = { "health-file-good", "482bed5474694381989779d715135177" },
        [LOG_EVENT_ADDRESS_CHANGED] = { "address-changed", "72532a643828433c9cfe1bc364217611" },
        [LOG_EVENT_ENDPOINT_CHANGED] = { "endpoint-changed", "7c8f39ca8ed146f7ab500edaa2576177" },
        [LOG_EVENT_STATE_CORRUPT] = { "state-corrupt", "6f02b9df18794d819c8a08815c341665" },
        [LOG_EVENT_STATE_UNWRITABLE] = { "state-unwritable", "325aa6917acb4cc082ce880976877cd6" },
        [LOG_EVENT_STATE_RECOVERED] = { "state-recovered", "069eb25208064450beead9547d58d19f" },
        [LOG_EVENT_BUS_LOST] = { "bus-lost", "732878425b6c4993a864cb2cc2cac68b" },
        [LOG_EVENT_BUS_BACK] = { "bus-back", "fb28e443d6f14e0e9d3d04e5f9d52e28" },
        [LOG_EVENT_SECRET_RELOADED] = { "secret-reloaded", "0292134353bc450ea0b72f5834b02145" },
};

const char *log_event_name(LogEvent event) {
        assert(event < _LOG_EVENT_MAX);
        return log_events[event].name;
}

const char *log_event_message_id(LogEvent event) {
        assert(event < _LOG_EVENT_MAX);
        return log_events[event].message_id;
}
