/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GRANT_LIMIT_H
#define GRANT_LIMIT_H

/*
 * gntalloc allows 1024 pages to the whole domain unless told otherwise; not even one large window. modprobe.d
 * raises that, but not if an initramfs loaded the module before. Without Xen or without permission nothing
 * happens.
 */
void grant_limit_raise(void);

#endif
