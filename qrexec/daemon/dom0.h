/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0 does with calls, by the daemons' sockets: used by the daemon's call handlers and by
 * qrexec-client. */
#ifndef QREXEC_DOM0_H
#define QREXEC_DOM0_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

struct libvchan;

#define QREXEC_SOCKET_DIR "/var/run/qubes"

/**
 * Connect to the daemon of a domain (name, number or "uuid:…") and say HELLO, for one request.
 * @return fd or -errno, not logged
 */
int dom0_connect(const char *socket_dir, const char *domain);

/**
 * Ask a daemon to run a command.
 * @param type    MSG_EXEC_CMDLINE or MSG_JUST_EXEC
 * @param caller  domid of the caller; 0: dom0
 * @param params  out: the domain's id and the port of the data channel
 * @return 0 or -errno, reason logged
 */
int dom0_request_exec(int fd, uint32_t type, uint32_t caller, const char *command,
                      struct exec_params *params);

/**
 * Tell the source's daemon, to which `fd` leads, where its call is served.
 * @param where  domid and port; both 0: dom0 serves it; then the daemon picks a port, and *where gets the
 * source's domid and that port
 * @return 0 or -errno, reason logged
 */
int dom0_service_connect(int fd, struct exec_params *where, const char *ident);

/** Wait till the daemon closes the connection: the call has ended. */
void dom0_wait_end(int fd);

/**
 * Serve a call of a VM in dom0.
 * @param fd      connection with the caller's daemon
 * @param command "[nogui:]QUBESRPC …" or a shell command
 * @param seconds to wait for the VM's data channel; 0: for ever
 * @return status of the command (the caller was told), or -errno if the caller could not be told anything
 */
int dom0_serve(int fd, const char *ident, const char *command, unsigned seconds);

/** Run a command in dom0 with our own stdio. @return its status */
int dom0_run_in_place(const char *command);

/** Is it dom0's name, keyword or uuid? */
bool dom0_is(const char *name);

#endif
