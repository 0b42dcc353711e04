# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP lines of a test program: result() for each check, finish() at its end."""
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


def finish():
    """The plan; exit status 1 when anything failed."""
    print("1..%d" % count)
    sys.exit(1 if failed else 0)
