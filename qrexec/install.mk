# SPDX-License-Identifier: GPL-2.0-or-later
# Where qrexec goes in dom0 and in VMs (paths as in Qubes).
QREXEC_I = install -D -m 755
QREXEC_D = install -D -m 644

define QREXEC_INSTALL_BOTH
	$(QREXEC_D) qrexec/systemd/bulkhead-vchan.modprobe $(DESTDIR)/usr/lib/modprobe.d/bulkhead-vchan.conf
	$(QREXEC_D) qrexec/systemd/bulkhead-vchan.modules $(DESTDIR)/usr/lib/modules-load.d/bulkhead-vchan.conf
	$(QREXEC_D) qrexec/systemd/bulkhead-vchan.rules $(DESTDIR)/usr/lib/udev/rules.d/70-bulkhead-vchan.rules
	$(QREXEC_D) qrexec/systemd/qubes.sysusers $(DESTDIR)/usr/lib/sysusers.d/qubes.conf
	$(QREXEC_D) qrexec/systemd/qrexec.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/qrexec.conf
	$(QREXEC_I) $(B)/qrexec/qfile-agent $(DESTDIR)/usr/lib/qubes/qfile-agent
	$(QREXEC_I) $(B)/qrexec/qfile-unpacker $(DESTDIR)/usr/lib/qubes/qfile-unpacker
	$(QREXEC_I) $(B)/qrexec/qvm-copy $(DESTDIR)/usr/bin/qvm-copy-to-vm
	ln -sf qvm-copy-to-vm $(DESTDIR)/usr/bin/qvm-move-to-vm
	$(QREXEC_D) qrexec/man/qvm-copy.1 $(DESTDIR)/usr/share/man/man1/qvm-copy-to-vm.1
	ln -sf qvm-copy-to-vm.1 $(DESTDIR)/usr/share/man/man1/qvm-move-to-vm.1
endef

QREXEC_SERVICE_LINKS := qubes.Filecopy:/usr/lib/qubes/qfile-unpacker qubes.OpenInVM:/usr/lib/qubes/vm-open-file \
	qubes.OpenURL:/usr/lib/qubes/vm-open-url qubes.VMExec:/usr/lib/qubes/vmexec qubes.VMExecGUI:/usr/lib/qubes/vmexec \
	qubes.StartApp:/usr/lib/qubes/start-app qubes.ConnectTCP:/usr/lib/qubes/connect-tcp \
	qubes.WaitForSession:/usr/lib/qubes/wait-for-session \
	qubes.UpdatesProxy:/dev/tcp/127.0.0.1/8082

.PHONY: install-dom0-qrexec install-vm-qrexec
install-dom0-qrexec: qrexec libvchan
	$(QREXEC_INSTALL_BOTH)
	$(QREXEC_I) $(B)/qrexec/qrexec-daemon $(DESTDIR)/usr/sbin/qrexec-daemon
	$(QREXEC_I) $(B)/qrexec/qrexec-client $(DESTDIR)/usr/bin/qrexec-client
	ln -sf /usr/sbin/qrexec-daemon $(DESTDIR)/usr/lib/qubes/qrexec-daemon
	ln -sf /usr/bin/qrexec-client $(DESTDIR)/usr/lib/qubes/qrexec-client
	install -d -m 755 $(DESTDIR)/etc/qubes-rpc $(DESTDIR)/etc/qubes/rpc-config
	install -d -m 2775 $(DESTDIR)/var/log/qubes
	$(QREXEC_D) qrexec/man/qrexec-daemon.8 $(DESTDIR)/usr/share/man/man8/qrexec-daemon.8
	$(QREXEC_D) qrexec/man/qrexec-client.1 $(DESTDIR)/usr/share/man/man1/qrexec-client.1

install-vm-qrexec: qrexec libvchan
	$(QREXEC_INSTALL_BOTH)
	$(QREXEC_I) $(B)/qrexec/qrexec-agent $(DESTDIR)/usr/lib/qubes/qrexec-agent
	$(QREXEC_I) $(B)/qrexec/qrexec-client-vm $(DESTDIR)/usr/bin/qrexec-client-vm
	ln -sf /usr/bin/qrexec-client-vm $(DESTDIR)/usr/lib/qubes/qrexec-client-vm
	$(QREXEC_I) $(B)/qrexec/qrexec-fork-server $(DESTDIR)/usr/bin/qrexec-fork-server
	for p in vm-open-file vm-open-url vmexec start-app connect-tcp wait-for-session; do \
	  $(QREXEC_I) $(B)/qrexec/$$p $(DESTDIR)/usr/lib/qubes/$$p || exit 1; done
	ln -sf qvm-copy-to-vm $(DESTDIR)/usr/bin/qvm-copy
	ln -sf qvm-copy-to-vm $(DESTDIR)/usr/bin/qvm-move
	$(QREXEC_I) $(B)/qrexec/qvm-open-in-vm $(DESTDIR)/usr/bin/qvm-open-in-vm
	ln -sf qvm-open-in-vm $(DESTDIR)/usr/bin/qvm-open-in-dvm
	for f in qrexec/services/rpc/*; do $(QREXEC_I) $$f $(DESTDIR)/etc/qubes-rpc/$${f##*/} || exit 1; done
	for f in qrexec/services/rpc-config/*; do $(QREXEC_D) $$f $(DESTDIR)/etc/qubes/rpc-config/$${f##*/} || exit 1; done
	for l in $(QREXEC_SERVICE_LINKS); do ln -sf $${l#*:} $(DESTDIR)/etc/qubes-rpc/$${l%%:*} || exit 1; done
	$(QREXEC_D) qrexec/systemd/qubes-qrexec-agent.service $(DESTDIR)/usr/lib/systemd/system/qubes-qrexec-agent.service
	install -d $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants
	ln -sf ../qubes-qrexec-agent.service $(DESTDIR)/usr/lib/systemd/system/multi-user.target.wants/
	$(QREXEC_D) qrexec/systemd/qrexec.pam $(DESTDIR)/etc/pam.d/qrexec
	$(QREXEC_D) qrexec/systemd/qrexec-fork-server.desktop $(DESTDIR)/etc/xdg/autostart/qrexec-fork-server.desktop
	for m in qrexec-client-vm qvm-open-in-vm qrexec-fork-server; do \
	  $(QREXEC_D) qrexec/man/$$m.1 $(DESTDIR)/usr/share/man/man1/$$m.1 || exit 1; done
	$(QREXEC_D) qrexec/man/qrexec-agent.8 $(DESTDIR)/usr/share/man/man8/qrexec-agent.8
	ln -sf qvm-copy-to-vm.1 $(DESTDIR)/usr/share/man/man1/qvm-copy.1
	ln -sf qvm-copy-to-vm.1 $(DESTDIR)/usr/share/man/man1/qvm-move.1
	ln -sf qvm-open-in-vm.1 $(DESTDIR)/usr/share/man/man1/qvm-open-in-dvm.1

INSTALL_DOM0 += install-dom0-qrexec
INSTALL_VM += install-vm-qrexec
