#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qubes-guid under Xvfb and window managers, driven by agents that the tests play themselves. TAP on stdout.
Usage: test_xvfb.py BUILD-DIRECTORY [TEST…]"""
import os, sys, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xvfb_input, xvfb_life, xvfb_limits, xvfb_looks, xvfb_trays
from xvfb_desktop import Desktop


def run_test(function):
    """Run one test on a display of its own. Lines that tell why it failed; empty: it passed."""
    failure = []
    desktop = Desktop(getattr(function, "xorg", False))
    try:
        function(desktop)
    except Exception:
        failure = traceback.format_exc().splitlines()
        for domain in desktop.domains:
            failure += ["  " + line for line in domain.text().splitlines()[-15:]]
    finally:
        try:
            desktop.close()
        except Exception as error:
            print("# close: %r" % error)
    return failure


def main():
    wanted = sys.argv[2:]
    modules = (xvfb_looks, xvfb_life, xvfb_trays, xvfb_input, xvfb_limits)
    tests = [(n[5:], f) for m in modules for n, f in vars(m).items()
             if n.startswith("test_") and (not wanted or n[5:] in wanted)]
    print("1..%d" % len(tests))
    bad = 0
    for number, (name, function) in enumerate(tests, 1):
        failure = run_test(function)
        bad += bool(failure)
        print("\n".join(["%sok %d - %s" % ("not " if failure else "", number, name)] + ["# " + line for line in failure]),
              flush=True)
    sys.exit(bad != 0)


main()
