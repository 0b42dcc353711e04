/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qubes-policy-editor: edit a policy file, check it, and only then put it in place. */
#include "../lib/policy.h"
#include "policy_admin_client.h"
#include "policy_lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_FILE "30-user"

struct edit {
    struct policy_admin_file file;
    char token[128];
    char path[512]; /* of the copy being edited */
};

/* A missing file is a new one; whether it may be made is for the service to say. */
static bool fetch(struct edit *edit, int fd)
{
    char *answer;
    size_t len;
    int status = policy_admin_call("Get", &edit->file, "", 0, &answer, &len);
    const char *content = !status ? memchr(answer, '\n', len) : NULL;

    snprintf(edit->token, sizeof(edit->token), "new");
    if (content) {
        snprintf(edit->token, sizeof(edit->token), "%.*s", (int)(content - answer), answer);
        size_t left = (size_t)(answer + len - ++content);
        if (write(fd, content, left) != (ssize_t)left)
            status = 125;
    } else if (status == 1) {
        fprintf(stderr, "\n'%s' will be a new file\n", edit->file.name);
        status = 0;
    }
    free(answer);
    return status == 0;
}

static bool run_editor(const char *path)
{
    char command[1024];

    snprintf(command, sizeof(command), "${VISUAL:-${EDITOR:-vi}} -- '%s'", path);
    int status = system(command);
    if (status != 0)
        fputs("the editor failed\n", stderr);
    return status == 0;
}

/* 'e': edit again, 'q': give up */
static int ask_user(void)
{
    char reply[64];

    do {
        fputs("(e)dit again, or (q)uit without saving? ", stderr);
        if (!fgets(reply, sizeof(reply), stdin))
            return 'q';
    } while (*reply != 'e' && *reply != 'q');
    return *reply;
}

static bool store(const struct edit *edit)
{
    size_t token_len = strlen(edit->token), len, answer_len;
    char *text, *answer;

    if (policy_loader_files.read(NULL, edit->path, &text, &len) < 0)
        return false;
    char *payload = policy_calloc(1, token_len + 1 + len);
    memcpy(payload, edit->token, token_len);
    payload[token_len] = '\n';
    memcpy(payload + token_len + 1, text, len);
    int status =
        policy_admin_call("Replace", &edit->file, payload, token_len + 1 + len, &answer, &answer_len);
    free(payload);
    free(answer);
    free(text);
    return status == 0;
}

static int edit_until_good(const struct edit *edit)
{
    do {
        if (!run_editor(edit->path))
            return 1;
        if (policy_lint_file(edit->path, edit->file.include, true) && store(edit)) {
            unlink(edit->path);
            return 0;
        }
        fputc('\n', stderr);
    } while (ask_user() == 'e');
    fprintf(stderr, "nothing was changed; your text is in %s\n", edit->path);
    return 1;
}

int main(int argc, char **argv)
{
    static char default_file[] = DEFAULT_FILE;
    struct edit edit;
    const char *dir = getenv("TMPDIR");

    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        bool help = argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"));
        fputs("usage: qubes-policy-editor [[include/]FILE]\n", help ? stdout : stderr);
        return help ? 0 : 2;
    }
    if (!policy_admin_name(argc == 2 ? argv[1] : default_file, &edit.file) || !*edit.file.name)
        return 2;
    snprintf(edit.path, sizeof(edit.path), "%s/policy-%.200s-XXXXXX", dir ? dir : "/tmp", edit.file.name);
    int fd = mkstemp(edit.path);
    if (fd < 0) {
        perror(edit.path);
        return 1;
    }
    bool fetched = fetch(&edit, fd);
    close(fd);
    return fetched ? edit_until_good(&edit) : 1;
}
