/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a qrexec-daemon: one VM's agent, its dom0 clients, its ports and its pending requests. */
#ifndef QREXEC_DAEMON_H
#define QREXEC_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "call.h"
#include "channel.h"
#include "ports.h"
#include "workers.h"

#define MAX_CLIENTS 512
#define QUEUE_LIMIT (1u << 20) /* bytes waiting for the agent: more stops all reading */

struct client {
    struct channel channel;
    bool used, greeted;
};

/* A request that the policy is being asked about. */
struct pending {
    uint32_t id;    /* 0: free */
    bool connected; /* SERVICE_CONNECT came */
    int64_t
        made_at; /* ms: the handler ended well, but SERVICE_CONNECT has not been read yet; 0: it works on */
    char ident[32];
};

struct daemon {
    struct call_settings settings;
    const char *uuid, *default_user;
    struct channel agent;
    struct libvchan *connecting;
    int connect_fd;
    bool ready; /* handshake with the agent done */
    uint32_t version;
    int listen_fd;
    struct workers broker;
    struct client clients[MAX_CLIENTS];
    struct port_table ports;
    struct pending pending[MAX_PENDING];
    uint32_t last_id;
};

/* agent_link.c: the control channel */

/** Begin to connect to the agent. @return 0 or -errno */
int agent_connect(struct daemon *d);

/** The descriptor that agent_link_event() waits for. */
int agent_fd(const struct daemon *d);

/** The descriptor is readable. @return 0; -EAGAIN: the agent is gone, connect again; other: give up */
int agent_event(struct daemon *d);

/** Take results of requests. @return 0, or -errno if the broker is gone */
int agent_results(struct daemon *d);

/** Handle one message of the agent. @return 0 or -EPROTO */
int agent_message(struct daemon *d, uint32_t type, char *untrusted_body, size_t size);

/* clients.c: the dom0 socket */

/** Make the socket and its symlinks. @return 0 or -errno, logged */
int clients_listen(struct daemon *d);

/** Remove the socket and drop all clients. */
void clients_close(struct daemon *d);

void clients_accept(struct daemon *d);

/** A client's descriptor is ready. */
void client_event(struct daemon *d, int index);

/** Close one client. */
void client_drop(struct daemon *d, int index);

/** Handle one message of a client. @return 0, or -errno: drop it */
int client_message(struct daemon *d, int index, uint32_t type, char *body, size_t size);

#endif
