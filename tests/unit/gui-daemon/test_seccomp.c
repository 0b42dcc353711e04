/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system call filter, each call in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#include "../../../gui-daemon/seccomp.h"

enum { REFUSED = 77, ALLOWED, NO_FILTER };

/* Status of a process that enters the filter and tries; what it exits with, or minus the signal that ended
 * it. */
static int outcome(long (*attempt)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (seccomp_enter())
            _exit(NO_FILTER);
        _exit(attempt() < 0 ? REFUSED : ALLOWED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static long try_execve(void)
{
    char *const argv[] = {(char *)"/bin/true", NULL};

    return execve(argv[0], argv, argv + 1);
}

static long try_fork(void)
{
    return syscall(SYS_fork);
}

static long try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_write_memory(void)
{
    return syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0);
}

static long try_setuid(void)
{
    return syscall(SYS_setuid, 0);
}

static long try_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long try_unshare(void)
{
    return syscall(SYS_unshare, 0);
}

static void forbidden_calls_kill(void **state)
{
    long (*const attempts[])(void) = {try_execve, try_fork, try_ptrace, try_write_memory,
                                      try_setuid, try_bpf,  try_unshare};

    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
        assert_int_equal(outcome(attempts[i]), -SIGSYS);
}

static long try_internet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_process(void)
{
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static long try_chmod(void)
{
    return syscall(SYS_chmod, "/nonexistent", 0777);
}

/* Libraries look for these, and live without them. */
static void other_calls_are_refused(void **state)
{
    (void)state;
    assert_int_equal(outcome(try_internet), REFUSED);
    assert_int_equal(outcome(try_process), REFUSED);
    assert_int_equal(outcome(try_chmod), REFUSED);
}

static long try_unix(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_file(void)
{
    return open("/dev/null", O_RDWR);
}

static long try_mapping(void)
{
    return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static void *thread(void *data)
{
    return data;
}

static long try_thread(void)
{
    pthread_t id;

    return pthread_create(&id, NULL, thread, NULL) || pthread_join(id, NULL) ? -1 : 0;
}

static long try_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 ? 0 : -1;
}

static void the_daemon_can_work(void **state)
{
    (void)state;
    assert_int_equal(outcome(try_unix), ALLOWED);
    assert_int_equal(outcome(try_file), ALLOWED);
    assert_int_equal(outcome(try_mapping), ALLOWED);
    assert_int_equal(outcome(try_thread), ALLOWED);
    assert_int_equal(outcome(try_privileges), ALLOWED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_calls_kill),
        cmocka_unit_test(other_calls_are_refused),
        cmocka_unit_test(the_daemon_can_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
