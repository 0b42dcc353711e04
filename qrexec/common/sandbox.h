/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef QREXEC_SANDBOX_H
#define QREXEC_SANDBOX_H

/** Give up what a process that only moves messages does not need: capabilities, new programs and processes.
 */
void sandbox_enter(void);

#endif
