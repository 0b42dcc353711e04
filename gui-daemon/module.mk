# SPDX-License-Identifier: GPL-2.0-or-later
# qubes-guid: the GUI daemon of dom0, with Xen and (for tests) with sockets and files in Xen's place.
GUID_B := $(B)/gui-daemon
GUID_O := $(GUID_B)/obj
GUID := $(GUID_B)/qubes-guid
GUID_SOCKET := $(B)/gui-daemon-socket/qubes-guid
GUID_PKGS := gtk+-3.0 gdk-x11-3.0 x11 x11-xcb xcb xcb-shm xext libseccomp
GUID_CFLAGS = $(CFLAGS_USER) -Wconversion -Ilibvchan $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(GUID_PKGS)))
GUID_LIBS = $(shell pkg-config --libs $(GUID_PKGS))
GUID_OBJS := $(patsubst gui-daemon/%.c,$(GUID_O)/%.o,$(wildcard gui-daemon/*.c))

GUID_OBJS += $(GUID_O)/theme.gresource.o

$(GUID_O)/theme.gresource.c: gui-daemon/theme.gresource.xml gui-daemon/theme.css
	@mkdir -p $(@D)
	glib-compile-resources --sourcedir=gui-daemon --generate-source --target=$@ $<
$(GUID_O)/theme.gresource.o: $(GUID_O)/theme.gresource.c
	$(CC) $(GUID_CFLAGS) -c $< -o $@

$(GUID_O)/%.o: gui-daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(GUID_CFLAGS) -c $< -o $@

$(GUID): $(GUID_OBJS) $(GUI_COMMON_XEN) $(LIBVCHAN_XEN)
	$(CC) $(LDFLAGS_USER) -o $@ $(GUID_OBJS) $(GUI_COMMON_XEN) $(LIBVCHAN_XEN) $(GUID_LIBS)

$(GUID_SOCKET): $(GUID_OBJS) $(GUI_COMMON_FILE) $(LIBVCHAN_SOCKET)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_USER) -Wl,-rpath,'$$ORIGIN/../libvchan' -o $@ $(GUID_OBJS) $(GUI_COMMON_FILE) $(LIBVCHAN_SOCKET) $(GUID_LIBS)

.PHONY: gui-daemon gui-daemon-socket
gui-daemon: $(GUID) $(GUID_SOCKET)
gui-daemon-socket: $(GUID_SOCKET)
ALL += gui-daemon
HELP += gui-daemon|build~qubes-guid,~for~Xen~and~for~tests~over~sockets

.PHONY: install-dom0-gui-daemon
install-dom0-gui-daemon: $(GUID)
	install -D -m 755 $(GUID) $(DESTDIR)/usr/bin/qubes-guid
	install -D -m 644 gui-daemon/man/qubes-guid.1 $(DESTDIR)/usr/share/man/man1/qubes-guid.1
INSTALL_DOM0 += install-dom0-gui-daemon

# ---- unit tests and fuzzer of the parts that need no screen ----
GUID_T := $(GUID_B)/test
GUID_PURE := configure domain geometry sanitize staging stream throttle
GUID_PURE_CFLAGS = -Wconversion $(patsubst -I%,-isystem %,$(shell pkg-config --cflags gtk+-3.0))
GUID_TESTS := message shmbuf geometry configure sanitize flow domain config clipboard tint seccomp

$(GUID_T)/obj/%.o: gui-daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) $(GUID_PURE_CFLAGS) -c $< -o $@
$(GUID_T)/obj/%.o: gui-common/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) -c $< -o $@
$(GUID_T)/obj/%.o: tests/unit/gui-daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) $(patsubst -I%,-isystem %,$(shell pkg-config --cflags gtk+-3.0)) -c $< -o $@

GUID_T_message := gui-message
GUID_T_shmbuf := shmbuf-file shmbuf-range
GUID_T_geometry := geometry
GUID_T_configure := configure geometry
GUID_T_sanitize := sanitize
GUID_T_flow := staging stream throttle gui-message
GUID_T_domain := $(GUID_PURE) gui-message shmbuf-fake
GUID_T_config := config key-sequence label sanitize
GUID_T_tint := tint
GUID_T_clipboard := clipboard-store policy
GUID_T_seccomp := seccomp
GUID_TEST_PROGRAMS := $(GUID_TESTS:%=$(GUID_T)/test_%)

define GUID_TEST
$(GUID_T)/test_$(1): $(GUID_T)/obj/test_$(1).o $$(GUID_T_$(1):%=$(GUID_T)/obj/%.o)
	$$(CC) -fsanitize=address,undefined -o $$@ $$^ $$(shell pkg-config --libs gdk-3.0 gio-2.0 libseccomp) -lcmocka
endef
$(foreach t,$(GUID_TESTS),$(eval $(call GUID_TEST,$(t))))

GUID_FUZZER := $(GUID_T)/fuzz_agent_stream
GUID_FUZZ_SOURCES := tests/fuzz/gui/fuzz_agent_stream.c $(GUID_PURE:%=gui-daemon/%.c) gui-common/gui-message.c \
	tests/unit/gui-daemon/shmbuf-fake.c
$(GUID_FUZZER): $(GUID_FUZZ_SOURCES) $(wildcard gui-daemon/*.h gui-common/*.h) | $(GUID_T)/obj/test_message.o
	$(CLANG) $(filter-out -MMD -MP,$(CFLAGS_FUZZ)) $(GUID_PURE_CFLAGS) -o $@ $(GUID_FUZZ_SOURCES) $(shell pkg-config --libs glib-2.0)

.PHONY: check-gui-daemon-unit check-gui-daemon-fuzz check-gui-daemon-xvfb
check-gui-daemon-unit: $(GUID_TEST_PROGRAMS)
	@tests/harness/stage gui-daemon-unit --timeout 120 -- sh -c 'st=0; for t in $(GUID_TEST_PROGRAMS); do $$t || st=1; done; exit $$st'

check-gui-daemon-fuzz: $(GUID_FUZZER)
	@tests/fuzz/gui/make_seeds.py $(GUID_T)/seeds
	@mkdir -p $(GUID_T)/corpus
	@tests/harness/stage gui-daemon-fuzz --timeout 300 -- nice $(GUID_FUZZER) -runs=$(FUZZ_RUNS) -max_len=8192 -print_final_stats=1 \
	  -artifact_prefix=$(GUID_T)/ $(GUID_T)/corpus $(GUID_T)/seeds

check-gui-daemon-xvfb: $(GUID_SOCKET)
	@tests/harness/stage gui-daemon-xvfb --timeout 600 -- tests/unit/gui-daemon/test_xvfb.py $(B)

# The same tests with the daemon under ASan and UBSan (the sanitizer needs system calls that the filter refuses).
GUID_ASAN := $(GUID_B)/asan/gui-daemon-socket/qubes-guid
$(GUID_ASAN): $(wildcard gui-daemon/*.c gui-daemon/*.h gui-common/*.c gui-common/*.h) $(GUID_O)/theme.gresource.c $(LIBVCHAN_SOCKET_A)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS_SAN)) -Ilibvchan $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(GUID_PKGS))) -o $@ \
	  $(wildcard gui-daemon/*.c) $(GUID_O)/theme.gresource.c gui-common/gui-message.c gui-common/shmbuf-file.c gui-common/shmbuf-range.c \
	  $(LIBVCHAN_SOCKET_A) $(GUID_LIBS)
.PHONY: check-gui-daemon-asan
check-gui-daemon-asan: $(GUID_ASAN)
	@QUBES_GUID_SECCOMP=off ASAN_OPTIONS=detect_leaks=0 tests/harness/stage gui-daemon-asan --timeout 400 -- \
	  tests/unit/gui-daemon/test_xvfb.py $(GUID_B)/asan framed_window tray_icon resize_storm clipboard violation_dialog \
	  agent_ends_with_the_dialog_open agent_ends_and_comes_back hundred_windows icons_are_tinted window_destroyed_from_outside \
	  never_without_its_frame status_notifier_item scale_of_the_desktop window_of_another_scale window_of_a_larger_scale \
	  life_of_a_dialog every_violation_asks cursors

# All that issue and docs/gui.md promise of the GUI, both ends; gui-agent/module.mk adds its own.
.PHONY: check-gui
CHECK_GUI += check-gui-daemon-unit check-gui-daemon-fuzz check-gui-daemon-xvfb check-gui-daemon-asan
check-gui:
	+@st=0; for t in $(CHECK_GUI); do $(MAKE) $$t || st=1; done; exit $$st
HELP += check-gui|all~tests~of~the~GUI,~without~QEMU
CHECK_QUICK += check-gui-daemon-unit check-gui-daemon-fuzz
CHECK_SYSTEM += check-gui-daemon-xvfb check-gui-daemon-asan
HELP += check-gui-daemon-xvfb|test~qubes-guid~under~Xvfb,~with~pictures~in~build/gui-daemon/shots

include gui-daemon/xorg/module.mk
-include $(wildcard $(GUID_O)/*.d $(GUID_T)/obj/*.d)
