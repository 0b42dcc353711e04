/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's command line, in the words and rules of Xen (docs/misc/xen-command-line): words are
 * separated by blanks, the last one of a name wins, and what follows a word "--" is not ours. Pure functions
 * over strings.
 */
#pragma once

#include "bh/types.h"

/* True if `name` or `name=value` is there; copies the last value (empty for a bare name), cut to `size`. */
bool cmdline_get(const char *cmdline, const char *name, char *value, size_t size);

/* `name`, `name=yes|on|true|enable|1`, `no-name`, `name=no|off|false|disable|0`; the last one wins.
 * `fallback` if none, or if the last one's value is none of these (as in iommu=verbose). */
bool cmdline_bool(const char *cmdline, const char *name, bool fallback);

/* `name=number`, decimal, 0x hexadecimal or 0 octal, alone or first of a list ("115200,8n1"). `fallback` if
 * missing or malformed. */
uint64_t cmdline_number(const char *cmdline, const char *name, uint64_t fallback);

/* Whether a value with commas has this item. */
bool cmdline_list_has(const char *list, const char *item);

/* Walk over words whose name (before '=', a leading "no-" left out) is not in `known`; copies each, cut to
 * `size`. */
bool cmdline_next_unknown(const char **cursor, const char *const known[], size_t nr_known, char *word,
                          size_t size);

/*
 * The value of dom0_mem=, in any order: an amount (default: all), min:amount, max:amount. An amount is a size
 * (suffix B, K, M, G or T; none: KiB), a percentage of the available memory, or a sum as in 1G+25%; with a
 * minus in front it is what is left when this much is taken away. *bytes: what dom0 gets when `available` are
 * free, never more. 0, or -XEN_EINVAL.
 */
int cmdline_dom0_mem(const char *value, uint64_t available, uint64_t *bytes);
