# SPDX-License-Identifier: GPL-2.0-or-later
# qrexec: `make qrexec` builds the Xen variant into build/qrexec, `make qrexec-socket` the socket variant into
# build/qrexec-socket. Objects are shared; the variants differ in the vchan library and in how sessions are made.
QREXEC_B := $(B)/qrexec-obj
QREXEC_CFLAGS := $(CFLAGS_USER) $(WARN_STRICT) -Ilibvchan -Iqrexec/common -Iqrexec/daemon -Iqrexec/agent \
	-Iqrexec/filecopy -Iqrexec/tools
QREXEC_COMMON_SRC := $(wildcard qrexec/common/*.c)
QREXEC_DAEMON_LIB_SRC := $(addprefix qrexec/daemon/,answer.c call.c dom0.c policy_client.c qubesd.c)
QREXEC_DAEMON_SRC := $(addprefix qrexec/daemon/,agent_link.c broker.c clients.c ports.c request.c)
QREXEC_FILECOPY_SRC := $(addprefix qrexec/filecopy/,crc32.c names.c pack.c unpack.c)
QREXEC_AGENT_SRC := $(addprefix qrexec/agent/,connections.c dom0_link.c)

qrexec_objs = $(patsubst qrexec/%.c,$(QREXEC_B)/%.o,$(1))

$(QREXEC_B)/%.o: qrexec/%.c
	@mkdir -p $(@D)
	$(CC) $(QREXEC_CFLAGS) -c -o $@ $<

$(QREXEC_B)/common.a: $(call qrexec_objs,$(QREXEC_COMMON_SRC))
	rm -f $@
	$(AR) rcs $@ $^

# program: objects, then libraries
QREXEC_PROGRAMS := qrexec-daemon qrexec-client qrexec-agent qrexec-fork-server qrexec-client-vm
QREXEC_PARTS_qrexec-daemon := $(QREXEC_DAEMON_LIB_SRC) $(QREXEC_DAEMON_SRC) qrexec/daemon/qrexec-daemon.c
QREXEC_PARTS_qrexec-client := $(QREXEC_DAEMON_LIB_SRC) qrexec/daemon/qrexec-client.c
QREXEC_PARTS_qrexec-agent := $(QREXEC_AGENT_SRC) qrexec/agent/serve.c qrexec/agent/qrexec-agent.c
QREXEC_PARTS_qrexec-fork-server := qrexec/agent/serve.c qrexec/agent/qrexec-fork-server.c
QREXEC_PARTS_qrexec-client-vm := qrexec/agent/qrexec-client-vm.c
# these need no vchan and are the same in both variants
QREXEC_TOOLS := qfile-agent qfile-unpacker qvm-copy qvm-open-in-vm vm-open-file vm-open-url vmexec start-app connect-tcp wait-for-session
QREXEC_PARTS_qfile-agent := $(QREXEC_FILECOPY_SRC) qrexec/filecopy/qfile-agent.c
QREXEC_PARTS_qfile-unpacker := $(QREXEC_FILECOPY_SRC) qrexec/filecopy/qfile-unpacker.c
QREXEC_PARTS_qvm-copy := $(QREXEC_FILECOPY_SRC) qrexec/tools/tool_path.c qrexec/tools/qvm-copy.c
QREXEC_PARTS_qvm-open-in-vm := $(QREXEC_FILECOPY_SRC) qrexec/tools/tool_path.c qrexec/tools/qvm-open-in-vm.c
QREXEC_PARTS_vm-open-file := $(QREXEC_FILECOPY_SRC) qrexec/services/vm-open-file.c
QREXEC_PARTS_vm-open-url := qrexec/services/vm-open-url.c
QREXEC_PARTS_vmexec := qrexec/services/vmexec_decode.c qrexec/services/vmexec.c
QREXEC_PARTS_start-app := qrexec/services/desktop_entry.c qrexec/services/start-app.c
QREXEC_PARTS_connect-tcp := qrexec/services/connect-tcp.c
QREXEC_PARTS_wait-for-session := qrexec/services/wait-for-session.c
QREXEC_LINKS := qvm-move:qvm-copy qvm-copy-to-vm:qvm-copy qvm-move-to-vm:qvm-copy qvm-open-in-dvm:qvm-open-in-vm
QREXEC_LIBS_qrexec-daemon := -lseccomp
QREXEC_LIBS_qrexec-agent := -lseccomp
QREXEC_SESSION_qrexec := qrexec/agent/session.c
QREXEC_SESSION_qrexec-socket := qrexec/agent/session_plain.c
QREXEC_PAM_qrexec := -lpam
QREXEC_SESSION_PROGRAMS := qrexec-agent qrexec-fork-server
QREXEC_VCHAN_qrexec := $(LIBVCHAN_XEN)
QREXEC_VCHAN_qrexec-socket := $(LIBVCHAN_SOCKET)
QREXEC_LDFLAGS := $(LDFLAGS_USER) -Wl,-rpath,'$$ORIGIN'

# $(1): variant folder, $(2): program
define QREXEC_PROGRAM
$(B)/$(1)/$(2): $(call qrexec_objs,$(QREXEC_PARTS_$(2)) $(if $(filter $(2),$(QREXEC_SESSION_PROGRAMS)),$(QREXEC_SESSION_$(1)))) \
	    $(QREXEC_B)/common.a $(B)/$(1)/$(notdir $(QREXEC_VCHAN_$(1)))
	$$(CC) $$(QREXEC_LDFLAGS) -o $$@ $$^ $(QREXEC_LIBS_$(2)) \
	    $(if $(filter $(2),$(QREXEC_SESSION_PROGRAMS)),$(QREXEC_PAM_$(1)))
$(1): $(B)/$(1)/$(2)
endef
define QREXEC_TOOL
$(B)/$(1)/$(2): $(call qrexec_objs,$(QREXEC_PARTS_$(2))) $(QREXEC_B)/common.a
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_USER) -o $$@ $$^
$(1): $(B)/$(1)/$(2)
endef
define QREXEC_LINK
$(B)/$(1)/$(word 1,$(subst :, ,$(2))):
	@mkdir -p $$(@D)
	ln -sf $(word 2,$(subst :, ,$(2))) $$@
$(1): $(B)/$(1)/$(word 1,$(subst :, ,$(2)))
endef
define QREXEC_VARIANT
$(B)/$(1)/$(notdir $(QREXEC_VCHAN_$(1))): $(QREXEC_VCHAN_$(1))
	@mkdir -p $$(@D)
	cp $$< $$@
	ln -sf $$(@F) $$(basename $$@)
$(foreach p,$(QREXEC_PROGRAMS),$(eval $(call QREXEC_PROGRAM,$(1),$(p))))
$(foreach p,$(QREXEC_TOOLS),$(eval $(call QREXEC_TOOL,$(1),$(p))))
$(foreach l,$(QREXEC_LINKS),$(eval $(call QREXEC_LINK,$(1),$(l))))
endef
$(eval $(call QREXEC_VARIANT,qrexec-socket))
ifneq ($(VCHAN_OBJS_xen),)
$(eval $(call QREXEC_VARIANT,qrexec))
endif

.PHONY: qrexec qrexec-socket
ALL += qrexec qrexec-socket
HELP += qrexec|build~the~qrexec~programs qrexec-socket|the~same~over~Unix~sockets,~for~tests
include qrexec/install.mk
include qrexec/tests.mk
-include $(shell find $(QREXEC_B) -name '*.d' 2>/dev/null)
-include qrexec/policy/policy.mk
