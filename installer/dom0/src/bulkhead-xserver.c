/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start Xorg for the dom0 desktop: make a fresh cookie that only the desktop's user can read, tell systemd
 * when the server takes connections (Xorg's -displayfd), and end when it ends. Replaces xinit, xauth and
 * mcookie, three programs and a shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COOKIE_NAME        "MIT-MAGIC-COOKIE-1"
#define COOKIE_SIZE        16
#define SAFE_CONFIGURATION "/usr/share/bulkhead/xorg-safe.conf"
#define LOCK_AFTER_MINUTES "20" /* without a key or a movement; the session locks the screen then */

/* One Xauthority record for any display: family 0xffff (FamilyWild), empty address and number, name, cookie.
 */
static int write_authority(const char *path, uid_t uid, gid_t gid)
{
    uint8_t record[2 + 2 + 2 + 2 + sizeof(COOKIE_NAME) - 1 + 2 + COOKIE_SIZE] = {
        0xff, 0xff, 0, 0, 0, 0, 0, sizeof(COOKIE_NAME) - 1};
    uint8_t *next = record + 8;

    memcpy(next, COOKIE_NAME, sizeof(COOKIE_NAME) - 1);
    next += sizeof(COOKIE_NAME) - 1;
    next[1] = COOKIE_SIZE;
    if (getrandom(next + 2, COOKIE_SIZE, 0) != COOKIE_SIZE)
        return -EIO;
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error =
        write(fd, record, sizeof(record)) == (ssize_t)sizeof(record) && fchown(fd, uid, gid) == 0 ? 0 : -EIO;
    close(fd);
    return error;
}

/* sd_notify(3) without the library: one datagram. */
static void notify_ready(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");

    if (!path || strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, length) < 0)
        perror("bulkhead-xserver: cannot tell systemd");
    close(fd);
}

/* The boot menu's safe graphics put this word on the kernel's command line. */
static bool wants_safe_graphics(void)
{
    char words[4096] = "";
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t got = read(fd, words, sizeof(words) - 1);
    close(fd);
    return got > 0 && strstr(words, "bulkhead.safe") != NULL;
}

static pid_t start_xorg(const char *authority, int ready_fd)
{
    const char *safe = wants_safe_graphics() ? "-config" : NULL; /* NULL ends the arguments */
    char fd_text[16];

    snprintf(fd_text, sizeof(fd_text), "%d", ready_fd);
    pid_t child = fork();
    if (child == 0) {
        execl("/usr/lib/xorg/Xorg", "Xorg", ":0", "vt7", "-novtswitch", "-keeptty", "-nolisten", "tcp",
              "-auth", authority, "-displayfd", fd_text, "-noreset", "-s", LOCK_AFTER_MINUTES, "-background",
              "none", safe, SAFE_CONFIGURATION, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int run(const char *user, const char *authority)
{
    int ready[2], status = 0;
    char number[16];

    const struct passwd *entry = getpwnam(user);
    if (!entry || write_authority(authority, entry->pw_uid, entry->pw_gid) != 0 || pipe(ready) != 0) {
        fprintf(stderr, "bulkhead-xserver: cannot write %s for %s\n", authority, user);
        return EXIT_FAILURE;
    }
    pid_t xorg = start_xorg(authority, ready[1]);
    close(ready[1]);
    if (xorg > 0 && read(ready[0], number, sizeof(number)) > 0)
        notify_ready();
    close(ready[0]);
    if (xorg < 0 || waitpid(xorg, &status, 0) != xorg)
        return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc != 5 || strcmp(argv[1], "--user") != 0 || strcmp(argv[3], "--authority") != 0) {
        fprintf(stderr, "usage: bulkhead-xserver --user NAME --authority FILE\n");
        return 2;
    }
    return run(argv[2], argv[4]);
}
