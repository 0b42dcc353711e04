# SPDX-License-Identifier: GPL-2.0-or-later
# Functions of the scripts in dom0 (busybox sh).
XB=/usr/lib/xen-4.17/bin
patience=${patience:-1}
# as dom0 has it: a TSC read in each system call, which exits on Xen
kstack=$(grep -o 'randomize_kstack_offset=[^ ]*' /proc/cmdline)
ok() { echo "ok - $*"; }
not_ok() { echo "not ok - $*"; }
# check "text" COMMAND...: a TAP line by the command's exit status; its output is shown when it fails
check() {
    local text=$1; shift
    if "$@" > /tmp/check.out 2>&1; then ok "$text"; else not_ok "$text"; sed 's/^/#   /' /tmp/check.out | tail -20; return 1; fi
}
# matches "text" PATTERN COMMAND...: the command succeeds and a line of its output matches
matches() {
    local text=$1 pattern=$2; shift 2
    if "$@" > /tmp/check.out 2>&1 && grep -qE -- "$pattern" /tmp/check.out; then ok "$text"
    else not_ok "$text"; sed 's/^/#   /' /tmp/check.out | tail -20; return 1; fi
}
figure() { echo "FIGURE $1 $2"; }
ms() { echo $(($(helper now) / 1000000)); }
# until_true SECONDS COMMAND...; the runner gives Xen more of them
until_true() {
    local end=$(($(ms) + $1 * patience * 1000)); shift
    while ! "$@" >/dev/null 2>&1; do [ "$(ms)" -lt "$end" ] || return 1; usleep 50000; done
}
load_modules() {
    while read -r m; do insmod "/lib/mods/$m" 2>/dev/null || echo "# module $m was not loaded"; done < /lib/mods/order
}
start_xen() {
    mkdir -p /proc/xen; mount -t xenfs xenfs /proc/xen 2>/dev/null
    [ -e /dev/xen/privcmd ] || return 1
    $XB/xenstored --pid-file /run/xen/xenstored.pid || return 1
    until_true 10 xenstore-read / || return 1
    $XB/xen-init-dom0 >/dev/null || return 1
    $XB/xenconsoled --log=all --log-dir=/var/log/xen/console --pid-file=/run/xen/xenconsoled.pid
}
# the disk on that bus
disk_on() { for d in /sys/block/[sv]d*; do case $(readlink "$d") in *"$1"*) echo "/dev/${d##*/}";; esac; done; }
xl_info() { xl info | sed -n "s/^$1 *: *//p"; }
# Pages that are free or that the hypervisor keeps for dom0's own sake, and bytes of its small objects: exactly what is
# there before and after a domain's life. Nothing where the hypervisor does not tell (Debian's Xen).
kept() {
    xl debug-keys qm
    xl dmesg -c 2>/dev/null | awk '
        function after(word, i) { for (i = 1; i < NF; i++) if ($i == word) return $(i + 1) + 0 }
        / d0: refs / { dom0 = after("pages") + after("p2m-nodes") + after("tables") }
        / memory: [0-9]+ pages, / { free = after("pages,"); bytes = after("scrubbed),"); slabs = after("in"); found = 1 }
        END { if (found) print free + dom0 + slabs, bytes }'
}
# What dom0's drivers and daemons set up with their first guest is not the guests' leak.
warm_up() { config w 96 1 idle; xl create -q /tmp/w.cfg && xl destroy w; sleep 0.3; }
# config NAME MEMORY VCPUS MODE [LINE...]: a domU's configuration
config() {
    local name=$1 mem=$2 vcpus=$3 mode=$4; shift 4
    { echo "name='$name'"; echo "type='pvh'"; echo "memory=$mem"; echo "vcpus=$vcpus"; echo "kernel='/images/vmlinuz'"
      echo "ramdisk='/images/domu.cpio.gz'"; echo "extra='console=hvc0 quiet panic=-1 $kstack mode=$mode'"
      for l in "$@"; do echo "$l"; done; } > "/tmp/$name.cfg"
}
# create NAME: and wait for its user space; sets id, created_ms, up_ms
create() {
    local t0; t0=$(ms)
    check "$1: created" xl create "/tmp/$1.cfg" || return 1
    created_ms=$(($(ms) - t0)); id=$(xl domid "$1")
    check "$1: user space answers" helper wait-key "/local/domain/$id/data/state" up 60 ||
        { tail -20 "/var/log/xen/console/guest-$1.log"; return 1; }
    up_ms=$(($(ms) - t0))
}
# receive HOST PORT BYTES SECONDS: as many bytes come by TCP; our side of the connection stays open meanwhile
receive() {
    local hold n
    mkfifo /tmp/hold; sleep "$4" > /tmp/hold & hold=$!
    n=$(nc "$1" "$2" < /tmp/hold | head -c "$3" | wc -c)
    kill $hold; rm /tmp/hold
    [ "$n" = "$3" ]
}
# shut_down NAME REASON: the domain has stopped for that reason (SHUTDOWN_* of sched.h) and waits to be looked at
shut_down() { [ "$(xl list -v "$1" | awk 'NR == 2 { print $8 }')" = "$2" ]; }
gone() { ! xl list "$1"; }
field() { xl list "$1" | awk -v n="$2" 'NR==2{print $n}'; }
# leak_check "PAGES BYTES": what kept() said before is what it says now, and nothing but dom0 holds anything
leak_check() {
    [ -n "$1" ] || { echo "ok - memory is what it was # SKIP the hypervisor does not tell its pages"; return; }
    local now
    for _ in 1 2 3 4 5 6 7 8; do now=$(kept); [ "$now" = "$1" ] && break; sleep 0.5; done
    if [ "$now" = "$1" ]; then ok "memory is what it was: $now (pages, bytes)"; else not_ok "memory: $1 (pages, bytes) before, $now after"; fi
    xl debug-keys q
    if xl dmesg | grep -E ' d[1-9][0-9]*: refs'; then not_ok "no domain but dom0 is left"; else ok "no domain but dom0 is left"; fi
}
