/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions without PAM, for the socket variant: only the user who we are, with our environment. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"
#include "wire.h"

int session_run(const struct serve *serve, const char *user, struct run *run)
{
    struct passwd *pw = getpwnam(user);

    if (!pw || pw->pw_uid != geteuid()) {
        qlog("cannot run as %s: only as the user who we are", user);
        return serve_fail(serve, run);
    }
    return serve_open_data(serve, run) < 0 ? EXIT_QREXEC_PROBLEM : run_command(run);
}
