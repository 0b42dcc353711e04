/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD library: a xenstore made of files. The key a/b is $FAKE_STORE/a_b; a path of a domain that is
 * not relative has no place here. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#define VALUE_MAX   256
#define ENTRIES_MAX 64
#define NAME_SIZE   64

static FILE *open_key(const char *path, const char *mode)
{
    char file[512];
    snprintf(file, sizeof file, "%s/%s", getenv("FAKE_STORE"), path);
    for (char *p = file + strlen(getenv("FAKE_STORE")) + 1; *p; p++)
        if (*p == '/')
            *p = '_';
    return fopen(file, mode);
}

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    return calloc(1, 64);
}

/* The caller frees it at once, as that of libxenstore. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
    char prefix[VALUE_MAX];
    DIR *dir = opendir(getenv("FAKE_STORE"));
    char **names = calloc(1, ENTRIES_MAX * sizeof *names + ENTRIES_MAX * NAME_SIZE);
    char *texts = (char *)(names + ENTRIES_MAX);
    (void)h, (void)t;
    snprintf(prefix, sizeof prefix, "%s_", path);
    for (char *p = prefix; *p; p++)
        if (*p == '/')
            *p = '_';
    *num = 0;
    for (struct dirent *e; dir && names && *num < ENTRIES_MAX && (e = readdir(dir));)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
            names[*num] = texts + *num * NAME_SIZE;
            snprintf(names[(*num)++], NAME_SIZE, "%.*s", NAME_SIZE - 1, e->d_name + strlen(prefix));
        }
    if (dir)
        closedir(dir);
    if (*num)
        return names;
    free(names);
    return NULL;
}

/* Nothing changes by itself. */
bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    (void)h, (void)path, (void)token;
    return false;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
    (void)h, (void)num;
    return NULL;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
    char *value = calloc(1, VALUE_MAX);
    FILE *f = open_key(path, "r");
    size_t size = f && value ? fread(value, 1, VALUE_MAX - 1, f) : 0;
    (void)h, (void)t;
    if (len)
        *len = (unsigned)size;
    if (f)
        fclose(f);
    else
        free(value);
    return f ? value : NULL;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data, unsigned int len)
{
    FILE *f = open_key(path, "w");
    (void)h, (void)t;
    bool good = f && fwrite(data, 1, len, f) == len;
    if (f)
        fclose(f);
    return good;
}
