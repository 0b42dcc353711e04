/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backups: a directory with the settings and volumes of domains, and its manifest (backup_manifest.h). Each
 * function answers exactly once, from the main loop. */
#ifndef DM_BACKUP_H
#define DM_BACKUP_H

#include "manager.h"

/* text: what is told besides, one line each. NULL on failure. */
typedef void (*backup_done_fn)(const GError *error, const char *text, void *data);

/* Write a backup of these domains (NULL-ended) to the directory `path`, which is made. A running domain's
 * volumes are taken as they were before its start; where there is no such revision it is refused. */
void backup_create(struct manager *m, const char *path, char *const *domains, backup_done_fn done,
                   void *data);

/* One that is to be restored, and its new name. */
struct backup_choice {
    const char *name, *new_name;
};

/* Make domains from the backup at `path`; `choices` are ended by a NULL name. None of them may exist.
 * ignore_missing: a property whose value is not possible here (a netvm that is not there) is left at its
 * default, and told. verify_only: compare the sums of these domains' files. */
void backup_restore(struct manager *m, const char *path, const struct backup_choice *choices,
                    gboolean ignore_missing, gboolean verify_only, backup_done_fn done, void *data);
/* Lines "NAME CLASS BYTES" of what is in a backup, or NULL with an error. */
char *backup_info(const char *path, GError **error);

/* An error when fewer than `need` bytes are free at `dir`, unless the open file `sample` can be reflinked
 * there. Any thread. */
gboolean backup_check_space(const char *dir, int sample, guint64 need, GError **error);

#endif
