# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzers of the policy: FUZZ_RUNS executions each inside the checks; long runs set it by hand.
POLICY_FUZZ_OBJ := $(B)/qrexec/policy/fuzz
POLICY_FUZZ_CFLAGS := $(CFLAGS_FUZZ) $(shell pkg-config --cflags jansson glib-2.0 | sed 's/-I/-isystem /g')
POLICY_FUZZERS := fuzz_policy fuzz_question
POLICY_FUZZ_SRC_fuzz_policy := $(POLICY_LIB_NAMES:%=$(POLICY_SRC)/lib/%.c)
POLICY_FUZZ_SRC_fuzz_question := $(POLICY_FUZZ_SRC_fuzz_policy) $(POLICY_CALL:%=$(POLICY_SRC)/%.c) \
	$(POLICY_SRC)/agent/agent_message.c
POLICY_FUZZ_LIBS := $(POLICY_LIBS) $(shell pkg-config --libs glib-2.0)

$(POLICY_FUZZ_OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(POLICY_FUZZ_CFLAGS) -MMD -MP -c $< -o $@

define POLICY_FUZZ_RULE
$(POLICY_FUZZ_OBJ)/$(1): $(POLICY_FUZZ_OBJ)/tests/fuzz/policy/$(1).o $(POLICY_FUZZ_SRC_$(1):%.c=$(POLICY_FUZZ_OBJ)/%.o)
	$$(CLANG) -fsanitize=fuzzer,address,undefined -o $$@ $$^ $(POLICY_FUZZ_LIBS)
endef
$(foreach f,$(POLICY_FUZZERS),$(eval $(call POLICY_FUZZ_RULE,$(f))))

.PHONY: check-policy-fuzz
check-policy-fuzz: $(POLICY_FUZZERS:%=$(POLICY_FUZZ_OBJ)/%)
	@mkdir -p $(POLICY_FUZZ_OBJ)/corpus-policy $(POLICY_FUZZ_OBJ)/corpus-question
	@tests/harness/stage policy-fuzz --timeout $(or $(FUZZ_TIMEOUT),300) -- sh -c '\
	  $(POLICY_FUZZ_OBJ)/fuzz_policy -runs=$(FUZZ_RUNS) -max_len=4096 -artifact_prefix=$(POLICY_FUZZ_OBJ)/ \
	    $(POLICY_FUZZ_OBJ)/corpus-policy tests/fuzz/policy/seeds && echo "ok 1 - policy parser" && \
	  $(POLICY_FUZZ_OBJ)/fuzz_question -runs=$(FUZZ_RUNS) -max_len=4096 -artifact_prefix=$(POLICY_FUZZ_OBJ)/ \
	    $(POLICY_FUZZ_OBJ)/corpus-question tests/fuzz/policy/question-seeds && echo "ok 2 - questions and agent messages"'
CHECK_QUICK += check-policy-fuzz
