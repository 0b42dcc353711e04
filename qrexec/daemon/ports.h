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
};

/**
 * Take the first free port. Between two VMs each daemon uses every second one, so that both never pick the
 * same.
 * @return port number, or -1 if none is free
 */
int port_take(struct port_table *table, uint32_t own, uint32_t peer, int client);

/**
 * The agent said that a connection ended.
 * @param untrusted_peer, untrusted_port  as it said; the port must be within the range
 * @return index of the waiting client, or -1
 */
int port_release(struct port_table *table, uint32_t untrusted_peer, uint32_t untrusted_port);

/** The client went away; its port stays taken till the agent says that the connection ended. */
void port_forget_client(struct port_table *table, int client);

/** Is it a number that port_take() can give? */
bool port_valid(uint32_t untrusted_port);

#endif
