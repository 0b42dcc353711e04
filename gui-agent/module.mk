# SPDX-License-Identifier: GPL-2.0-or-later
# gui-agent: the program qubes-gui in two variants (Xen; sockets and files for tests), and the monitor layout service.
GUI_AGENT_B := $(B)/gui-agent
GUI_AGENT_SOCKET := $(B)/gui-agent-socket/qubes-gui
GUI_AGENT_LAYOUT := $(GUI_AGENT_B)/qubes-set-monitor-layout
GUI_AGENT_CFLAGS := $(CFLAGS_USER) -Wconversion -Igui-agent -Igui-common -Ilibvchan
GUI_AGENT_XCB := -lxcb-composite -lxcb-damage -lxcb-xfixes -lxcb-shm -lxcb-sync -lxcb-xtest -lxcb-xkb -lxcb-randr -lxcb
# pure modules, also compiled into the unit test
GUI_AGENT_PURE := rect-list out-queue convert window keymap layout-parse buffer-size xsettings
GUI_AGENT_MODULES := $(GUI_AGENT_PURE) main grant-limit display link dispatch track watch properties wm tray frame buffer \
	capture grants input clipboard layout randr resize scale
GUI_AGENT_OBJS := $(patsubst gui-agent/%.c,$(GUI_AGENT_B)/obj/%.o,$(wildcard $(GUI_AGENT_MODULES:%=gui-agent/%.c)))

.PHONY: gui-agent gui-agent-socket
gui-agent: $(GUI_AGENT_B)/qubes-gui $(GUI_AGENT_LAYOUT) $(GUI_AGENT_B)/libqubesgrant.so gui-agent-socket
gui-agent-socket: $(GUI_AGENT_SOCKET) $(B)/gui-agent-socket/xorg/extensions/libqubesgrant.so
ALL += gui-agent
HELP += gui-agent|build~the~GUI~agent~and~its~X~server~module

$(GUI_AGENT_B)/obj/%.o: gui-agent/%.c
	@mkdir -p $(@D)
	$(CC) $(GUI_AGENT_CFLAGS) -c $< -o $@

# Library paths are spelled out: the modules that name them are read after this one.
$(GUI_AGENT_B)/qubes-gui: $(GUI_AGENT_OBJS) $(B)/gui-common/libgui-common-xen.a $(B)/libvchan/libvchan-xen.so.0
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(GUI_AGENT_XCB)

$(GUI_AGENT_SOCKET): $(GUI_AGENT_OBJS) $(B)/gui-common/libgui-common-file.a $(B)/libvchan/libvchan-socket.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(GUI_AGENT_XCB)

$(GUI_AGENT_LAYOUT): $(patsubst %,$(GUI_AGENT_B)/obj/%.o,layout-set layout-parse randr)
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxcb-randr -lxcb

-include $(wildcard $(GUI_AGENT_B)/obj/*.d)

# The X server's module: windows in granted pages. Server headers are not clean under our warnings, hence -isystem.
GUI_AGENT_XORG := $(GUI_AGENT_B)/libqubesgrant.so
GUI_AGENT_XORG_SOCKET := $(B)/gui-agent-socket/xorg/extensions/libqubesgrant.so
GUI_AGENT_XORG_CFLAGS = $(filter-out -Wconversion,$(GUI_AGENT_CFLAGS)) -fPIC -fvisibility=hidden -Igui-agent/xorg \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags xorg-server))

$(GUI_AGENT_B)/obj/xorg/%.o: gui-agent/xorg/%.c
	@mkdir -p $(@D)
	$(CC) $(GUI_AGENT_XORG_CFLAGS) -c $< -o $@

$(GUI_AGENT_B)/obj/xorg/%.o: gui-common/%.c
	@mkdir -p $(@D)
	$(CC) $(GUI_AGENT_XORG_CFLAGS) -c $< -o $@

$(GUI_AGENT_XORG): $(patsubst %,$(GUI_AGENT_B)/obj/xorg/%.o,module granted-pixmap damage-report shmbuf-xen shmbuf-range)
	$(CC) -shared -Wl,-z,relro,-z,now -o $@ $^

$(GUI_AGENT_XORG_SOCKET): $(patsubst %,$(GUI_AGENT_B)/obj/xorg/%.o,module granted-pixmap damage-report shmbuf-file shmbuf-range)
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-z,relro,-z,now -o $@ $^

-include $(wildcard $(GUI_AGENT_B)/obj/xorg/*.d)

# Unit tests: the pure modules under ASan and UBSan.
GUI_AGENT_TESTS := $(patsubst tests/unit/gui-agent/%.c,%,$(wildcard tests/unit/gui-agent/test_*.c))
GUI_AGENT_TEST_B := $(B)/gui-agent/test

$(GUI_AGENT_TEST_B)/obj/%.o: gui-agent/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) -Wconversion -Igui-agent -Igui-common -Ilibvchan -c $< -o $@

$(GUI_AGENT_TEST_B)/obj/%.o: tests/unit/gui-agent/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) -Igui-agent -Igui-common -Ilibvchan -c $< -o $@

$(GUI_AGENT_TEST_B)/test_%: $(GUI_AGENT_TEST_B)/obj/test_%.o $(GUI_AGENT_PURE:%=$(GUI_AGENT_TEST_B)/obj/%.o)
	$(CC) $(CFLAGS_SAN) -o $@ $^ -lcmocka

# The whole agent with sanitizers; the test against the model of the daemon runs it.
$(GUI_AGENT_TEST_B)/qubes-gui: $(patsubst $(GUI_AGENT_B)/obj/%,$(GUI_AGENT_TEST_B)/obj/%,$(GUI_AGENT_OBJS)) \
		$(B)/gui-common/libgui-common-file.a $(B)/libvchan/libvchan-socket.a
	$(CC) $(CFLAGS_SAN) -o $@ $^ $(GUI_AGENT_XCB)

.SECONDARY: $(GUI_AGENT_PURE:%=$(GUI_AGENT_TEST_B)/obj/%.o) $(GUI_AGENT_TESTS:%=$(GUI_AGENT_TEST_B)/obj/%.o)
.PHONY: check-gui-agent-unit
check-gui-agent-unit: $(GUI_AGENT_TESTS:%=$(GUI_AGENT_TEST_B)/%)
	@tests/harness/stage gui-agent-unit -- sh -c 'st=0; for t in $^; do $$t || st=1; done; exit $$st'
CHECK_QUICK += check-gui-agent-unit
-include $(wildcard $(GUI_AGENT_TEST_B)/obj/*.d)

# The agent under Xvfb against a model of the daemon (tests/system/gui).
.PHONY: check-gui-agent
check-gui-agent: $(GUI_AGENT_TEST_B)/qubes-gui $(GUI_AGENT_LAYOUT)
	@tests/harness/stage gui-agent --timeout 180 -- env GUI_AGENT=$(TOP)/$(GUI_AGENT_TEST_B)/qubes-gui tests/system/gui/test_agent.py
.PHONY: check-gui-agent-xorg
check-gui-agent-xorg: $(GUI_AGENT_TEST_B)/qubes-gui $(GUI_AGENT_LAYOUT) $(GUI_AGENT_XORG_SOCKET)
	@tests/harness/stage gui-agent-xorg --timeout 180 -- env GUI_AGENT=$(TOP)/$(GUI_AGENT_TEST_B)/qubes-gui tests/system/gui/test_agent.py --xorg
CHECK_SYSTEM += check-gui-agent check-gui-agent-xorg
HELP += check-gui-agent|the~GUI~agent~under~Xvfb

.PHONY: install-vm-gui-agent
install-vm-gui-agent: $(GUI_AGENT_B)/qubes-gui $(GUI_AGENT_LAYOUT) $(GUI_AGENT_XORG)
	install -D -m 0644 $(GUI_AGENT_XORG) $(DESTDIR)/usr/lib/xorg/modules/extensions/libqubesgrant.so
	install -D -m 0755 $(GUI_AGENT_B)/qubes-gui $(DESTDIR)/usr/bin/qubes-gui
	install -D -m 0755 $(GUI_AGENT_LAYOUT) $(DESTDIR)/usr/lib/bulkhead/qubes-set-monitor-layout
	install -D -m 0755 gui-agent/vm/qubes-session $(DESTDIR)/usr/lib/bulkhead/qubes-session
	install -D -m 0755 gui-agent/vm/qubes.SetMonitorLayout $(DESTDIR)/etc/qubes-rpc/qubes.SetMonitorLayout
	install -D -m 0644 gui-agent/vm/xorg-qubes.conf $(DESTDIR)/etc/X11/xorg-qubes.conf
	install -D -m 0644 gui-agent/vm/qubes-gui-session.pam $(DESTDIR)/etc/pam.d/qubes-gui-session
	install -D -m 0644 gui-agent/vm/modules-load.conf $(DESTDIR)/usr/lib/modules-load.d/qubes-gui.conf
	install -D -m 0644 gui-agent/vm/modprobe.conf $(DESTDIR)/etc/modprobe.d/qubes-gui.conf
	install -D -m 0644 gui-agent/vm/qubes-gui.sh $(DESTDIR)/etc/profile.d/qubes-gui.sh
	install -D -m 0644 gui-agent/vm/session-environment.conf $(DESTDIR)/usr/lib/environment.d/60-qubes-session.conf
	install -d $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants
	install -m 0644 gui-agent/vm/*.service $(DESTDIR)/usr/lib/systemd/system/
	ln -sf ../qubes-gui-agent.service $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants/
	install -D -m 0644 gui-agent/man/qubes-gui.1 $(DESTDIR)/usr/share/man/man1/qubes-gui.1
INSTALL_VM += install-vm-gui-agent

# What the tests below and those of the ISO compare screens with.
GUI_AGENT_PICTURES := $(GUI_AGENT_B)/test-pattern $(B)/gui-daemon/expected-frame
$(GUI_AGENT_B)/test-pattern: tests/system/gui/test-pattern.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) $(LDFLAGS_USER) -o $@ $< -lxcb
$(B)/gui-daemon/expected-frame: tests/system/gui/expected-frame.c gui-daemon/frame.c gui-daemon/geometry.c $(wildcard gui-daemon/*.h)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS_USER)) $(patsubst -I%,-isystem %,$(shell pkg-config --cflags gtk+-3.0)) \
	  $(LDFLAGS_USER) -o $@ $(filter %.c,$^) $(shell pkg-config --libs gtk+-3.0)

# Agent and daemon together.
.PHONY: check-gui-e2e
check-gui-e2e: $(B)/domain-manager/bulkhead-panel $(GUI_AGENT_SOCKET) $(GUI_AGENT_LAYOUT) $(GUI_AGENT_PICTURES) gui-daemon-socket
	@tests/harness/stage gui-e2e --timeout 300 -- tests/system/gui/test_end_to_end.py
.PHONY: check-gui-e2e-xorg
check-gui-e2e-xorg: $(B)/domain-manager/bulkhead-panel $(GUI_AGENT_SOCKET) $(GUI_AGENT_LAYOUT) $(GUI_AGENT_XORG_SOCKET) $(GUI_AGENT_PICTURES) gui-daemon-socket
	@tests/harness/stage gui-e2e-xorg --timeout 300 -- tests/system/gui/test_end_to_end.py --modules
CHECK_SYSTEM += check-gui-e2e check-gui-e2e-xorg

# Two real domains' windows on dom0's real screen; HYPERVISOR=xen for the reference.
.PHONY: check-gui-two-domains
check-gui-two-domains: check-iso-build $(GUI_AGENT_PICTURES)
	@tests/harness/stage gui-two-domains --timeout 900 -- tests/system/gui/test-two-domains $(B)/installer/bulkhead.iso $(B)/check/gui-two-domains
CHECK_SYSTEM += check-gui-two-domains
HELP += check-gui-two-domains|windows~of~two~real~domains,~compared~pixel~by~pixel~in~QEMU

# The units under a real systemd, in namespaces, with the template that was built (skipped if there is none).
.PHONY: check-gui-units
check-gui-units: gui-agent
	@tests/harness/stage gui-units --timeout 150 -- tests/system/gui/test_units.py
CHECK_SYSTEM += check-gui-units
CHECK_GUI += check-gui-agent-unit check-gui-agent check-gui-agent-xorg check-gui-e2e check-gui-e2e-xorg check-gui-units
HELP += check-gui-e2e|GUI~agent~and~daemon~together~under~Xvfb

# Figures: make bench-gui
GUI_AGENT_BENCH := $(GUI_AGENT_B)/bench/bench-client $(GUI_AGENT_B)/bench/bench-probe
$(GUI_AGENT_B)/bench/%: tests/bench/gui/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) $(LDFLAGS_USER) -o $@ $< -lxcb-damage -lxcb-shm -lxcb-xtest -lxcb

.PHONY: bench-gui
bench-gui: $(GUI_AGENT_SOCKET) $(GUI_AGENT_BENCH) $(GUI_AGENT_XORG_SOCKET) gui-daemon-socket
	@tests/bench/gui/bench_gui.py
.PHONY: check-gui-figures
check-gui-figures: $(GUI_AGENT_SOCKET) $(GUI_AGENT_BENCH) $(GUI_AGENT_XORG_SOCKET) gui-daemon-socket
	@tests/harness/stage gui-figures --timeout 300 -- tests/bench/gui/bench_gui.py --quick
CHECK_SYSTEM += check-gui-figures
CHECK_GUI += check-gui-figures
HELP += bench-gui|figures~of~the~GUI~path~next~to~local~drawing
