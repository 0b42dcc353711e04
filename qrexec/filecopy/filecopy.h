/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The qubes.Filecopy stream and its two ends. */
#ifndef FILECOPY_H
#define FILECOPY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FILECOPY_NAME_MAX = 16384,     /* with the NUL: a name has up to 16383 bytes */
    FILECOPY_LEGAL_EOF = 31415926, /* error code of old receivers that end early without an error */
};

/* Before each entry: then the name, then the content (file) or the target (symlink). All zero: the end. */
struct filecopy_header {
    uint32_t name_len;
    uint32_t mode;
    uint64_t size;
    uint32_t atime;
    uint32_t atime_ns;
    uint32_t mtime;
    uint32_t mtime_ns;
} __attribute__((packed));

struct filecopy_result {
    uint32_t error; /* errno, 0: all well */
    uint32_t pad;
    uint64_t crc; /* of all bytes received */
} __attribute__((packed));

/* After a result with an error: the length of the last name, then the name. */
struct filecopy_result_name {
    uint32_t len;
} __attribute__((packed));

struct unpack_options {
    int dir; /* descriptor of the folder that gets the files */
    bool allow_all_names;
    bool allow_unsafe_symlinks;
    bool wait_for_space; /* on a full disk wait instead of failing */
    uint64_t max_bytes;  /* 0: no limit */
    uint64_t max_files;  /* 0: no limit */
};

/**
 * Receive a whole stream from `in` and answer on `out` (out < 0: do not answer).
 * @param last_name  gets the name of the last entry (FILECOPY_NAME_MAX bytes), may be NULL
 * @return 0 or -errno, which the sender was also told
 */
int unpack_receive(int in, int out, const struct unpack_options *options, char *last_name);

struct pack {
    int out;
    bool ignore_symlinks;
    void (*progress)(struct pack *pack); /* called now and then; may be NULL */
    uint64_t bytes_sent;                 /* of file contents */
    uint32_t crc;
    char *buffer; /* private */
};

/** Send one file or tree; its name is the last part of the path. @return 0 or -errno with the reason logged
 */
int pack_send(struct pack *pack, const char *path);

/** Send the end mark. @return 0 or -errno */
int pack_end(struct pack *pack);

/** Read the receiver's answer and compare checksums. @return 0 or -errno with the reason logged */
int pack_result(const struct pack *pack, int in);

void pack_free(struct pack *pack);

/** Look through a tree: add up file sizes; see whether all names may be shown. @return 0 or -errno, logged */
int pack_survey(const char *path, uint64_t *bytes, bool *displayable, bool ignore_symlinks);

#endif
