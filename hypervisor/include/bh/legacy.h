/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BH_LEGACY_H
#define BH_LEGACY_H

#include "bh/types.h"

/* First I/O port of the UART that the hypervisor's console uses, which dom0 must not see; 0: none. */
uint16_t console_uart_port(void);

#endif
