/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts around services: first byte chooses configuration, command, TCP address, VMExec argument, .desktop
 * file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "config.h"
#include "desktop_entry.h"
#include "service.h"
#include "vmexec_decode.h"

static void on_config(const char *text, size_t size)
{
    struct service_config config;
    const char *problem;
    unsigned line;

    if (service_config_parse(text, size, &config, &line, &problem) == 0)
        service_config_free(&config);
}

static void on_command(const char *text)
{
    struct command c;

    if (command_parse(text, &c) < 0)
        return;
    if (!c.shell && (!*c.service || strchr(c.service, '/') || !*c.source))
        abort();
    command_free(&c);
}

static void on_tcp(const char *text)
{
    struct service s = {0};

    if (service_tcp_address("/dev/tcp", text, &s) == 0 && (atoi(s.port) < 1 || atoi(s.port) > 65535))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *argv[VMEXEC_MAX_WORDS + 1];
    static struct desktop_entry entry;
    char *text;

    if (!size)
        return 0;
    text = strndup((const char *)data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        on_config((const char *)data + 1, size - 1);
        break;
    case 1:
        on_command(text);
        break;
    case 2:
        on_tcp(text);
        break;
    case 3:
        vmexec_decode(text, argv);
        break;
    default:
        desktop_entry_parse((const char *)data + 1, size - 1, &entry);
    }
    free(text);
    return 0;
}
