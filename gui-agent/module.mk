# SPDX-License-Identifier: GPL-2.0-or-later
# gui-agent: the program qubes-gui in two variants (Xen; sockets and files for tests), and the monitor layout service.
GUI_AGENT_B := $(B)/gui-agent
GUI_AGENT_SOCKET := $(B)/gui-agent-socket/qubes-gui
GUI_AGENT_LAYOUT := $(GUI_AGENT_B)/qubes-set-monitor-layout
GUI_AGENT_CFLAGS := $(CFLAGS_USER) -Igui-agent -Igui-common -Ilibvchan
GUI_AGENT_XCB := -lxcb-composite -lxcb-damage -lxcb-xfixes -lxcb-shm -lxcb-xtest -lxcb-xkb -lxcb-randr -lxcb
# pure modules, also compiled into the unit test
GUI_AGENT_PURE := rect-list out-queue convert window keymap layout-parse buffer-size
GUI_AGENT_MODULES := $(GUI_AGENT_PURE) main display link dispatch track properties wm tray frame buffer \
	capture input clipboard layout randr
GUI_AGENT_OBJS := $(patsubst gui-agent/%.c,$(GUI_AGENT_B)/obj/%.o,$(wildcard $(GUI_AGENT_MODULES:%=gui-agent/%.c)))

ALL += $(GUI_AGENT_B)/qubes-gui $(GUI_AGENT_SOCKET) $(GUI_AGENT_LAYOUT)

$(GUI_AGENT_B)/obj/%.o: gui-agent/%.c
	@mkdir -p $(@D)
	$(CC) $(GUI_AGENT_CFLAGS) -c $< -o $@

# Library paths are spelled out: the modules that name them are read after this one.
$(GUI_AGENT_B)/qubes-gui: $(GUI_AGENT_OBJS) $(B)/gui-common/libgui-common-xen.a $(B)/libvchan/libvchan-xen.so.0
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(GUI_AGENT_XCB) -lxengnttab

$(GUI_AGENT_SOCKET): $(GUI_AGENT_OBJS) $(B)/gui-common/libgui-common-file.a $(B)/libvchan/libvchan-socket.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_USER) -o $@ $^ $(GUI_AGENT_XCB)

$(GUI_AGENT_LAYOUT): $(patsubst %,$(GUI_AGENT_B)/obj/%.o,layout-set layout-parse randr)
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxcb-randr -lxcb

-include $(wildcard $(GUI_AGENT_B)/obj/*.d)
