/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from an agent made harmless before it is shown or put into an X property. Pure. */
#ifndef SANITIZE_H
#define SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copy `size` bytes of untrusted text, up to its first NUL, to `out` (out_size >= 1; always terminated).
 * Without `utf8` each byte outside 0x20…0x7e becomes '_'. With `utf8` well-formed sequences of printable
 * characters stay, except those that change the direction or the look of what is around them (controls, bidi
 * and format characters, combining marks, private use, line separators); each other byte becomes '_'. The
 * ellipsis is written as "...".
 */
void sanitize_title(const char *untrusted_text, size_t size, bool utf8, char *out, size_t out_size);

/* The same for window classes: letters, digits, '-', '_', '.', ' ' stay, each other byte becomes '_'. */
void sanitize_class(const char *untrusted_text, size_t size, char *out, size_t out_size);

/* A domain's name as Qubes allows it: 1…31 of A-Za-z0-9_.-, a letter first. */
bool domain_name_valid(const char *name);

#endif
