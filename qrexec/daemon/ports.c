/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data ports of one domain. */
#include "ports.h"

#include <string.h>

static int take(struct port_table *table, uint32_t i, uint32_t peer, int client)
{
    table->ports[i].used = true;
    table->ports[i].peer = peer;
    table->ports[i].client = client;
    return (int)(QREXEC_DATA_PORT + i);
}

int port_take(struct port_table *table, uint32_t own, uint32_t peer, int client)
{
    uint32_t first = peer && own <= peer ? 1 : 0, step = peer ? 2 : 1;

    for (uint32_t i = first; i < MAX_CONNECTIONS; i += step)
        if (!table->ports[i].used)
            return take(table, i, peer, client);
    for (uint32_t i = MAX_CONNECTIONS; peer && i-- > 0;)
        if (!table->ports[i].used)
            return take(table, i, peer, client);
    return -1;
}

void port_made(struct port_table *table, uint32_t peer, uint32_t port)
{
    for (uint32_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (table->made[i].port)
            continue;
        table->made[i].peer = peer;
        table->made[i].port = port;
        return;
    }
}

void port_forget_made(struct port_table *table)
{
    memset(table->made, 0, sizeof(table->made));
}

bool port_valid(uint32_t untrusted_port)
{
    return untrusted_port >= QREXEC_DATA_PORT && untrusted_port < QREXEC_DATA_PORT + MAX_CONNECTIONS;
}

int port_release(struct port_table *table, uint32_t untrusted_peer, uint32_t untrusted_port)
{
    uint32_t i = untrusted_port - QREXEC_DATA_PORT;
    int client;

    for (uint32_t m = 0; m < MAX_CONNECTIONS; m++) {
        if (table->made[m].port != untrusted_port || table->made[m].peer != untrusted_peer)
            continue;
        table->made[m].port = 0;
        return -1;
    }
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
