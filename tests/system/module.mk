# SPDX-License-Identifier: GPL-2.0-or-later
# tests/system/iso belongs to installer/
include tests/system/hypervisor/module.mk
include tests/bench/hypervisor/bench.mk
