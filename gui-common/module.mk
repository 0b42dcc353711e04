# SPDX-License-Identifier: GPL-2.0-or-later
# What both ends of the GUI protocol share. Link one of the two archives:
#   $(GUI_COMMON_XEN)   message table + buffers by grants
#   $(GUI_COMMON_FILE)  message table + buffers by files (tests)
GUI_COMMON_O := $(B)/gui-common/obj
GUI_COMMON_XEN := $(B)/gui-common/libgui-common-xen.a
GUI_COMMON_FILE := $(B)/gui-common/libgui-common-file.a

ALL += $(GUI_COMMON_XEN) $(GUI_COMMON_FILE)

$(GUI_COMMON_O)/%.o: gui-common/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -Wconversion -c $< -o $@

$(GUI_COMMON_XEN): $(GUI_COMMON_O)/gui-message.o $(GUI_COMMON_O)/shmbuf-xen.o $(GUI_COMMON_O)/shmbuf-range.o
	@rm -f $@
	ar rcsD $@ $^

$(GUI_COMMON_FILE): $(GUI_COMMON_O)/gui-message.o $(GUI_COMMON_O)/shmbuf-file.o $(GUI_COMMON_O)/shmbuf-range.o
	@rm -f $@
	ar rcsD $@ $^

-include $(wildcard $(GUI_COMMON_O)/*.d)
