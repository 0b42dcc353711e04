# SPDX-License-Identifier: GPL-2.0-or-later
# make bench-policy: figures of the policy library and daemon beside their limits.
POLICY_BENCH := $(B)/qrexec/policy/bench_policy
$(POLICY_BENCH): $(POLICY_OBJ)/bench_policy.o $(POLICY_OBJ)/call/stream.o $(POLICY_LIB)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(POLICY_LIBS)
$(POLICY_OBJ)/bench_policy.o: tests/bench/policy/bench_policy.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c $< -o $@

.PHONY: bench-policy
bench-policy: $(POLICY_BENCH) $(B)/qrexec/qrexec-policy-daemon
	@tests/harness/stage bench-policy --timeout 120 -- tests/bench/policy/run $(POLICY_BENCH) $(B)/qrexec/qrexec-policy-daemon
CHECK_SYSTEM += bench-policy
HELP += bench-policy|figures~of~the~policy~library~and~daemon
