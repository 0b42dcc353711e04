# SPDX-License-Identifier: GPL-2.0-or-later
# Domain manager: daemon, tools, desktop programs, qubesdb tools for guests.
DM_OUT := $(B)/domain-manager
DM_DAEMON_SRC := $(wildcard domain-manager/daemon/*.c)
DM_DAEMON := $(DM_OUT)/bulkhead-domain-manager
DM_GLIB_CFLAGS := $(shell pkg-config --cflags gio-unix-2.0)
DM_GLIB_LIBS := $(shell pkg-config --libs gio-unix-2.0)
DM_CPPFLAGS := $(DM_GLIB_CFLAGS) -Idomain-manager/daemon
DM_DAEMON_LIBS := $(DM_GLIB_LIBS) -lsystemd -lxenlight -lxlutil -lxentoollog -lxenstore

$(DM_OUT)/daemon/%.o: domain-manager/daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) $(DM_CPPFLAGS) -c -o $@ $<

$(DM_DAEMON): $(DM_DAEMON_SRC:domain-manager/daemon/%.c=$(DM_OUT)/daemon/%.o)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(DM_DAEMON_LIBS)

DM_TOOLS_SRC := $(wildcard domain-manager/tools/*.c)
DM_TOOL := $(DM_OUT)/qvm
# every name in the table of commands.c
DM_TOOL_NAMES := $(shell sed -n 's/^ *{"\(q[a-z-]*\)", cmd_.*/\1/p' domain-manager/tools/commands.c)

$(DM_OUT)/tools/%.o: domain-manager/tools/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c -o $@ $<

$(DM_TOOL): $(DM_TOOLS_SRC:domain-manager/tools/%.c=$(DM_OUT)/tools/%.o)
	$(CC) $(LDFLAGS_USER) -o $@ $^
	@for n in $(DM_TOOL_NAMES); do ln -sf qvm $(DM_OUT)/$$n; done

DM_GTK_CFLAGS := $(shell pkg-config --cflags gtk+-3.0)
DM_GTK_LIBS := $(shell pkg-config --libs gtk+-3.0)
DM_DESKTOP_COMMON := $(addprefix $(DM_OUT)/desktop/,model.o label.o notice.o) $(addprefix $(DM_OUT)/daemon/,labels.o rules.o dm_error.o)
DM_PANEL := $(DM_OUT)/bulkhead-panel

$(DM_OUT)/desktop/%.o: domain-manager/desktop/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) $(DM_GTK_CFLAGS) -c -o $@ $<

$(DM_PANEL): $(addprefix $(DM_OUT)/desktop/,panel.o panel_menu.o tray.o) $(DM_DESKTOP_COMMON)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(DM_GTK_LIBS) -lX11

DM_WINDOW := $(DM_OUT)/bulkhead-manager
$(DM_WINDOW): $(addprefix $(DM_OUT)/desktop/,manager.o manager_widgets.o create_dialog.o settings_dialog.o) $(DM_DESKTOP_COMMON)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(DM_GTK_LIBS)

DM_QUBESDB := $(DM_OUT)/qubesdb-cmd
DM_QUBESDB_NAMES := $(addprefix qubesdb-,read list multiread write rm watch)
$(DM_OUT)/vm/%.o: domain-manager/vm/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c -o $@ $<

$(DM_QUBESDB): $(DM_OUT)/vm/main.o $(DM_OUT)/vm/qubesdb.o
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxenstore

DM_NETWORK := $(DM_OUT)/bulkhead-network
$(DM_NETWORK): $(DM_OUT)/vm/network.o
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxenstore

DM_FIREWALL := $(DM_OUT)/bulkhead-firewall
$(DM_FIREWALL): $(DM_OUT)/vm/firewall.o
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxenstore

DM_HOTPLUG := $(DM_OUT)/hotplug-none
$(DM_HOTPLUG): domain-manager/hotplug/none.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -Os $(WARN) -static -nostdlib -ffreestanding -fno-pie -no-pie -fno-stack-protector -s \
	  -Wl,--build-id=none -Wl,-z,noexecstack -o $@ $<

.PHONY: domain-manager
domain-manager: $(DM_DAEMON) $(DM_TOOL) $(DM_PANEL) $(DM_WINDOW) $(DM_QUBESDB) $(DM_NETWORK) $(DM_FIREWALL) $(DM_HOTPLUG)
ALL += domain-manager
HELP += domain-manager|build~the~domain~manager,~its~tools~and~desktop~programs

-include $(wildcard $(DM_OUT)/*/*.d $(DM_OUT)/test/*/*.d)

# -- tests --

DM_TEST := $(DM_OUT)/test
$(DM_TEST)/crash_shim.so: tests/system/manager-fake/crash_shim.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -fPIC -shared -o $@ $<

# unit tests: the daemon's modules under sanitizers, without libxl, sockets and main
DM_UNIT_SRC := $(filter-out %/main.c %/backend_libxl.c %/xenstore_link.c %/loop_device.c %/dbus.c %/qubesd.c,$(DM_DAEMON_SRC))
$(DM_TEST)/daemon/%.o: domain-manager/daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) $(DM_CPPFLAGS) -c -o $@ $<
$(DM_TEST)/unit/%.o: tests/unit/domain-manager/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) $(DM_CPPFLAGS) -c -o $@ $<
$(DM_TEST)/vm/%.o: domain-manager/vm/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) -c -o $@ $<
$(DM_TEST)/test_model: $(DM_TEST)/unit/test_model.o $(DM_UNIT_SRC:domain-manager/daemon/%.c=$(DM_TEST)/daemon/%.o)
	$(CC) -fsanitize=address,undefined -o $@ $^ $(DM_GLIB_LIBS) -lcmocka
$(DM_TEST)/test_qubesdb: $(DM_TEST)/unit/test_qubesdb.o $(DM_TEST)/vm/qubesdb.o
	$(CC) -fsanitize=address,undefined -o $@ $^ -lcmocka
# the whole daemon under sanitizers, for the end-to-end tests
$(DM_TEST)/bulkhead-domain-manager: $(DM_DAEMON_SRC:domain-manager/daemon/%.c=$(DM_TEST)/daemon/%.o)
	$(CC) -fsanitize=address,undefined -o $@ $^ $(DM_DAEMON_LIBS)
check-manager-sanitized: domain-manager $(DM_TEST)/crash_shim.so $(DM_TEST)/bulkhead-domain-manager
	@DM_MANAGER=$(DM_TEST)/bulkhead-domain-manager tests/harness/stage manager-sanitized --timeout 300 -- \
	  sh -c 'for t in manager backup; do /usr/bin/python3 tests/system/manager-fake/test_$$t.py || exit 1; done'
CHECK_SYSTEM += check-manager-sanitized
check-manager-unit: $(DM_TEST)/test_model $(DM_TEST)/test_qubesdb
	@tests/harness/stage manager-unit --timeout 120 -- sh -c '$(DM_TEST)/test_model && $(DM_TEST)/test_qubesdb'
CHECK_QUICK += check-manager-unit

DM_FUZZ_SRC := tests/unit/domain-manager/fuzz_text.c $(addprefix domain-manager/daemon/,appmenus.c backup_manifest.c firewall_rule.c labels.c rules.c dm_error.c store.c)
$(DM_TEST)/fuzz_text: $(DM_FUZZ_SRC) tests/unit/domain-manager/fuzz_stubs.c $(wildcard domain-manager/daemon/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(CFLAGS_FUZZ) $(DM_CPPFLAGS) -o $@ $(filter %.c,$^) $(DM_GLIB_LIBS)
check-manager-fuzz: $(DM_TEST)/fuzz_text
	@tests/harness/stage manager-fuzz --timeout 120 -- $(DM_TEST)/fuzz_text -runs=$(FUZZ_RUNS) -max_len=4096 -artifact_prefix=$(DM_TEST)/ -dict=tests/unit/domain-manager/fuzz.dict
CHECK_SYSTEM += check-manager-fuzz

.PHONY: check-manager check-manager-network check-manager-bus check-manager-sanitized check-manager-libxl check-manager-fuzz check-manager-desktop check-manager-unit check-manager-tools check-manager-backup check-manager-cut check-manager-cut-quick
check-manager-tools: domain-manager $(DM_TEST)/crash_shim.so
	@tests/harness/stage manager-tools --timeout 300 -- /usr/bin/python3 tests/system/manager-fake/test_manager.py
check-manager-backup: domain-manager $(DM_TEST)/crash_shim.so
	@tests/harness/stage manager-backup --timeout 300 -- /usr/bin/python3 tests/system/manager-fake/test_backup.py
check-manager-bus: domain-manager
	@tests/harness/stage manager-bus --timeout 60 -- /usr/bin/python3 tests/system/manager-fake/test_systemd.py
check-manager-cut-quick: domain-manager $(DM_TEST)/crash_shim.so
	@tests/harness/stage manager-cut-quick --timeout 300 -- /usr/bin/python3 tests/system/manager-fake/test_power_cut.py --quick
check-manager-cut: domain-manager $(DM_TEST)/crash_shim.so
	@tests/harness/stage manager-cut --timeout 900 -- /usr/bin/python3 tests/system/manager-fake/test_power_cut.py
CHECK_QUICK += check-manager-tools check-manager-backup check-manager-bus check-manager-cut-quick
$(DM_TEST)/fake_libxl.so: tests/system/manager-fake/fake_libxl.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -fPIC -shared -o $@ $<
check-manager-libxl: domain-manager $(DM_TEST)/fake_libxl.so
	@tests/harness/stage manager-libxl --timeout 120 -- /usr/bin/python3 tests/system/manager-fake/test_libxl.py
$(DM_TEST)/fake_xenstore.so: tests/system/manager-fake/fake_xenstore.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -fPIC -shared -o $@ $<
$(DM_TEST)/bulkhead-network: domain-manager/vm/network.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -DNAT_RULES='"$(CURDIR)/domain-manager/vm/network-nat.nft"' \
	  -DFIREWALL='"$(CURDIR)/$(DM_FIREWALL)"' -o $@ $< -lxenstore
check-manager-network: $(DM_TEST)/fake_xenstore.so $(DM_TEST)/bulkhead-network $(DM_FIREWALL)
	@tests/harness/stage manager-network --timeout 120 -- /usr/bin/python3 tests/system/manager-fake/test_network.py
check-manager-desktop: domain-manager $(DM_TEST)/crash_shim.so
	@tests/harness/stage manager-desktop --timeout 180 -- /usr/bin/python3 tests/system/manager-fake/test_desktop.py
CHECK_SYSTEM += check-manager-libxl check-manager-network check-manager-cut check-manager-desktop

# With the hypervisor and real templates. The ISO has debian-12; the other recipes come on the state's disk.
.PHONY: check-manager-system check-manager-system-all check-manager-templates check-manager-userland bench-manager-start
check-manager-templates: check-iso-build
	@tests/harness/stage manager-templates --timeout 900 -- sh -c '$(MAKE) templates && $(MAKE) template-package TEMPLATE=debian-12-minimal'
check-manager-userland: check-manager-templates
	@tests/harness/stage manager-userland --timeout 200 -- /usr/bin/python3 tests/system/manager-templates/boot_natively.py \
	  $(patsubst %,$(TPL)/%/root.img,debian-12 debian-12-minimal debian-13)
# -all adds what needs more templates than CI builds, and network
DM_CI_PARTS := life,disposable,volumes,crowd,after_power_cut,disk_full,no_store
check-manager-system check-manager-system-all: check-manager-templates
	@ONLY="$(if $(filter %-all,$@),$(ONLY),$(or $(ONLY),$(DM_CI_PARTS)))" tests/harness/stage manager-system --timeout $(if $(filter %-all,$@),3600,1500) -- \
	  /usr/bin/python3 tests/system/manager-real/test_real.py $(ISO) $(TPL) $(B)/check/manager-system
CHECK_SYSTEM += check-manager-userland check-manager-system
HELP += check-manager-system|real~templates~on~the~hypervisor:~life,~disposable,~volumes,~ten~at~once,~power~cut,~full~disk,~no~xenstored;~ONLY=life,… \
  check-manager-system-all|the~same~with~all~recipes~and~network
# phases of a start; HYPERVISOR=xen for reference
bench-manager-start:
	@/usr/bin/python3 tests/bench/manager/start_phases.py $(ISO) $(B)/check/start-phases.log $(TEMPLATE)
HELP += bench-manager-start|phases~of~the~start~of~a~domain~to~its~first~window
check-manager: check-manager-userland check-manager-system check-manager-unit check-manager-tools check-manager-backup check-manager-bus check-manager-sanitized check-manager-libxl check-manager-network check-manager-cut check-manager-desktop check-manager-fuzz
.PHONY: bench-manager
bench-manager: domain-manager
	@/usr/bin/python3 tests/bench/manager/bench.py
HELP += bench-manager|figures~of~the~domain~manager
HELP += check-manager|tests~of~the~domain~manager~on~the~fake~hypervisor

# -- installation --

DM_ADMIN_METHODS = $(shell sed -n 's/^ *{"\(admin\.[A-Za-z_.]*\)".*/\1/p' domain-manager/daemon/admin_*.c) \
	admin.Events admin.vm.Stats admin.vm.Console admin.vm.volume.Import admin.vm.volume.ImportWithSize
DM_UNITS := bulkhead-domains.service bulkhead-domain-manager.service bulkhead-qrexec@.service bulkhead-guid@.service

.PHONY: install-dom0-manager install-vm-manager
install-dom0-manager: domain-manager
	install -d $(addprefix $(DESTDIR),/usr/bin /usr/sbin /usr/lib/systemd/system /usr/lib/modules-load.d \
	  /usr/lib/sysusers.d /usr/share/dbus-1/system.d /usr/share/applications /etc/bulkhead \
	  /etc/qubes-rpc /usr/share/man/man1 /usr/share/man/man8 /usr/share/bash-completion/completions \
	  /var/lib/bulkhead)
	install -m 755 $(DM_DAEMON) $(DESTDIR)/usr/sbin/
	install -m 755 $(DM_TOOL) $(DM_PANEL) $(DM_WINDOW) $(DESTDIR)/usr/bin/
	for n in $(DM_TOOL_NAMES); do ln -sf qvm $(DESTDIR)/usr/bin/$$n; done
	install -m 644 $(addprefix domain-manager/systemd/,$(DM_UNITS)) $(DESTDIR)/usr/lib/systemd/system/
	install -m 644 domain-manager/systemd/modules-load.conf $(DESTDIR)/usr/lib/modules-load.d/bulkhead-dom0.conf
	install -D -m 644 domain-manager/systemd/10-bulkhead-volumes.rules $(DESTDIR)/usr/lib/udev/rules.d/10-bulkhead-volumes.rules
	install -D -m 755 $(DM_HOTPLUG) $(DESTDIR)/usr/lib/bulkhead/hotplug-none
	install -m 644 domain-manager/systemd/sysusers.conf $(DESTDIR)/usr/lib/sysusers.d/bulkhead-manager.conf
	install -m 644 domain-manager/systemd/org.bulkhead.DomainManager1.conf $(DESTDIR)/usr/share/dbus-1/system.d/
	install -m 644 domain-manager/systemd/bulkhead-manager.desktop $(DESTDIR)/usr/share/applications/
	install -m 644 domain-manager/systemd/domain-manager.conf $(DESTDIR)/etc/bulkhead/
	install -m 644 $(wildcard domain-manager/man/*.1) $(DESTDIR)/usr/share/man/man1/
	install -m 644 domain-manager/man/bulkhead-domain-manager.8 $(DESTDIR)/usr/share/man/man8/
	install -m 644 domain-manager/systemd/qvm-completion $(DESTDIR)/usr/share/bash-completion/completions/qvm-ls
	for n in $(filter-out qvm-ls,$(DM_TOOL_NAMES)); do \
	  ln -sf qvm-ls $(DESTDIR)/usr/share/bash-completion/completions/$$n; done
	install -m 755 domain-manager/systemd/qubes.SyncAppMenus $(DESTDIR)/etc/qubes-rpc/
	install -m 755 $(DM_QUBESDB) $(DESTDIR)/usr/bin/
	for n in $(DM_QUBESDB_NAMES); do ln -sf qubesdb-cmd $(DESTDIR)/usr/bin/$$n; done
	for n in $(DM_ADMIN_METHODS); do ln -sf /run/qubesd.sock $(DESTDIR)/etc/qubes-rpc/$$n; done
INSTALL_DOM0 += install-dom0-manager

install-vm-manager: $(DM_QUBESDB) $(DM_NETWORK) $(DM_FIREWALL)
	install -d $(addprefix $(DESTDIR),/usr/bin /usr/share/applications /usr/share/man/man1)
	install -m 755 $(DM_QUBESDB) domain-manager/vm/qubes-run-terminal $(DESTDIR)/usr/bin/
	for n in $(DM_QUBESDB_NAMES); do ln -sf qubesdb-cmd $(DESTDIR)/usr/bin/$$n; done
	install -m 644 domain-manager/vm/qubes-run-terminal.desktop $(DESTDIR)/usr/share/applications/
	install -m 644 domain-manager/man/qubesdb-read.1 $(DESTDIR)/usr/share/man/man1/
	install -D -m 755 -t $(DESTDIR)/usr/lib/bulkhead $(DM_NETWORK) $(DM_FIREWALL)
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/system domain-manager/vm/bulkhead-firewall.service
	install -m 644 domain-manager/vm/network-nat.nft $(DESTDIR)/usr/lib/bulkhead/
	install -D -m 644 -t $(DESTDIR)/usr/lib/udev/rules.d domain-manager/vm/61-bulkhead-network.rules
INSTALL_VM += install-vm-manager
