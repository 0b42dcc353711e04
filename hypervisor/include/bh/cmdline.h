/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's command line, in the words and rules of Xen (docs/misc/xen-command-line): words are
 * separated by blanks, the last one of a name wins, sizes without a suffix are kibibytes, and what follows
 * a word "--" belongs to dom0's kernel. Pure functions over strings.
 */
#ifndef BH_CMDLINE_H
#define BH_CMDLINE_H

#include "bh/types.h"

/* Next word of *cursor (start: the command line). False at the end or at "--". *word is not terminated. */
bool cmdline_next(const char **cursor, const char **word, size_t *len);

/* True if `name` or `name=value` is there; copies the last value (empty for a bare name), cut to `size`. */
bool cmdline_get(const char *cmdline, const char *name, char *value, size_t size);

/* `name`, `name=yes|on|true|enable|1`, `no-name`, `name=no|off|false|disable|0`; the last one wins.
 * `fallback` if none, or if the last one's value is none of these (as in iommu=verbose). */
bool cmdline_bool(const char *cmdline, const char *name, bool fallback);

/* `name=number`, decimal, 0x hexadecimal or 0 octal. `fallback` if missing or malformed. */
uint64_t cmdline_number(const char *cmdline, const char *name, uint64_t fallback);

/* The number at the start of `s` ("115200,8n1"); what follows is not looked at. 0, or -XEN_EINVAL and *value
 * untouched. */
int cmdline_parse_u64(const char *s, uint64_t *value);

/* `name=size` in bytes (suffix B, K, M, G or T; none: KiB). `fallback` if missing or malformed. */
uint64_t cmdline_size(const char *cmdline, const char *name, uint64_t fallback);

/* Items of a comma-separated value ("115200,8n1"): the next one, cut to `size`; false at the end. */
bool cmdline_list_next(const char **cursor, char *item, size_t size);

/* Whether the list value has `item` (true), `no-item` (false), `item=yes` … as in cmdline_bool; last one
 * wins. */
bool cmdline_list_bool(const char *value, const char *item, bool fallback);

/* Walk over words whose name (before '=', a leading "no-" left out) is not in `known`; copies each, cut to
 * `size`. */
bool cmdline_next_unknown(const char **cursor, const char *const known[], size_t nr_known, char *word,
                          size_t size);

/* The part after the word "--", which dom0's kernel gets as well; "" if there is none. */
const char *cmdline_dom0_part(const char *cmdline);

/* Size in bytes at `s`. *end points behind it. 0 or -XEN_EINVAL (no digits, overflow). */
int cmdline_parse_size(const char *s, const char **end, uint64_t *bytes);

/* dom0_mem=[min:<size>],[max:<size>],[<size>]; a negative size means "all memory but this much". */
struct dom0_mem_limit {
    bool given, negative;
    uint64_t bytes;
};
struct dom0_mem {
    struct dom0_mem_limit amount, min, max;
};
/* 0 or -XEN_EINVAL. "" gives all limits as not given. */
int cmdline_parse_dom0_mem(const char *value, struct dom0_mem *out);
/* Bytes that dom0 gets when `available` are free: the amount (default: all) within min and max, never above
 * available. */
uint64_t dom0_mem_resolve(const struct dom0_mem *limits, uint64_t available);

#endif
