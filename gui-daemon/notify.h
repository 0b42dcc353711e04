/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Desktop notifications of dom0. Without a session bus they are only log lines. */
#ifndef NOTIFY_H
#define NOTIFY_H

/* Show `text` (plain) under `summary`. Returns at once. */
void notify_show(const char *summary, const char *text);

#endif
