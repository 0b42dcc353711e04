# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU that all tests give QEMU, which is bulkhead-run's: what TCG emulates well enough (docs/testing.md). Variants of it."""
import os
import re

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../installer/run/machine.c")) as source:
    CPU = re.sub(r'[\s\\"]', "", re.search(r"#define EMULATED_CPU((?:.*\\\n)+.*)", source.read()).group(1))
VARIANTS = {
    "": "",
    # nothing that the hypervisor can do without
    "old": "-smep,-smap,-pdpe1gb,-xsave,-fsgsbase,-umip",
    # what TCG has, and bits that it does not emulate but that do no harm there: MSR_PRED_CMD is ignored, the next RIP and
    # the bytes of the instruction read as zero
    "new": "+avx,+avx2,+fma,+f16c,+rdtscp,+umip,+pku,+la57,x-force-features=on,+ibpb,+md-clear,+nrip-save,+decodeassists,"
           "+flushbyasid",
}

def variant(name):
    """CPU with that variant's words instead of those it has for the same features."""
    changes = VARIANTS[name].split(",")
    changed = {c[1:] for c in changes}
    return ",".join([w for w in CPU.split(",") if w[1:] not in changed] + [c for c in changes if c])
