/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes are plain files (docs/domains.md has the layout). dom0 never looks inside one.
 *   templates/NAME/root.img     read-only image, shared
 *   templates/NAME/upper-N.img  committed changes, revision N; the highest is current
 *   domains/NAME/{private,upper,volatile}.img; root.img in standalones; private-TIME.rev revisions */
#ifndef DM_VOLUME_H
#define DM_VOLUME_H

#include "manager.h"

struct volume_disk {
    const char *vdev; /* "xvda" … static */
    char *path;
    gboolean writable;
};

#define VOLUME_DISKS     6
#define VOLUME_LAST_VDEV "xvdf" /* disks after it are no volumes */

/* What one start needs; made in the main thread, used by one worker thread. */
struct volume_plan {
    char *dir;            /* the domain's directory */
    char *template_dir;   /* own directory of a TemplateVM, else NULL */
    char *private_source; /* DispVM: file that private is copied from */
    guint64 root_size, private_size, volatile_size;
    gboolean keep_upper; /* TemplateVM, StandaloneVM */
    unsigned private_revisions;
    struct volume_disk disks[VOLUME_DISKS];
    unsigned n_disks;
    char *kernel, *initramfs;
};

/* Check that everything a start needs is there. NULL with an error that names what is missing. */
struct volume_plan *volume_plan_new(struct domain *d, GError **error);
void volume_plan_free(struct volume_plan *plan);
/* Make the fresh files. Worker thread. */
gboolean volume_plan_prepare(struct volume_plan *plan, GError **error);
/* After a stop: throw away what is not kept; a template's changes become its next revision when the
 * guest went down cleanly. Worker thread. */
gboolean volume_plan_finish(struct volume_plan *plan, gboolean clean, GError **error);

/* New domain: blank private volume in dir (standalone: root image from its template, too). */
gboolean volume_create_all(struct domain *d, const char *dir, GError **error);

/* Copy keeping holes, by reflink where the file system can. Never replaces `to`. */
gboolean volume_copy(const char *from, const char *to, GError **error);
/* Bytes that a file occupies; 0 when it is missing. */
guint64 volume_allocated(const char *path);
/* Tell the worker's progress that what is in a domain's or template's directory is to be copied. */
void volume_expect(const char *dir);
/* Copy only if that shares the blocks (FICLONE). */
gboolean volume_reflink(const char *from, const char *to);
/* Copy like volume_copy from one open file to another, empty one (-1: read only), and its SHA-256 as
 * volume_sum.c defines it, in hexadecimal; NULL with an error. The sum is of the bytes that were written. */
char *volume_copy_sum(int in, int out, GError **error);
char *volume_sum_text(const char *text, gsize size);
/* Blank sparse file. Replaces. */
gboolean volume_create_blank(const char *path, guint64 size, GError **error);
/* Copy all volumes of a halted domain into the directory `to` (made here). Worker thread. */
gboolean volume_clone_dir(const char *from, const char *to, GError **error);
/* Template images of `from` become those of a new template. Worker thread. */
gboolean volume_clone_template(const char *from, const char *to, GError **error);
/* A template's current root (image and committed changes) as the root of a standalone. Worker thread. */
gboolean volume_root_from_template(const char *template_dir, const char *dir, GError **error);

gboolean volume_rename_template(struct manager *m, const char *from, const char *to, GError **error);
void volume_remove_template(struct manager *m, const char *name);
void volume_remove_template_if_orphan(struct manager *m, const char *name);

/* A template whose root.img is another one than last time (package, import): what was changed over the old
 * image does not fit and goes. Does nothing for others and while it runs. */
void volume_check_image(struct domain *d);
/* Names of the domain's volumes: root, private, volatile, kernel; NULL-ended; static. */
const char *const *volume_names(const struct domain *d);
/* key=value lines of admin.vm.volume.Info. NULL with error for an unknown volume. */
char *volume_info(struct domain *d, const char *volume, GError **error);
/* The domain runs from an older revision of its template than there is. */
gboolean volume_is_outdated(struct domain *d);
guint64 volume_size(struct domain *d, const char *volume);
guint64 volume_usage(struct domain *d, const char *volume);
gboolean volume_resize(struct domain *d, const char *volume, guint64 size, GError **error);
/* Names of saved revisions, oldest first. */
GPtrArray *volume_revisions(struct domain *d, const char *volume);
/* What brings a revision back: a copy of `from` takes the place of `to`, and becomes the newest revision of
 * the template whose directory is given. from NULL: it is done already. */
struct volume_revert {
    char *from, *to, *template_dir;
};
gboolean volume_revert_plan(struct domain *d, const char *volume, const char *revision,
                            struct volume_revert *plan, GError **error);
/* A copy of `upper` becomes a template's newest revision; older ones than `keep` go. Any thread. */
gboolean volume_commit_upper(const char *template_dir, const char *upper, unsigned keep, GError **error);
gboolean volume_clear(struct domain *d, const char *volume, GError **error);
/* File of a domain's own private volume while nothing uses it; NULL with an error for other volumes and
 * states. */
char *volume_private_path(struct domain *d, const char *volume, GError **error);
/* A copy of `from` takes the place of `to` at once and whole. Any thread. */
gboolean volume_replace(const char *from, const char *to, GError **error);
/* File that an import of private writes; a halted domain only. */
char *volume_import_path(struct domain *d, const char *volume, GError **error);
/* Write what comes from fd until its end to `path` by way of a new file; size 0: as much as comes. */
gboolean volume_import_fd(const char *path, int fd, guint64 size, GError **error);

/* kernels/VERSION/FILE. */
char *volume_kernel_file(struct manager *m, const char *version, const char *file);
/* The version that the file kernels/default names, else the highest among kernels/, or "". */
char *volume_newest_kernel(struct manager *m);
/* File of the template's newest committed revision, or NULL. */
char *volume_committed_upper(const char *template_dir);

#endif
