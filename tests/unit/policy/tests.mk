# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the policy half of qrexec: cmocka programs under ASan and UBSan, then the programs themselves.
POLICY_TEST_SRC := tests/unit/policy
POLICY_TEST_OBJ := $(B)/qrexec/policy/san
POLICY_TEST_CFLAGS := $(CFLAGS_SAN) $(shell pkg-config --cflags jansson glib-2.0 | sed 's/-I/-isystem /g')
POLICY_TEST_UNITS := test_policy_parse test_policy_load test_policy_decide

$(POLICY_TEST_OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(POLICY_TEST_CFLAGS) $(POLICY_CFLAGS_$(notdir $*)) -c $< -o $@

POLICY_TEST_LIB := $(POLICY_LIB_NAMES:%=$(POLICY_TEST_OBJ)/qrexec/policy/lib/%.o) \
	$(POLICY_TEST_OBJ)/$(POLICY_TEST_SRC)/memory_loader.o
POLICY_TEST_PARTS := $(POLICY_CALL:%=$(POLICY_TEST_OBJ)/qrexec/policy/%.o) \
	$(POLICY_TEST_OBJ)/qrexec/policy/agent/agent_message.o $(POLICY_TEST_OBJ)/qrexec/policy/daemon/eval_service.o

$(POLICY_TEST_UNITS:%=$(POLICY_TEST_OBJ)/%): $(POLICY_TEST_OBJ)/%: $(POLICY_TEST_OBJ)/$(POLICY_TEST_SRC)/%.o \
		$(POLICY_TEST_LIB)
	$(CC) -fsanitize=address,undefined -o $@ $^ $(POLICY_TEST_LIBS_$(@F)) -lcmocka $(POLICY_LIBS)

.PHONY: check-policy-unit
check-policy-unit: $(POLICY_TEST_UNITS:%=$(POLICY_TEST_OBJ)/%)
	@tests/harness/stage policy-unit --timeout 120 -- sh -c 'st=0; for t in $^; do $$t || st=1; done; exit $$st'
CHECK_QUICK += check-policy-unit

.PHONY: check-policy-programs
check-policy-programs: qrexec-policy
	@tests/harness/stage policy-programs --timeout 180 -- tests/unit/policy/programs.py $(B)/qrexec
CHECK_QUICK += check-policy-programs

# The dialog needs a display; leaks inside GTK's libraries are not ours to find.
POLICY_DIALOG_TEST := $(POLICY_TEST_OBJ)/test_ask_dialog
$(POLICY_TEST_OBJ)/$(POLICY_TEST_SRC)/test_ask_dialog.o: POLICY_TEST_CFLAGS += $(POLICY_GTK_CFLAGS)
$(POLICY_DIALOG_TEST): $(POLICY_TEST_OBJ)/$(POLICY_TEST_SRC)/test_ask_dialog.o \
		$(POLICY_TEST_OBJ)/qrexec/policy/agent/ask_dialog.o $(POLICY_TEST_OBJ)/qrexec/policy/agent/agent_message.o
	$(CC) -fsanitize=address,undefined -o $@ $^ -lcmocka $(POLICY_LIBS) $(POLICY_LIBS_qrexec-policy-agent)

.PHONY: check-policy-dialog
check-policy-dialog: $(POLICY_DIALOG_TEST) qrexec-policy
	@tests/harness/stage policy-dialog --timeout 180 -- sh -c 'st=0; export NO_AT_BRIDGE=1 GTK_THEME=Adwaita; \
	  ASAN_OPTIONS=detect_leaks=0 xvfb-run -a -s "-screen 0 1024x768x24" $(POLICY_DIALOG_TEST) || st=1; \
	  xvfb-run -a -s "-screen 0 1024x768x24" dbus-run-session -- tests/unit/policy/agent.py $(B)/qrexec $(B)/check/policy-dialog || st=1; \
	  exit $$st'
CHECK_SYSTEM += check-policy-dialog

# both halves together
.PHONY: check-policy-calls
check-policy-calls: qrexec-socket
	@tests/harness/stage policy-calls --timeout 120 -- tests/unit/policy/calls.py
CHECK_QUICK += check-policy-calls
