# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests (ASan, UBSan), fuzzers, end-to-end tests over sockets, figures.
QREXEC_T := $(B)/qrexec-test
QREXEC_T_CFLAGS := $(CFLAGS_SAN) -Ilibvchan -Iqrexec/common -Iqrexec/daemon -Iqrexec/agent -Iqrexec/filecopy \
	-Iqrexec/services -Itests/fuzz/qrexec -Itests/unit/libvchan
QREXEC_UNIT := test_daemon test_service test_filecopy
QREXEC_UNIT_test_daemon := qrexec/daemon/request.c qrexec/daemon/ports.c qrexec/daemon/answer.c qrexec/common/check.c \
	qrexec/common/util.c
QREXEC_UNIT_test_service := qrexec/common/command.c qrexec/common/config.c qrexec/common/service.c qrexec/common/util.c \
	qrexec/services/vmexec_decode.c qrexec/services/desktop_entry.c
QREXEC_UNIT_test_filecopy := $(QREXEC_FILECOPY_SRC) qrexec/common/util.c qrexec/common/check.c
QREXEC_FUZZ := agent_messages data answer service filecopy vchan
QREXEC_FUZZ_agent_messages := qrexec/daemon/agent_link.c qrexec/daemon/clients.c qrexec/daemon/ports.c \
	qrexec/daemon/request.c qrexec/common/channel.c qrexec/common/check.c qrexec/common/util.c tests/fuzz/qrexec/fake_vchan.c
QREXEC_FUZZ_data := qrexec/common/data.c qrexec/common/data_channel.c qrexec/common/check.c qrexec/common/util.c tests/fuzz/qrexec/fake_vchan.c
QREXEC_FUZZ_answer := qrexec/daemon/answer.c
QREXEC_FUZZ_service := $(QREXEC_UNIT_test_service)
QREXEC_FUZZ_filecopy := $(QREXEC_UNIT_test_filecopy)
QREXEC_FUZZ_vchan := tests/unit/libvchan/fake_xen.c libvchan/xen.c libvchan/xen_ring.c

# one command compiles all of a program, so its headers are named here
QREXEC_T_HEADERS := $(wildcard qrexec/*/*.h libvchan/*.h tests/fuzz/qrexec/*.h tests/unit/libvchan/*.h)

$(QREXEC_T)/test_socket: tests/unit/libvchan/test_socket.c libvchan/socket.c $(QREXEC_T_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(QREXEC_T_CFLAGS) -o $@ $(filter %.c,$^) -lcmocka

$(QREXEC_T)/test_xen: tests/unit/libvchan/test_xen.c tests/unit/libvchan/fake_xen.c libvchan/xen.c libvchan/xen_ring.c $(QREXEC_T_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(QREXEC_T_CFLAGS) -o $@ $(filter %.c,$^) -lcmocka

define QREXEC_UNIT_RULE
$(QREXEC_T)/$(1): tests/unit/qrexec/$(1).c $(QREXEC_UNIT_$(1)) $(QREXEC_T_HEADERS)
	@mkdir -p $$(@D)
	$$(CC) $$(QREXEC_T_CFLAGS) -o $$@ $$(filter %.c,$$^) -lcmocka
endef
$(foreach t,$(QREXEC_UNIT),$(eval $(call QREXEC_UNIT_RULE,$(t))))

define QREXEC_FUZZ_RULE
$(QREXEC_T)/fuzz_$(1): tests/fuzz/qrexec/fuzz_$(1).c $(QREXEC_FUZZ_$(1)) $(QREXEC_T_HEADERS)
	@mkdir -p $$(@D)
	$$(CLANG) $$(CFLAGS_FUZZ) $$(filter -I%,$$(QREXEC_T_CFLAGS)) -o $$@ $$(filter %.c,$$^)
endef
$(foreach t,$(QREXEC_FUZZ),$(eval $(call QREXEC_FUZZ_RULE,$(t))))

$(QREXEC_T)/seeds: tests/fuzz/qrexec/make_seeds.py
	rm -rf $@
	tests/fuzz/qrexec/make_seeds.py $@

.PHONY: check-qrexec-unit check-qrexec-e2e check-qrexec-robustness check-qrexec-tools check-qrexec-fuzz check-qrexec bench-qrexec
check-qrexec-unit: $(QREXEC_T)/test_socket $(QREXEC_T)/test_xen $(addprefix $(QREXEC_T)/,$(QREXEC_UNIT))
	@tests/harness/stage qrexec-unit --timeout 120 -- /bin/sh -c 'st=0; for t in $^; do ./$$t || st=1; done; exit $$st'
check-qrexec-e2e: qrexec-socket
	@tests/harness/stage qrexec-e2e --timeout 240 -- tests/unit/qrexec/e2e.py
check-qrexec-tools: qrexec-socket
	@tests/harness/stage qrexec-tools --timeout 120 -- tests/unit/qrexec/tools.py
check-qrexec-robustness: qrexec-socket
	@tests/harness/stage qrexec-robustness --timeout 900 -- tests/unit/qrexec/robustness.py
check-qrexec-fuzz: $(addprefix $(QREXEC_T)/fuzz_,$(QREXEC_FUZZ)) $(QREXEC_T)/seeds
	@tests/harness/stage qrexec-fuzz --timeout $(or $(FUZZ_TIMEOUT),300) -- tests/fuzz/qrexec/run $(QREXEC_T) $(FUZZ_RUNS) $(QREXEC_FUZZ)
# policy.mk adds its half
check-qrexec: check-qrexec-unit check-qrexec-e2e check-qrexec-robustness check-qrexec-tools check-qrexec-fuzz
bench-qrexec: qrexec-socket
	@tests/harness/stage bench-qrexec --timeout 180 -- tests/bench/qrexec/bench.py

CHECK_QUICK += check-qrexec-unit check-qrexec-e2e check-qrexec-robustness check-qrexec-tools check-qrexec-fuzz
CHECK_SYSTEM += bench-qrexec
HELP += bench-qrexec|calls~and~throughput~over~sockets
