/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a qrexec-agent: the control channel to dom0, calls being served, calls being made. */
#ifndef QREXEC_AGENT_H
#define QREXEC_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "channel.h"
#include "serve.h"
#include "workers.h"

#define AGENT_QUEUE_LIMIT (1u << 20)

/* One call; which member is set tells its kind. */
struct connection {
    bool used;
    uint32_t order;         /* being served: the worker's order, or 0 */
    struct channel channel; /* being made by this qrexec-client-vm */
    unsigned failures;      /* workers of it that were killed: another tells the caller */
    bool asked;             /* TRIGGER_SERVICE went to dom0 */
    bool connected;         /* domain and port are known */
    char ident[32];
    uint32_t domain, port;
};

struct agent {
    const char *socket_path, *fork_server;
    struct channel dom0;
    bool ready;   /* handshake done */
    bool greeted; /* our HELLO went out */
    uint32_t version;
    int listen_fd;
    struct workers workers; /* serve calls */
    uint32_t last_ident, last_order;
    struct connection connections[MAX_CONNECTIONS];
};

/* dom0_link.c */

/** Offer the control channel. @return 0 or -errno */
int dom0_offer(struct agent *a);

/** The control channel's descriptor is readable. @return 0, or -errno: fatal */
int dom0_event(struct agent *a);

/** Handle one message of dom0. @return 0 or -errno: drop the connection */
int dom0_message(struct agent *a, uint32_t type, const char *body, size_t size);

/* connections.c */

/** Start the processes that serve calls. @return 0 or -errno */
int connection_start_workers(struct agent *a);

/** Start to serve a call. */
void connection_serve(struct agent *a, uint32_t type, const char *body, size_t size);

/** Accept a qrexec-client-vm. */
void connection_accept(struct agent *a);

/** A client's descriptor is ready. */
void connection_event(struct agent *a, struct connection *c);

/** Workers ended. @return 0, or -errno if there are no more workers */
int connection_results(struct agent *a);

/** dom0 told where a client's call is served, or refused it. */
void connection_answer(struct agent *a, const char *ident, const struct exec_params *where);

/**
 * dom0's daemon went away, and with it its ports. Questions will not be answered; calls that still wait for
 * their data channel end, lest they take the channel of a later call on the same port; running calls go on.
 */
void connection_forget_all(struct agent *a);

#endif
