# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU that the hypervisor's tests give QEMU: what TCG emulates well enough (docs/testing.md), and variants of it."""

CPU = ("EPYC,+svm,+npt,-monitor,-rdtscp,-x2apic,-avx,-avx2,-fma,-f16c,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,"
       "-3dnowprefetch,-osvw,-topoext,-nrip-save,-xsavec")
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
