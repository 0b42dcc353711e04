/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SECCOMP_H
#define SECCOMP_H

/*
 * Give up every system call that the main loop does not need; in particular starting programs, tracing,
 * changing identity, and sockets other than Unix ones. A refused call fails with EPERM. 0, or -errno.
 * $QUBES_GUID_SECCOMP=off (tests under tools that need more) leaves it out.
 */
int seccomp_enter(void);

#endif
