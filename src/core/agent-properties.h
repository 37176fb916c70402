/* SPDX-License-Identifier: MIT */
/* The agent on D-Bus: its names, its properties and the errors of its methods, each in one line.
 *
 * These lists expand to the snapshot that the agent publishes and its comparison (agent-status.h), to the
 * table that sd-bus serves (bus/bus.c), and to what argusctl reads, compares and prints. A new property
 * is a line here, an assignment where the agent fills in the snapshot, and its documentation
 * (dbus/org.argus.Agent1.xml, which a test compares, docs/contract.md and the man page). The names are
 * promises: they do not change. */
#pragma once

#define AGENT_BUS_NAME "org.argus.Agent1"
#define AGENT_PATH "/org/argus/Agent1"
#define AGENT_INTERFACE "org.argus.Agent1"
#define AGENT_ERROR_PREFIX "org.argus.Agent1.Error."

/* PROPERTY(name, type, member of AgentStatus, change signal), in the order of the contract.
 *
 * Types: STRING(bytes at most), BOOLEAN, UINT32, UINT64, TIME (CLOCK_REALTIME in µs, 0 for never), and
 * HEALTH, the list of health files: it is read where it is asked for, and its member counts its changes.
 * Change signals: CONSTANT, CHANGES (with the new value), INVALIDATES (without), COUNTS (none). */
#define AGENT_PROPERTIES(PROPERTY)                                                                          \
        PROPERTY(Version, STRING(63), version, CONSTANT)                                                    \
        PROPERTY(Hostname, STRING(255), hostname, CONSTANT)                                                 \
        PROPERTY(HealthDirectory, STRING(PATH_MAX - 1), health_directory, CONSTANT)                         \
        PROPERTY(MasterEndpoint, STRING(ENDPOINT_SIZE_MAX), master_endpoint, CHANGES)                       \
        PROPERTY(Env, STRING(IDENTITY_PART_MAX), env, CHANGES)                                              \
        PROPERTY(User, STRING(IDENTITY_PART_MAX), user, CHANGES)                                            \
        PROPERTY(Instance, STRING(IDENTITY_PART_MAX), instance, CHANGES)                                    \
        PROPERTY(IdentitySource, STRING(31), identity_source, CHANGES)                                      \
        PROPERTY(NodeId, STRING(NODE_ID_MAX), node_id, CHANGES)                                             \
        PROPERTY(Registered, BOOLEAN, is_registered, CHANGES)                                               \
        PROPERTY(StatePersisted, BOOLEAN, is_state_persisted, CHANGES)                                      \
        PROPERTY(State, STRING(31), state, CHANGES)                                                         \
        PROPERTY(Address, STRING(63), address, CHANGES)                                                     \
        PROPERTY(LastRegistrationTimestamp, TIME, last_registration_usec, CHANGES)                          \
        PROPERTY(LastReportStatus, STRING(31), last_report_status, CHANGES)                                 \
        PROPERTY(LastReportTimestamp, TIME, last_report_usec, CHANGES)                                      \
        PROPERTY(LastSuccessfulReportTimestamp, TIME, last_successful_report_usec, CHANGES)                 \
        PROPERTY(NextReportTimestamp, TIME, next_report_usec, CHANGES)                                      \
        PROPERTY(LastReportHttpStatus, UINT32, last_report_http_status, CHANGES)                            \
        PROPERTY(LastReportError, STRING(OUTCOME_ERROR_SIZE - 1), last_report_error, CHANGES)               \
        PROPERTY(ConsecutiveFailures, UINT32, consecutive_failures, CHANGES)                                \
        PROPERTY(ReportsSucceeded, UINT64, reports_succeeded, COUNTS)                                       \
        PROPERTY(ReportsFailed, UINT64, reports_failed, COUNTS)                                             \
        PROPERTY(Registrations, UINT64, registrations, COUNTS)                                              \
        PROPERTY(HealthFiles, HEALTH, health_generation, INVALIDATES)

/* What each type is in C and on D-Bus. */
#define PROPERTY_MEMBER_STRING(max) typeof(char[(max) + 1])
#define PROPERTY_MEMBER_BOOLEAN bool
#define PROPERTY_MEMBER_UINT32 uint32_t
#define PROPERTY_MEMBER_UINT64 uint64_t
#define PROPERTY_MEMBER_TIME usec_t
#define PROPERTY_MEMBER_HEALTH uint64_t

#define PROPERTY_SIGNATURE_STRING(max) "s"
#define PROPERTY_SIGNATURE_BOOLEAN "b"
#define PROPERTY_SIGNATURE_UINT32 "u"
#define PROPERTY_SIGNATURE_UINT64 "t"
#define PROPERTY_SIGNATURE_TIME "t"
#define PROPERTY_SIGNATURE_HEALTH "a(sss)"

/* ERROR(result, name behind AGENT_ERROR_PREFIX, words): how a method fails. The words stand alone where no
 * reason is known, and argusctl prints them before the reason. */
#define AGENT_ERRORS(ERROR)                                                                                 \
        ERROR(OPERATION_NOT_REGISTERED, "NotRegistered", "The node is not registered")                      \
        ERROR(OPERATION_UNREACHABLE, "MasterUnreachable", "The Master cannot be reached")                   \
        ERROR(OPERATION_REJECTED, "MasterRejected", "The Master refused")                                   \
        ERROR(OPERATION_STOPPING, "Stopping", "The agent is stopping")
