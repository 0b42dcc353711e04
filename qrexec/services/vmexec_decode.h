/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The argument of qubes.VMExec: words joined by '+', odd bytes as "-HH", '-' as "--". Pure. */
#ifndef QREXEC_VMEXEC_DECODE_H
#define QREXEC_VMEXEC_DECODE_H

#include <stddef.h>

#define VMEXEC_MAX_WORDS 4096

/**
 * Decode in place.
 * @param argv  gets the words and a final NULL; room for VMEXEC_MAX_WORDS + 1
 * @return number of words, or -EINVAL
 */
int vmexec_decode(char *untrusted_text, char *argv[VMEXEC_MAX_WORDS + 1]);

#endif
