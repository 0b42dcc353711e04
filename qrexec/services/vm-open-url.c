/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service qubes.OpenURL: one line, a URL, given to the desktop's browser. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define MAX_URL 4096

/* No blanks, controls or quotes; of the schemes only those that do not reach local files. */
static bool url_valid(const char *untrusted_url)
{
    static const char *const schemes[] = {"http://", "https://", "ftp://", "mailto:"};

    for (const char *p = untrusted_url; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("\"'`\\<>", *p))
            return false;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(untrusted_url, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

int main(void)
{
    const char *opener = getenv("QUBES_OPEN_COMMAND");
    char untrusted_url[MAX_URL + 2];

    if (!fgets(untrusted_url, sizeof(untrusted_url), stdin))
        return 1;
    untrusted_url[strcspn(untrusted_url, "\n")] = 0;
    if (strlen(untrusted_url) > MAX_URL || !url_valid(untrusted_url)) {
        qlog("this is not a URL that may be opened");
        return 1;
    }
    setenv("XDG_CURRENT_DESKTOP", "X-Generic", 1);
    setenv("DE", "generic", 1);
    if (!freopen("/dev/null", "r", stdin))
        return 1;
    dup2(2, 1);
    execlp(opener ? opener : "xdg-open", opener ? opener : "xdg-open", untrusted_url, NULL);
    qlog_errno("cannot run xdg-open");
    return 125;
}
