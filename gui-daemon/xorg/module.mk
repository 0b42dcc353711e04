# SPDX-License-Identifier: GPL-2.0-or-later
# The module of dom0's X server that draws domains' windows from their own pages; for Xen, and (for tests) for files.
GUID_XORG := $(GUID_B)/libqubespixels.so
GUID_XORG_SOCKET := $(B)/gui-daemon-socket/xorg/extensions/libqubespixels.so
# All symbols are bound at once: a module that does not fit fails to load, instead of ending the server later.
# Server headers are not clean under our warnings, hence -isystem.
GUID_XORG_INCLUDES = -Igui-common $(patsubst -I%,-isystem %,$(shell pkg-config --cflags xorg-server))
GUID_XORG_CFLAGS = $(CFLAGS_USER) -Wconversion -fPIC -fvisibility=hidden $(GUID_XORG_INCLUDES)

$(GUID_O)/xorg/%.o: gui-daemon/xorg/%.c
	@mkdir -p $(@D)
	$(CC) $(GUID_XORG_CFLAGS) -c $< -o $@
$(GUID_O)/xorg/%.o: gui-common/%.c
	@mkdir -p $(@D)
	$(CC) $(GUID_XORG_CFLAGS) -c $< -o $@

$(GUID_XORG): $(patsubst %,$(GUID_O)/xorg/%.o,module guest-buffer gui-message shmbuf-range shmbuf-xen)
	$(CC) -shared -Wl,-z,relro,-z,now -o $@ $^
$(GUID_XORG_SOCKET): $(patsubst %,$(GUID_O)/xorg/%.o,module guest-buffer gui-message shmbuf-range shmbuf-file)
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-z,relro,-z,now -o $@ $^

gui-daemon: $(GUID_XORG) $(GUID_XORG_SOCKET)
gui-daemon-socket: $(GUID_XORG_SOCKET)

.PHONY: install-dom0-gui-daemon-xorg
install-dom0-gui-daemon-xorg: $(GUID_XORG)
	install -D -m 644 $(GUID_XORG) $(DESTDIR)/usr/lib/xorg/modules/extensions/libqubespixels.so
	install -D -m 644 gui-daemon/xorg/20-qubespixels.conf $(DESTDIR)/usr/share/X11/xorg.conf.d/20-qubespixels.conf
install-dom0-gui-daemon: install-dom0-gui-daemon-xorg

# ---- the module against a fake X server: unit test and fuzzer ----
GUID_XORG_T := $(GUID_T)/xorg
GUID_XORG_T_SOURCES := tests/unit/gui-daemon-xorg/fake_dix.c \
	$(patsubst %,gui-daemon/xorg/%.c,module guest-buffer) $(patsubst %,gui-common/%.c,gui-message shmbuf-range shmbuf-file)
GUID_XORG_T_HEADERS := $(wildcard gui-daemon/xorg/*.h gui-common/*.h tests/unit/gui-daemon-xorg/*.h)

$(GUID_XORG_T)/test_pixels: tests/unit/gui-daemon-xorg/test_pixels.c $(GUID_XORG_T_SOURCES) $(GUID_XORG_T_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS_SAN)) $(GUID_XORG_INCLUDES) -o $@ $(filter %.c,$^) -lcmocka
$(GUID_XORG_T)/fuzz_xorg_pixels: tests/fuzz/gui/fuzz_xorg_pixels.c $(GUID_XORG_T_SOURCES) $(GUID_XORG_T_HEADERS)
	@mkdir -p $(@D)
	$(CLANG) $(CFLAGS_FUZZ) $(GUID_XORG_INCLUDES) -o $@ $(filter %.c,$^)

.PHONY: check-gui-xorg-unit check-gui-xorg-fuzz
check-gui-xorg-unit: $(GUID_XORG_T)/test_pixels
	@tests/harness/stage gui-xorg-unit --timeout 60 -- $<
check-gui-xorg-fuzz: $(GUID_XORG_T)/fuzz_xorg_pixels
	@tests/fuzz/gui/make_xorg_seeds.py $(GUID_XORG_T)/seeds
	@mkdir -p $(GUID_XORG_T)/corpus
	@tests/harness/stage gui-xorg-fuzz --timeout 300 -- nice $< -runs=$(FUZZ_RUNS) -max_len=2048 -print_final_stats=1 \
	  -artifact_prefix=$(GUID_XORG_T)/ $(GUID_XORG_T)/corpus $(GUID_XORG_T)/seeds
CHECK_QUICK += check-gui-xorg-unit check-gui-xorg-fuzz
CHECK_GUI += check-gui-xorg-unit check-gui-xorg-fuzz

-include $(wildcard $(GUID_O)/xorg/*.d)
