# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP lines of a test program: result() or skip() for each check, finish() (or plan()) at its end."""
import sys

count = failed = 0


def result(good, text, detail=""):
    """One check; the last lines of detail are shown when it failed."""
    global count, failed
    count += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", count, text), flush=True)
    if not good:
        print("".join("# %s\n" % line for line in str(detail).splitlines()[-20:]), end="", flush=True)
    return good


def skip(text, why):
    """A check that is not possible here."""
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, text, why), flush=True)


def plan():
    """The last line; returns the exit status."""
    print("1..%d" % count, flush=True)
    return 1 if failed else 0


def finish():
    sys.exit(plan())
