/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service qubes.VMExec: run a program with exactly the words of the argument, no shell between. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"
#include "vmexec_decode.h"

int main(int argc, char **argv)
{
    static char *words[VMEXEC_MAX_WORDS + 1];

    if (argc != 2 || vmexec_decode(argv[1], words) < 1 || !*words[0]) {
        qlog("the argument is not a list of words as qubes.VMExec needs it");
        return 125;
    }
    execvp(words[0], words);
    qlog_errno("cannot run %s", words[0]);
    return errno == ENOENT ? 127 : 126;
}
