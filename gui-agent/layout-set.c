/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qubes-set-monitor-layout: the service qubes.SetMonitorLayout. Reads dom0's monitors from standard input and
 * gives the domain's X screen the same ones.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xcb/xcb.h>

#include "randr.h"

#define MAX_TEXT 4096

/* All of standard input; -E2BIG if it is longer than any layout. */
static ssize_t read_input(char *text, size_t size)
{
    size_t used = 0;

    for (;;) {
        ssize_t n = used < size ? read(STDIN_FILENO, text + used, size - used) : -1;

        if (n == 0)
            return (ssize_t)used;
        if (used == size)
            return -E2BIG;
        if (n < 0)
            return -errno;
        used += (size_t)n;
    }
}

static int apply(const struct layout *layout)
{
    xcb_connection_t *conn = xcb_connect(NULL, NULL);
    int rc = -ENOENT;

    if (!xcb_connection_has_error(conn))
        rc = randr_apply(conn, xcb_setup_roots_iterator(xcb_get_setup(conn)).data, layout);
    xcb_disconnect(conn);
    return rc;
}

int main(void)
{
    char text[MAX_TEXT];
    struct layout layout;
    ssize_t length = read_input(text, sizeof(text));
    int rc = length < 0 ? (int)length : layout_parse(text, (size_t)length, &layout);

    if (!rc)
        rc = apply(&layout);
    if (rc)
        fprintf(stderr, "qubes-set-monitor-layout: %s\n", strerror(-rc));
    return rc ? 1 : 0;
}
