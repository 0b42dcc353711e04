/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decode the argument of qubes.VMExec. */
#include "vmexec_decode.h"

#include <errno.h>

/* Upper case only: each text has one encoding. */
static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character from *p, which moves on. -1: malformed. */
static int take(const char **p)
{
    int high, low;

    if (**p != '-')
        return (unsigned char)*(*p)++;
    if ((*p)[1] == '-') {
        *p += 2;
        return '-';
    }
    high = hex((*p)[1]);
    low = high < 0 ? -1 : hex((*p)[2]);
    *p += 3;
    return low < 0 ? -1 : high << 4 | low;
}

int vmexec_decode(char *untrusted_text, char *argv[VMEXEC_MAX_WORDS + 1])
{
    const char *from = untrusted_text;
    char *to = untrusted_text;
    int n = 1;

    argv[0] = to;
    while (*from) {
        int c;

        if (*from == '+') {
            from++;
            *to++ = 0;
            if (n == VMEXEC_MAX_WORDS)
                return -EINVAL;
            argv[n++] = to;
            continue;
        }
        c = take(&from);
        if (c <= 0)
            return -EINVAL;
        *to++ = (char)c;
    }
    *to = 0;
    argv[n] = NULL;
    return n;
}
