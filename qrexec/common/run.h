/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start what a command names and carry its data: the called side of a call, in a VM and in dom0. */
#ifndef QREXEC_RUN_H
#define QREXEC_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "command.h"
#include "config.h"

struct libvchan;

/* Ready-made shell of a user for shell commands; a login shell gets '-' before its name. */
struct run_shell {
    const char *path; /* NULL: /bin/sh */
    bool login;
};

/** Clean the environment of foreign QREXEC variables and set those of this command. @return 0 or -errno */
int run_environment(const struct command *command);

/** Start a program with our descriptors as its stdio. -1 leaves a stream as it is. @return pid or -errno */
pid_t run_spawn(const char *path, char *const argv[], int in, int out, int err);

/**
 * Run qubes.WaitForSession and wait for its end, when the configuration asks for it.
 * @param user  whose session, told on its stdin
 */
void run_wait_for_session(const struct command *command, const char *user);

struct run {
    const struct command *command;
    const struct service_config *config;
    struct run_shell shell;
    struct libvchan *vchan; /* NULL: our own stdin and stdout are the caller (dom0 to dom0) */
    size_t chunk;
    bool just_exec;      /* stdio is /dev/null, status 0 at once */
    bool capture_stderr; /* a VM sends it to the caller; dom0 keeps it */
};

/** Run the command as who we are, to its end. @return its status */
int run_command(struct run *run);

/** Tell the caller that the call failed before anything ran. @return status */
int run_fail(const struct run *run, int status);

#endif
