# SPDX-License-Identifier: GPL-2.0-or-later
# make bench-policy: figures of the policy library and daemon; it fails if one is over its limit.
POLICY_BENCH := $(B)/qrexec/policy/bench_policy
$(POLICY_BENCH): $(POLICY_OBJ)/bench_policy.o $(POLICY_OBJ)/call/stream.o $(POLICY_LIB)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(POLICY_LIBS)
$(POLICY_OBJ)/bench_policy.o: tests/bench/policy/bench_policy.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c $< -o $@

.PHONY: bench-policy
bench-policy: $(POLICY_BENCH) $(B)/qrexec/qrexec-policy-daemon
	@tests/bench/policy/run $(POLICY_BENCH) $(B)/qrexec/qrexec-policy-daemon
HELP += bench-policy|figures~of~the~policy~library~and~daemon
