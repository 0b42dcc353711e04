#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The VM tools and standard services over the socket backend; TAP on stdout."""
import os, socket, stat, subprocess, sys, threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import BIN, Rig, TOP, USER, run_tests

rig = work = bank = None
WRAPPER = "#!/bin/sh\nexec {bin}/qrexec-client-vm -a {sock} \"$@\"\n"


def same(got, expected):
    if got != expected:
        raise AssertionError("%r instead of %r" % (got, expected))


def tool(name, *args, **kw):
    # the tools look for their helpers beside themselves: a folder of links with our own qrexec-client-vm
    return subprocess.run([os.path.join(work.dir, "bin", name)] + list(args), env=work.env(**kw),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                          cwd=work.dir)


def incoming(*path):
    return os.path.join(bank.dir, "QubesIncoming", "work", *path)


def make_tree(name):
    top = os.path.join(work.dir, name)
    os.makedirs(top + "/sub/deep")
    with open(top + "/file", "wb") as f:
        f.write(os.urandom(300000))
    os.utime(top + "/file", ns=(10**18, 10**18 + 5))
    os.chmod(top + "/file", 0o640)
    open(top + "/sub/empty", "w").close()
    os.symlink("../file", top + "/sub/link")
    os.chmod(top + "/sub/deep", 0o500)
    return top


def compare(a, b):
    for base, dirs, files in os.walk(a):
        for name in dirs + files:
            p, q = os.path.join(base, name), os.path.join(b, os.path.relpath(os.path.join(base, name), a))
            s, t = os.lstat(p), os.lstat(q)
            same((q, t.st_mode, t.st_mtime_ns if not stat.S_ISDIR(s.st_mode) else 0),
                 (q, s.st_mode, s.st_mtime_ns if not stat.S_ISDIR(s.st_mode) else 0))
            if stat.S_ISLNK(s.st_mode):
                same(os.readlink(q), os.readlink(p))
            elif stat.S_ISREG(s.st_mode):
                same(open(q, "rb").read(), open(p, "rb").read())


def copy_tree():
    "qvm-copy: a tree arrives with modes, times and symlinks"
    top = make_tree("tree")
    r = tool("qvm-copy", "tree")
    same((r.returncode, r.stderr), (0, b""))
    compare(top, incoming("tree"))


def copy_again():
    "qvm-copy: what is there is not overwritten, the user is told"
    r = tool("qvm-copy-to-vm", "bank", "tree/file", "tree")
    same(r.returncode != 0 and b"already there" in r.stderr, True)


def move_tree():
    "qvm-move: the source is gone after a good copy, stays after a bad one"
    top = make_tree("moved")
    same(tool("qvm-move-to-vm", "bank", "moved").returncode, 0)
    same(os.path.exists(top), False)
    make_tree("moved")
    same(tool("qvm-move", "moved").returncode != 0, True)
    same(os.path.exists(top), True)


def copy_refused():
    "qvm-copy-to-vm: refused by the policy"
    r = tool("qvm-copy-to-vm", "other", "tree")
    same((r.returncode, r.stderr), (126, b"Request refused\n"))


def copy_missing():
    "qvm-copy: a file that does not exist"
    same(tool("qvm-copy", "no-such-file").returncode, 1)


def copy_odd_names():
    "qvm-copy: odd names ask for the service that takes them"
    name = "bell\a\u202e"
    open(os.path.join(work.dir, name), "w").write("x")
    same(tool("qvm-copy", name).returncode, 0)
    same(open(incoming(name)).read(), "x")
    same("qubes.Filecopy+allow-all-names" in open(rig.dir + "/policy.log").read(), True)


def copy_without_symlinks():
    "qvm-copy --ignore-symlinks"
    os.makedirs(work.dir + "/links")
    os.symlink("/etc/passwd", work.dir + "/links/bad")
    same(tool("qvm-copy", "links").returncode, 1)
    os.rename(incoming("links"), incoming("links-first"))
    same(tool("qvm-copy", "--ignore-symlinks", "links").returncode, 0)
    same(os.listdir(incoming("links")), [])


def copy_from_dom0():
    "qvm-copy-to-vm in dom0"
    folder = rig.dir + "/dom0-bin"
    os.makedirs(folder)
    for name in ("qvm-copy-to-vm", "qfile-agent"):
        subprocess.run(["cp", "-L", BIN + "/" + name, folder], check=True)
    with open(folder + "/qrexec-client", "w") as f:
        f.write("#!/bin/sh\nexec %s/qrexec-client --socket-dir=%s \"$@\"\n" % (BIN, rig.dir))
    os.chmod(folder + "/qrexec-client", 0o755)
    open(rig.dir + "/it's a file", "w").write("from dom0")
    r = subprocess.run([folder + "/qvm-copy-to-vm", "bank", rig.dir + "/it's a file"], env=rig.dom0_env(),
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    same((r.returncode, r.stderr), (0, b""))
    same(open(os.path.join(bank.dir, "QubesIncoming/dom0/it's a file")).read(), "from dom0")


def hostile_sender():
    "the receiver's answer to a bad stream reaches the caller; nothing is written outside"
    import struct
    bad = struct.pack("<IIQIIII", 8, 0o100600, 0, 0, 0, 0, 0) + b"../evil!"
    r = work.call("bank", "qubes.Filecopy", input=bad)
    same(struct.unpack("<IIQ", r.stdout[:16])[0], 22)
    same(os.path.exists(os.path.join(bank.dir, "QubesIncoming", "evil!")), False)


def open_file():
    "qvm-open-in-vm: a changed file comes back, an unchanged one stays"
    path = os.path.join(work.dir, "document.txt")
    open(path, "w").write("old")
    os.chmod(path, 0o640)
    same(tool("qvm-open-in-vm", "bank", "document.txt").returncode, 0)
    same((open(path).read(), stat.S_IMODE(os.stat(path).st_mode)), ("old edited\n", 0o640))
    before = os.stat(path).st_mtime_ns
    same(tool("qvm-open-in-vm", "--view-only", "bank", "document.txt").returncode, 0)
    same(os.stat(path).st_mtime_ns, before)


def open_url():
    "qvm-open-in-vm with a URL; local files and odd bytes are refused"
    same(tool("qvm-open-in-vm", "bank", "https://example.org/a?b=c").returncode, 0)
    same(open(os.path.join(bank.dir, "opened")).read(), "https://example.org/a?b=c")
    for bad in (b"file:///etc/passwd\n", b"https://x/\x1b\n", b"javascript:1\n", b"https://x/'\n", b""):
        same(work.call("bank", "qubes.OpenURL", input=bad).returncode, 1)


def vm_exec():
    "qubes.VMExec runs exactly these words"
    r = work.call("bank", "qubes.VMExec+printf+-25s-2F+a-20b+--")
    same((r.returncode, r.stdout), (0, b"a b/-/"))
    same(work.call("bank", "qubes.VMExec+a-zz").returncode, 125)
    same(work.call("bank", "qubes.VMExec+no--such--program").returncode, 127)


def vm_shell():
    "qubes.VMShell: commands on stdin, then their input"
    r = work.call("bank", "qubes.VMShell", input=b"head -n1; exit 4\nthe input\n")
    same((r.returncode, r.stdout), (4, b"the input\n"))


def start_app():
    "qubes.StartApp finds the .desktop file and runs its program"
    folder = os.path.join(bank.dir, ".local/share/applications/kde")
    os.makedirs(folder)
    open(folder + "/my.app.desktop", "w").write(
        "[Desktop Entry]\nType=Application\nName=My\nExec=touch \"%s/app ran\" %%U\n" % bank.dir)
    same(work.call("bank", "qubes.StartApp+kde-my.app").returncode, 0)
    same(os.path.exists(bank.dir + "/app ran"), True)
    same(work.call("bank", "qubes.StartApp+missing").returncode, 127)


def get_appmenus():
    "qubes.GetAppmenus lists the main groups"
    out = work.call("bank", "qubes.GetAppmenus").stdout.decode()
    same([l.split(":", 1)[1] for l in out.splitlines() if "my.app.desktop:Name" in l], ["Name=My"])


def connect_tcp():
    "qubes.ConnectTCP: a port of the VM, both ways, half closed"
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            conn, _ = server.accept()
            data = b""
            while True:
                piece = conn.recv(4096)
                if not piece:
                    break
                data += piece
            conn.sendall(data.upper())
            conn.close()
    threading.Thread(target=serve, daemon=True).start()
    port = server.getsockname()[1]
    same(work.call("bank", "qubes.ConnectTCP+%d" % port, input=b"abc").stdout, b"ABC")
    same(work.call("bank", "qubes.ConnectTCP+127.0.0.1+%d" % port, input=b"def").stdout, b"DEF")
    same(work.call("bank", "qubes.ConnectTCP+localhost+80").returncode, 125)
    server.close()


def wait_for_session():
    "qubes.WaitForSession takes only user names"
    same(work.call("bank", "qubes.WaitForSession", input=b"../x\n").returncode, 1)


def set_date():
    "qubes.SetDateTime takes only dates"
    same(work.call("bank", "qubes.SetDateTime", input=b"now; reboot\n").returncode, 1)


def main():
    global rig, work, bank
    rig = Rig()
    try:
        work, bank = rig.vm(10, "work", start=False), rig.vm(11, "bank", start=False)
        os.makedirs(work.dir + "/bin")
        for name in ("qvm-copy", "qvm-move", "qvm-copy-to-vm", "qvm-move-to-vm", "qfile-agent", "qvm-open-in-vm"):
            subprocess.run(["cp", "-L", BIN + "/" + name, work.dir + "/bin"], check=True)
        with open(work.dir + "/bin/qrexec-client-vm", "w") as f:
            f.write(WRAPPER.format(bin=BIN, sock=work.agent_socket))
        os.chmod(work.dir + "/bin/qrexec-client-vm", 0o755)
        links = {"Filecopy": "qfile-unpacker", "OpenInVM": "vm-open-file", "OpenURL": "vm-open-url",
                 "VMExec": "vmexec", "StartApp": "start-app", "ConnectTCP": "connect-tcp", "WaitForSession": "wait-for-session"}
        for service, program in links.items():
            os.symlink(BIN + "/" + program, bank.dir + "/rpc/qubes." + service)
        for name in os.listdir(TOP + "/qrexec/services/rpc"):
            os.symlink(TOP + "/qrexec/services/rpc/" + name, bank.dir + "/rpc/" + name)
        opener = bank.dir + "/opener"
        with open(opener, "w") as f:
            f.write('#!/bin/sh\ncase $1 in\n/*) [ -w "$1" ] && [ "$(stat -c %%a "$1")" != 400 ] && echo " edited" >>"$1";;'
                    '\n*) printf %%s "$1" > %s/opened;;\nesac\nexit 0\n' % bank.dir)
        os.chmod(opener, 0o755)
        rig.base_env["QUBES_OPEN_COMMAND"] = opener
        rig.policy("work @default qubes.Filecopy* allow:bank\nwork bank * allow:\n")
        work.start()
        bank.start()
        status = run_tests([copy_tree, copy_again, move_tree, copy_refused, copy_missing, copy_odd_names,
                            copy_without_symlinks, copy_from_dom0, hostile_sender, open_file, open_url, vm_exec,
                            vm_shell, start_app, get_appmenus, connect_tcp, wait_for_session, set_date])
        if status:
            print("\n".join("# " + l for l in open(rig.dir + "/log", errors="replace").read().splitlines()[-40:]))
        return status
    finally:
        rig.stop()


sys.exit(main())
