/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file "manifest" of a backup: which files belong to it. Text lines:
 *   Bulkhead backup 1
 *   SUM SIZE DOMAIN/FILE        (volume_sum.c tells what the sum is of)
 *   …
 *   end SUM                     (SHA-256 of all before)
 * It is written last, so that a backup without one is unfinished. */
#ifndef DM_BACKUP_MANIFEST_H
#define DM_BACKUP_MANIFEST_H

#include <glib.h>

#define BACKUP_MANIFEST "manifest"
#define BACKUP_TEXT_MAX (1u << 20) /* settings and other texts of a domain */
#define BACKUP_SUM_SIZE 65         /* hexadecimal, with NUL */

/* What a domain's directory in a backup may have. */
enum backup_kind {
    BACKUP_SETTINGS,
    BACKUP_FIREWALL,
    BACKUP_NOTES,
    BACKUP_APPMENUS,
    BACKUP_PRIVATE,
    BACKUP_ROOT,
    BACKUP_UPPER,
    BACKUP_KERNEL,
    BACKUP_INITRAMFS,
    BACKUP_MODULES,
    BACKUP_KINDS
};
#define BACKUP_IMAGES BACKUP_PRIVATE /* the first that is no text */

struct backup_file {
    char *domain;
    enum backup_kind kind;
    guint64 size;
    char sum[BACKUP_SUM_SIZE];
};

/* "kernel/vmlinuz". Static. */
const char *backup_file_name(enum backup_kind kind);
void backup_file_free(void *file);
/* struct backup_file in the order of the text; NULL with an error. Every name and number is checked. */
GPtrArray *backup_manifest_parse(const char *untrusted_text, GError **error);
char *backup_manifest_text(const GPtrArray *files);

#endif
