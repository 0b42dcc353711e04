/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the domain manager over qubesd.sock ($QUBESD_SOCKET, default /var/run/qubesd.sock). No GLib: a
 * tool must start in a millisecond. */
#ifndef QVM_CLIENT_H
#define QVM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
    char *data;  /* whole answer, NUL-terminated; owned */
    size_t size; /* of text */
    bool ok;
    const char *text;      /* answer when ok */
    const char *exception; /* "QubesVMNotFoundError" … when not ok */
    const char *message;   /* for people, when not ok */
};

void answer_free(struct answer *a);

/* Send METHOD[+ARG] to DEST; returns a descriptor to wait on, or -1 (message printed). */
int client_begin(const char *method, const char *arg, const char *dest, const char *payload);
/* Read the answer and close fd. While it takes longer than a second and stderr is a terminal, show `what` and
 * the seconds. timeout_s < 0: wait forever; when it passes: false, a->exception "Timeout", fd closed. */
bool client_end(int fd, const char *what, double timeout_s, struct answer *a);
/* Both; a message of the manager is printed as "PROGRAM: message". */
bool client_call(const char *method, const char *arg, const char *dest, const char *payload,
                 struct answer *a);
/* The same for a long copy: a terminal is shown a bar. name: which copy, as the manager's event "progress"
 * has it. */
bool client_copy(const char *method, const char *arg, const char *dest, const char *payload, const char *name,
                 struct answer *a);
/* The same when the text is of no interest. */
bool client_do(const char *method, const char *arg, const char *dest, const char *payload);
/* Stream fd's content as the new content of a volume, with a progress bar. size 0: unknown. */
bool client_import(const char *volume, const char *dest, int fd, unsigned long long size);

void client_complain(const struct answer *a);

#endif
