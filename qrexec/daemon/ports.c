/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data ports of one domain. */
#include "ports.h"

int port_take(struct port_table *table, uint32_t own, uint32_t peer, int client)
{
    uint32_t first = peer && own <= peer ? 1 : 0, step = peer ? 2 : 1;

    for (uint32_t i = first; i < MAX_CONNECTIONS; i += step) {
        if (table->ports[i].used)
            continue;
        table->ports[i].used = true;
        table->ports[i].peer = peer;
        table->ports[i].client = client;
        return (int)(QREXEC_DATA_PORT + i);
    }
    return -1;
}

bool port_valid(uint32_t untrusted_port)
{
    return untrusted_port >= QREXEC_DATA_PORT && untrusted_port < QREXEC_DATA_PORT + MAX_CONNECTIONS;
}

int port_release(struct port_table *table, uint32_t untrusted_peer, uint32_t untrusted_port)
{
    uint32_t i = untrusted_port - QREXEC_DATA_PORT;
    int client;

    /* Also the calling side reports an end; then the port is in the other daemon's table. */
    if (!table->ports[i].used || table->ports[i].peer != untrusted_peer)
        return -1;
    table->ports[i].used = false;
    client = table->ports[i].client;
    table->ports[i].client = -1;
    return client;
}

void port_forget_client(struct port_table *table, int client)
{
    for (uint32_t i = 0; i < MAX_CONNECTIONS; i++)
        if (table->ports[i].used && table->ports[i].client == client)
            table->ports[i].client = -1;
}
