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

-include $(wildcard $(GUID_O)/*.d)
