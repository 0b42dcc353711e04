/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bulkhead-network INTERFACE: set up one network interface of a domain from the settings that dom0 gave it.
 * udev runs it for each interface that appears (61-bulkhead-network.rules): eth*   the way out, through this
 * domain's netvm: own address, the gateway, /etc/resolv.conf vif*   the way in, in a domain that provides
 * network: netback made it for one of its users, which gets a route; then netback is told that it may connect
 * Addresses are single ones (/32): there is no broadcast domain that domains could talk through. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenstore.h>

#ifndef NAT_RULES /* tests have theirs in the tree */
#define NAT_RULES "/usr/lib/bulkhead/network-nat.nft"
#endif
#ifndef FIREWALL
#define FIREWALL "/usr/lib/bulkhead/bulkhead-firewall"
#endif
#define FIREWALL_WATCHER "bulkhead-firewall.service"

struct network {
    struct xs_handle *xs;
    int fd; /* any IPv4 socket: interfaces are set up through it */
    const char *interface;
};

/* Relative paths begin at the domain's own directory. The caller frees the value; NULL: there is no such key.
 */
static char *setting(const struct network *n, const char *path)
{
    return xs_read(n->xs, XBT_NULL, path, NULL);
}

static bool address_parse(const char *text, struct sockaddr *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    bool good = text && inet_pton(AF_INET, text, &in.sin_addr) == 1;
    memcpy(address, &in, sizeof in);
    return good;
}

static bool interface_up(const struct network *n, const char *own_address)
{
    struct ifreq r = {0};
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", n->interface);
    if (!address_parse(own_address, &r.ifr_addr) || ioctl(n->fd, SIOCSIFADDR, &r) < 0 ||
        !address_parse("255.255.255.255", &r.ifr_netmask) || ioctl(n->fd, SIOCSIFNETMASK, &r) < 0 ||
        ioctl(n->fd, SIOCGIFFLAGS, &r) < 0)
        return false;
    r.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(n->fd, SIOCSIFFLAGS, &r) == 0;
}

/* destination NULL: everything else, through `gateway`; gateway NULL: the destination is at the interface's
 * other end. */
static bool route_add(const struct network *n, const char *destination, const char *gateway)
{
    struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = (char *)n->interface};
    if (!address_parse(destination ? destination : "0.0.0.0", &route.rt_dst) ||
        !address_parse(destination ? "255.255.255.255" : "0.0.0.0", &route.rt_genmask))
        return false;
    if (destination)
        route.rt_flags |= RTF_HOST;
    if (gateway && !address_parse(gateway, &route.rt_gateway))
        return false;
    if (gateway)
        route.rt_flags |= RTF_GATEWAY;
    return ioctl(n->fd, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return good;
}

static bool write_resolver(const struct network *n)
{
    char *first = setting(n, "qubesdb/qubes-primary-dns"),
         *second = setting(n, "qubesdb/qubes-secondary-dns");
    char text[128];
    snprintf(text, sizeof text, "nameserver %s\nnameserver %s\n", first ? first : "", second ? second : "");
    bool good = !first || !second || write_file("/etc/resolv.conf", text);
    free(first);
    free(second);
    return good;
}

static bool set_up_uplink(const struct network *n)
{
    char *ip = setting(n, "qubesdb/qubes-ip"), *gateway = setting(n, "qubesdb/qubes-gateway");
    bool good = !ip || !gateway /* a device of its own: somebody else's task */
                || (interface_up(n, ip) && route_add(n, gateway, NULL) && route_add(n, NULL, gateway) &&
                    write_resolver(n));
    free(ip);
    free(gateway);
    return good;
}

static bool kernel_setting(const char *interface, const char *key, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s%s%s%s", interface ? "conf/" : "",
             interface ? interface : "", interface ? "/" : "", key);
    return write_file(path, value);
}

static bool run(const char *program, const char *first, const char *second)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, first, second, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* What leaves by the uplink carries this domain's address: the next hop knows no other. */
static bool load_nat(void)
{
    return run("/usr/sbin/nft", "-f", NAT_RULES);
}

/* A client whose rules cannot be applied is connected all the same: nothing of it passes. Later changes are
 * seen by the watcher.
 */
static void load_firewall(const char *client)
{
    run(FIREWALL, client, NULL);
    run("/usr/bin/systemctl", "start", FIREWALL_WATCHER);
}

/* "vifDOMID.DEVICE": netback's directory of it says whose it is. */
static bool set_up_downlink(const struct network *n)
{
    unsigned domid, device;
    char directory[64], path[96];
    if (sscanf(n->interface, "vif%u.%u", &domid, &device) != 2)
        return false;
    snprintf(directory, sizeof directory, "backend/vif/%u/%u", domid, device);
    snprintf(path, sizeof path, "%s/ip", directory);
    char *ip = setting(n, path), *gateway = setting(n, "qubesdb/qubes-netvm-gateway");
    if (ip)
        load_firewall(ip);
    bool good = ip && gateway && interface_up(n, gateway) && kernel_setting(n->interface, "rp_filter", "1") &&
                route_add(n, ip, NULL) && load_nat() && kernel_setting(NULL, "ip_forward", "1");
    snprintf(path, sizeof path, "%s/hotplug-status", directory);
    good = good && xs_write(n->xs, XBT_NULL, path, "connected", strlen("connected"));
    free(ip);
    free(gateway);
    return good;
}

int main(int argc, char **argv)
{
    struct network n = {.interface = argc == 2 ? argv[1] : ""};
    if (!n.interface[0] || strlen(n.interface) >= IFNAMSIZ) {
        fputs("usage: bulkhead-network INTERFACE\n", stderr);
        return 2;
    }
    n.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    n.xs = xs_open(0);
    bool good =
        n.fd >= 0 && n.xs && (strncmp(n.interface, "vif", 3) == 0 ? set_up_downlink(&n) : set_up_uplink(&n));
    if (!good)
        fprintf(stderr, "bulkhead-network: %s: %s\n", n.interface, strerror(errno));
    return good ? 0 : 1;
}
