/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bh/domain.h"
#include "bh/hypercall.h"
HYPERCALL(domctl)
{
    (void)v, (void)args;
    return -XEN_ENOSYS;
}
HYPERCALL(sysctl)
{
    (void)v, (void)args;
    return -XEN_ENOSYS;
}
