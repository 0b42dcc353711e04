/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Filecopy stream: received into a folder in memory, which must hold all that it makes. First byte:
 * options. */
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filecopy.h"
#include "names.h"

static char base[] = "/dev/shm/fuzz-filecopy.XXXXXX";
static char inside[64];

/* Every symlink that was made must stay inside. */
static int check_and_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    char target[FILECOPY_NAME_MAX];

    (void)flag;
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        target[n < 0 ? 0 : n] = 0;
        if (!name_symlink_safe(path + strlen(inside) + 1, target))
            abort();
    }
    return ftw->level ? remove(path) : 0;
}

/* Most streams make nothing; then there is nothing to walk through. */
static bool is_empty(int dir)
{
    char entries[256];
    int whole_size = 2 * 24; /* "." and ".." */

    lseek(dir, 0, SEEK_SET);
    return syscall(SYS_getdents64, dir, entries, sizeof(entries)) <= whole_size;
}

static void remove_base(void)
{
    rmdir(inside);
    rmdir(base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int in = -1, dir = -1;
    struct unpack_options o = {.max_bytes = 1 << 20};

    if (!size)
        return 0;
    if (dir < 0) {
        if (!mkdtemp(base))
            abort();
        snprintf(inside, sizeof(inside), "%s/in", base);
        mkdir(inside, 0700);
        atexit(remove_base);
        dir = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        in = memfd_create("stream", MFD_CLOEXEC);
    }
    o.dir = dir;
    o.allow_all_names = data[0] & 1;
    o.max_files = 16;
    if (ftruncate(in, 0) < 0 || pwrite(in, data + 1, size - 1, 0) < 0)
        abort();
    lseek(in, 0, SEEK_SET);
    unpack_receive(in, -1, &o, NULL);
    if (!is_empty(dir))
        nftw(inside, check_and_remove, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
