/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys (`xl debug-keys`): each prints one part of the hypervisor's state. */
#pragma once

#include "bh/types.h"

void key_press(char key);
