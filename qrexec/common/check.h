/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of names that come from another domain. Pure functions. */
#ifndef QREXEC_CHECK_H
#define QREXEC_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/** May this request id be used? Letters, digits, "_-. "; a NUL, and only NULs after it. */
bool ident_valid(const char untrusted_ident[32]);

/**
 * Make a service string safe in place: characters outside A-Za-z0-9_-.+ become '_'.
 * @param size  bytes with the NUL at the end
 * @return false if it must be refused: no NUL at the end, a NUL before it, empty, or a '+' first
 */
bool service_sanitize(char *untrusted_service, size_t size);

/** Cut a domain name at the end of its field; characters outside A-Za-z0-9_-.@: become '_'. */
void name_sanitize(char *untrusted_name, size_t size);

/** Replace what could harm a terminal by '_': all but printable ASCII and \t \n \r \b \a. */
void text_replace_odd(char *text, size_t size);

#endif
