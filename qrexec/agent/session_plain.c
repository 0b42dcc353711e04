/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions without PAM, for the socket variant: only the user who we are, with our environment. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "util.h"
#include "wire.h"

int session_run(const char *user, struct run *run)
{
    struct passwd *pw = getpwnam(user);

    if (!pw || pw->pw_uid != geteuid()) {
        qlog("cannot run as %s: only as the user who we are", user);
        return run_fail(run, EXIT_QREXEC_PROBLEM);
    }
    return run_command(run);
}
