/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data ports of one domain: which are in use, for which peer. Pure. */
#ifndef QREXEC_PORTS_H
#define QREXEC_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

struct port_table {
    struct {
        bool used;
        uint32_t peer;
        int client; /* index of the dom0 client that waits for the end, -1: none */
    } ports[MAX_CONNECTIONS];
    /* Calls that this domain makes, on ports of the other domain's daemon. */
    struct {
        uint32_t peer, port; /* port 0: free */
    } made[MAX_CONNECTIONS];
};

/**
 * Take the first free port. Between two VMs each daemon uses every second one, so that both never pick the
 * same.
 * @return port number, or -1 if none is free
 */
int port_take(struct port_table *table, uint32_t own, uint32_t peer, int client);

/** This domain's call is served by a peer on one of the peer's ports. */
void port_made(struct port_table *table, uint32_t peer, uint32_t port);

/** The agent was started anew and will not report the end of the calls that were made before. */
void port_forget_made(struct port_table *table);

/**
 * The agent said that a connection ended: made or served, it does not tell. If both exist, a port is free
 * only when both ended.
 * @param untrusted_peer, untrusted_port  as it said; the port must be within the range
 * @return index of the waiting client, or -1
 */
int port_release(struct port_table *table, uint32_t untrusted_peer, uint32_t untrusted_port);

/** The client went away; its port stays taken till the agent says that the connection ended. */
void port_forget_client(struct port_table *table, int client);

/** Is it a number that port_take() can give? */
bool port_valid(uint32_t untrusted_port);

#endif
