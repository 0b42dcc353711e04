# SPDX-License-Identifier: GPL-2.0-or-later
# The policy half of qrexec: library, policy daemon, tools and the ask dialog. No program here knows of vchan, so
# each is linked once, into build/qrexec/, and copied into build/qrexec-socket/.

POLICY_SRC := qrexec/policy
POLICY_OBJ := $(B)/qrexec/policy
POLICY_CFLAGS := $(CFLAGS_USER) -Wconversion $(shell pkg-config --cflags jansson)
POLICY_LIBS := $(shell pkg-config --libs jansson)

POLICY_LIB_NAMES := $(basename $(notdir $(wildcard $(POLICY_SRC)/lib/*.c)))
POLICY_LIB_OBJS := $(POLICY_LIB_NAMES:%=$(POLICY_OBJ)/lib/%.o)
POLICY_LIB := $(POLICY_OBJ)/libqrexec-policy.a

# program: its objects
POLICY_CALL := call/agent_client call/info_source call/policy_log call/policy_question call/stream
POLICY_OBJS_qrexec-policy-eval := tools/policy_eval
POLICY_OBJS_qrexec-policy-daemon := daemon/policy_daemon daemon/policy_store daemon/policy_client \
	daemon/eval_service $(POLICY_CALL)
POLICY_OBJS_qrexec-policy-exec := tools/policy_exec tools/common $(POLICY_CALL)
POLICY_OBJS_qrexec-policy-why := tools/policy_why tools/common call/info_source call/stream
POLICY_OBJS_qrexec-policy-graph := tools/policy_graph tools/common call/info_source call/stream
POLICY_OBJS_qrexec-legacy-convert := tools/legacy_convert
POLICY_OBJS_qrexec-policy-restore := tools/policy_restore
POLICY_OBJS_qubes-policy-lint := tools/policy_lint_main tools/policy_lint
POLICY_OBJS_qubes-policy := tools/qubes_policy tools/policy_admin_client call/stream
POLICY_OBJS_qubes-policy-editor := tools/policy_editor tools/policy_lint tools/policy_admin_client call/stream
POLICY_OBJS_qubes-policy-admin := tools/policy_admin
POLICY_LIBS_qubes-policy-admin := $(shell pkg-config --libs glib-2.0)
POLICY_CFLAGS_policy_admin := $(shell pkg-config --cflags glib-2.0)
POLICY_OBJS_qrexec-policy-agent := agent/policy_agent agent/agent_message agent/ask_dialog call/policy_log call/stream
POLICY_LIBS_qrexec-policy-agent := $(shell pkg-config --libs gtk+-3.0)
POLICY_GTK_CFLAGS := $(shell pkg-config --cflags gtk+-3.0 | sed 's/-I/-isystem /g')
POLICY_CFLAGS_policy_agent := $(POLICY_GTK_CFLAGS)
POLICY_CFLAGS_agent_message := $(POLICY_GTK_CFLAGS)
POLICY_CFLAGS_ask_dialog := $(POLICY_GTK_CFLAGS)
POLICY_PROGRAMS := qrexec-policy-eval qrexec-policy-daemon qrexec-policy-exec qrexec-policy-why qrexec-policy-agent \
	qrexec-policy-graph qrexec-legacy-convert qrexec-policy-restore qubes-policy-lint qubes-policy qubes-policy-editor qubes-policy-admin

$(POLICY_OBJ)/%.o: $(POLICY_SRC)/%.c
	@mkdir -p $(@D)
	$(CC) $(POLICY_CFLAGS) $(POLICY_CFLAGS_$(notdir $*)) -c $< -o $@

$(POLICY_LIB): $(POLICY_LIB_OBJS)
	@rm -f $@
	ar rcs $@ $^

define POLICY_PROGRAM_RULE
$(B)/qrexec/$(1): $$(addprefix $(POLICY_OBJ)/,$$(addsuffix .o,$$(POLICY_OBJS_$(1)))) $(POLICY_LIB)
	$$(CC) $(LDFLAGS_USER) -o $$@ $$^ $$(POLICY_LIBS_$(1)) $(POLICY_LIBS)
$(B)/qrexec-socket/$(1): $(B)/qrexec/$(1)
	@mkdir -p $$(@D)
	@cp $$< $$@
endef
$(foreach p,$(POLICY_PROGRAMS),$(eval $(call POLICY_PROGRAM_RULE,$(p))))

.PHONY: qrexec-policy
qrexec-policy: $(POLICY_PROGRAMS:%=$(B)/qrexec/%) $(POLICY_PROGRAMS:%=$(B)/qrexec-socket/%)
qrexec: $(POLICY_PROGRAMS:%=$(B)/qrexec/%)
qrexec-socket: $(POLICY_PROGRAMS:%=$(B)/qrexec-socket/%)
ALL += qrexec-policy

-include $(shell find $(POLICY_OBJ) -name '*.d' 2>/dev/null)

POLICY_BIN := $(filter-out qubes-policy-admin,$(POLICY_PROGRAMS))
POLICY_SERVICES := policy.List policy.Get policy.Replace policy.Remove policy.GetFiles \
	policy.include.List policy.include.Get policy.include.Replace policy.include.Remove
.PHONY: install-dom0-policy
install-dom0-policy: qrexec-policy
	install -d $(DESTDIR)/usr/bin $(DESTDIR)/usr/lib/qubes $(DESTDIR)/usr/lib/systemd/system \
	  $(DESTDIR)/usr/lib/tmpfiles.d $(DESTDIR)/usr/lib/sysusers.d $(DESTDIR)/etc/xdg/autostart \
	  $(DESTDIR)/etc/qubes/policy.d/include $(DESTDIR)/etc/qubes-rpc/policy \
	  $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants
	install -m 0755 $(POLICY_BIN:%=$(B)/qrexec/%) $(DESTDIR)/usr/bin
	install -m 0755 $(B)/qrexec/qubes-policy-admin $(DESTDIR)/usr/lib/qubes
	install -m 0664 $(POLICY_SRC)/default/*.policy $(DESTDIR)/etc/qubes/policy.d
	install -m 0664 $(POLICY_SRC)/default/include/* $(DESTDIR)/etc/qubes/policy.d/include
	install -m 0644 $(POLICY_SRC)/systemd/qubes-qrexec-policy-daemon.service $(DESTDIR)/usr/lib/systemd/system
	ln -sf ../qubes-qrexec-policy-daemon.service $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants/
	install -m 0644 $(POLICY_SRC)/systemd/tmpfiles.conf $(DESTDIR)/usr/lib/tmpfiles.d/qrexec-policy.conf
	install -m 0644 $(POLICY_SRC)/systemd/sysusers.conf $(DESTDIR)/usr/lib/sysusers.d/qrexec-policy.conf
	install -m 0644 $(POLICY_SRC)/systemd/qrexec-policy-agent.desktop $(DESTDIR)/etc/xdg/autostart
	for s in $(POLICY_SERVICES); do ln -sf /usr/lib/qubes/qubes-policy-admin $(DESTDIR)/etc/qubes-rpc/$$s; done
	for s in EvalSimple EvalGUI; do ln -sf /run/qubes/policy.$$s.sock $(DESTDIR)/etc/qubes-rpc/policy.$$s; done
	for s in Ask Notify; do ln -sf /run/qubes/policy-agent.sock $(DESTDIR)/etc/qubes-rpc/policy.$$s; done
	for p in $(wildcard $(POLICY_SRC)/man/*.[158]); do \
	  install -D -m 0644 $$p $(DESTDIR)/usr/share/man/man$${p##*.}/$${p##*/}; done
INSTALL_DOM0 += install-dom0-policy

HELP += check-qrexec|all~tests~of~qrexec
# Everything of qrexec together; the other half adds to it.
.PHONY: check-qrexec
check-qrexec: check-policy-unit check-policy-programs check-policy-calls check-policy-fuzz check-policy-dialog

-include tests/unit/policy/tests.mk tests/fuzz/policy/fuzz.mk tests/bench/policy/bench.mk
