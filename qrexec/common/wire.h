/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qrexec wire format: message types, their bodies and the limits, as on the control channel (agent and
 * daemon), the data channels and the Unix sockets. Little-endian, packed; documented in docs/qrexec.md.
 */
#ifndef QREXEC_WIRE_H
#define QREXEC_WIRE_H

#include <stdint.h>

/* Message types. */
enum {
    MSG_DATA_STDIN = 0x190,     /* caller to service; empty: end of file */
    MSG_DATA_STDOUT = 0x191,    /* service to caller; empty: end of file */
    MSG_DATA_STDERR = 0x192,    /* service to caller; empty: end of file */
    MSG_DATA_EXIT_CODE = 0x193, /* service to caller: int32 */
    MSG_EXEC_CMDLINE = 0x200,   /* struct exec_params, command with NUL */
    MSG_JUST_EXEC = 0x201,      /* the same; stdio is /dev/null */
    MSG_SERVICE_CONNECT = 0x202,
    MSG_SERVICE_REFUSED = 0x203,
    MSG_TRIGGER_SERVICE = 0x210, /* version 2 */
    MSG_CONNECTION_TERMINATED = 0x211,
    MSG_TRIGGER_SERVICE3 = 0x212, /* version 3 */
    MSG_TRIGGER_SERVICE4 = 0x213, /* version 4 */
    MSG_HELLO = 0x300,
};

enum {
    QREXEC_VERSION = 4,
    QREXEC_VERSION_MIN = 2,
    QREXEC_VERSION_SOCKET = 3, /* what daemon and client say on the dom0 socket */
};

enum {
    QREXEC_CONTROL_PORT = 512,
    QREXEC_DATA_PORT = 513, /* first of MAX_CONNECTIONS */
    MAX_CONNECTIONS = 256,
    MAX_PENDING = 256,
    CONTROL_RING = 4096,
    DATA_RING = 65536,
    DATA_CHUNK_V2 = 4096,
    DATA_CHUNK = 65536,
    MAX_COMMAND = 65535,                /* body of EXEC_CMDLINE from a dom0 client */
    MAX_FORWARDED = MAX_COMMAND + 1024, /* the same with the default user's name filled in */
    MAX_SERVICE = 65000,                /* service string with NUL */
    MAX_SERVICE_NAME = 255,
};

/* Exit statuses of a call. */
enum {
    EXIT_QREXEC_PROBLEM = 125,
    EXIT_REFUSED = 126,
    EXIT_SERVICE_NOT_FOUND = 127,
    EXIT_NO_STATUS = 255,
};

struct msg_header {
    uint32_t type;
    uint32_t len; /* of what follows */
} __attribute__((packed));

struct exec_params {
    uint32_t domain;
    uint32_t port;
    /* then the command with its NUL, in EXEC_CMDLINE and JUST_EXEC */
} __attribute__((packed));

struct service_ident {
    char ident[32];
} __attribute__((packed));

/* SERVICE_CONNECT; a dom0 client may send a shorter ident, which ends with its NUL. */
struct service_connect {
    uint32_t domain;
    uint32_t port;
    char ident[32];
} __attribute__((packed));

struct trigger_service {
    char service[64];
    char target[32];
    char ident[32];
} __attribute__((packed));

struct trigger_service3 {
    char target[64];
    char ident[32];
    /* then the service with its NUL */
} __attribute__((packed));

struct trigger_service4 {
    char source[64];
    char target[64];
    char ident[32];
    /* then the service with its NUL */
} __attribute__((packed));

/* What the agent asks of a user's fork server, before the command with its NUL. */
struct fork_request {
    int32_t type;
    int32_t domain;
    int32_t port;
    uint32_t len;
} __attribute__((packed));

_Static_assert(sizeof(struct trigger_service) == 128, "0x210 has 128 bytes");
_Static_assert(sizeof(struct trigger_service3) == 96, "0x212 has 96 fixed bytes");
_Static_assert(sizeof(struct trigger_service4) == 160, "0x213 has 160 fixed bytes");

#endif
