# SPDX-License-Identifier: GPL-2.0-or-later
# libvchan: one header, two libraries. Others link with $(LIBVCHAN_SOCKET) or $(LIBVCHAN_XEN) and use -Ilibvchan.
VCHAN_B := $(B)/libvchan
LIBVCHAN_SOCKET := $(VCHAN_B)/libvchan-socket.so.0
LIBVCHAN_XEN := $(VCHAN_B)/libvchan-xen.so.0
LIBVCHAN_SOCKET_A := $(VCHAN_B)/libvchan-socket.a
VCHAN_CFLAGS := $(CFLAGS_USER) $(WARN_STRICT) -fPIC -Ilibvchan
VCHAN_LIBS_xen := -lxenstore -lxenevtchn -lxengnttab -lxencall
VCHAN_OBJS_socket := $(VCHAN_B)/obj/socket.o
VCHAN_OBJS_xen := $(patsubst libvchan/%.c,$(VCHAN_B)/obj/%.o,$(wildcard libvchan/xen*.c))

$(VCHAN_B)/obj/%.o: libvchan/%.c
	@mkdir -p $(@D)
	$(CC) $(VCHAN_CFLAGS) -c -o $@ $<

define VCHAN_LIBRARY
$(VCHAN_B)/libvchan-$(1).so.0: $$(VCHAN_OBJS_$(1)) libvchan/libvchan.map
	$$(CC) -shared -Wl,-soname,$$(@F) -Wl,--version-script=libvchan/libvchan.map -Wl,-z,relro,-z,now -o $$@ \
	  $$(VCHAN_OBJS_$(1)) $$(VCHAN_LIBS_$(1))
	ln -sf $$(@F) $$(basename $$@)
$(VCHAN_B)/libvchan-$(1).a: $$(VCHAN_OBJS_$(1))
	rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(eval $(call VCHAN_LIBRARY,socket))
$(eval $(call VCHAN_LIBRARY,xen))

.PHONY: libvchan libvchan-socket
libvchan-socket: $(LIBVCHAN_SOCKET) $(LIBVCHAN_SOCKET_A)
libvchan: libvchan-socket $(LIBVCHAN_XEN)
ALL += libvchan
HELP += libvchan|build~libvchan~(Xen~and~socket~variants)
-include $(wildcard $(VCHAN_B)/obj/*.d)

# the same in dom0 and in domains
.PHONY: install-dom0-libvchan install-vm-libvchan
install-dom0-libvchan install-vm-libvchan: libvchan
	install -D -m 644 -t $(DESTDIR)/usr/lib/x86_64-linux-gnu $(LIBVCHAN_XEN)
	ln -sf $(notdir $(LIBVCHAN_XEN)) $(DESTDIR)/usr/lib/x86_64-linux-gnu/$(basename $(notdir $(LIBVCHAN_XEN)))
INSTALL_DOM0 += install-dom0-libvchan
INSTALL_VM += install-vm-libvchan
