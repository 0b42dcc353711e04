/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bulkhead-firewall ADDRESS | --watch: in a domain that gives others network, make nftables do what dom0's
 * rules for a client say (qubesdb keys /qubes-firewall/ADDRESS/0000 …). bulkhead-network runs it for each
 * client before that one is connected; the watcher (bulkhead-firewall.service) at each change. The first rule
 * that fits decides; then all is dropped. When anything is wrong with the rules, all of that client's is
 * dropped and the exit status is 1. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "../common/guest_store.h"

#define TABLE     "ip bulkhead-firewall"
#define BASE      "qubesdb/qubes-firewall"
#define ADDRESSES 512 /* bytes for the addresses of a host */
#define NFT       "/usr/sbin/nft -f -"

struct rule {
    char *action, *dst4, *dsthost, *proto, *specialtarget, *dstports, *icmptype;
};

static const struct {
    const char *name;
    size_t offset;
} words[] = {{"action=", offsetof(struct rule, action)},
             {"dst4=", offsetof(struct rule, dst4)},
             {"dsthost=", offsetof(struct rule, dsthost)},
             {"proto=", offsetof(struct rule, proto)},
             {"specialtarget=", offsetof(struct rule, specialtarget)},
             {"dstports=", offsetof(struct rule, dstports)},
             {"icmptype=", offsetof(struct rule, icmptype)}};

/* Cuts the text at its blanks. Values are of characters that mean nothing else to nftables. */
static bool rule_parse(char *text, struct rule *rule)
{
    static const char value_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_";
    *rule = (struct rule){0};
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');
        size_t i = 0;
        while (i < sizeof words / sizeof words[0] && strncmp(word, words[i].name, strlen(words[i].name)) != 0)
            i++;
        if (!value || i == sizeof words / sizeof words[0] || !value[1] ||
            value[1 + strspn(value + 1, value_chars)])
            return false;
        *(char **)((char *)rule + words[i].offset) = value + 1;
    }
    return rule->action && (strcmp(rule->action, "accept") == 0 || strcmp(rule->action, "drop") == 0);
}

static bool append(char *list, const char *address)
{
    size_t length = strlen(list);
    return snprintf(list + length, ADDRESSES - length, "%s%s", length ? ", " : "", address) <
           (int)(ADDRESSES - length);
}

/* "192.0.2.1, 192.0.2.2" of a host's name. */
static bool resolve(const char *host, char list[ADDRESSES])
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    bool good = getaddrinfo(host, NULL, &hints, &found) == 0 && found;
    for (const struct addrinfo *a = found; good && a; a = a->ai_next) {
        char text[INET_ADDRSTRLEN];
        const struct sockaddr_in *in = (const void *)a->ai_addr;
        good = inet_ntop(AF_INET, &in->sin_addr, text, sizeof text) && append(list, text);
    }
    if (found)
        freeaddrinfo(found);
    return good;
}

/* The name servers that clients are told of. */
static bool name_servers(struct xs_handle *xs, char list[ADDRESSES])
{
    static const char *const keys[] = {"qubesdb/qubes-netvm-primary-dns",
                                       "qubesdb/qubes-netvm-secondary-dns"};
    struct in_addr parsed;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *address = xs_read(xs, XBT_NULL, keys[i], NULL);
        bool good = address && inet_pton(AF_INET, address, &parsed) == 1 && append(list, address);
        free(address);
        if (!good)
            return false;
    }
    return true;
}

static bool rule_write(FILE *nft, struct xs_handle *xs, const char *client, const struct rule *r)
{
    char to[ADDRESSES] = "";
    bool dns = r->specialtarget && strcmp(r->specialtarget, "dns") == 0;
    if ((r->specialtarget && (!dns || !name_servers(xs, to))) || (r->dsthost && !resolve(r->dsthost, to)) ||
        (r->dst4 && !append(to, r->dst4)))
        return false;
    fprintf(nft, "add rule " TABLE " c%s", client);
    if (to[0])
        fprintf(nft, strchr(to, ',') ? " ip daddr { %s }" : " ip daddr %s", to);
    if (r->icmptype)
        fprintf(nft, " icmp type %s", r->icmptype);
    else if (r->proto && (r->dstports || dns))
        fprintf(nft, " %s dport %s", r->proto, r->dstports ? r->dstports : "53");
    else if (dns)
        fputs(" meta l4proto { tcp, udp } th dport 53", nft);
    else if (r->proto)
        fprintf(nft, " ip protocol %s", r->proto);
    fprintf(nft, " %s\n", r->action);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The chain's rules; false: something is wrong with them. */
static bool rules_write(FILE *nft, struct xs_handle *xs, const char *client, const char *path)
{
    unsigned n = 0;
    char **names = xs_directory(xs, XBT_NULL, path, &n);
    bool good = names != NULL;
    if (names)
        qsort(names, n, sizeof *names, by_name);
    for (unsigned i = 0; good && i < n; i++) {
        char key[GUEST_STORE_PATH_MAX];
        struct rule rule;
        if (strcmp(names[i], "policy") == 0) /* always drop */
            continue;
        snprintf(key, sizeof key, "%s/%s", path, names[i]);
        char *text = xs_read(xs, XBT_NULL, key, NULL);
        good = text && rule_parse(text, &rule) && rule_write(nft, xs, client, &rule);
        free(text);
    }
    free(names);
    return good;
}

/* A base chain of its own, before that of network-nat.nft: what it accepts must still please that one. */
static const char table[] =
    "add table " TABLE "\n"
    "add map " TABLE " clients { type ipv4_addr : verdict; }\n"
    "add chain " TABLE " forward { type filter hook forward priority -1; policy accept; }\n"
    "flush chain " TABLE " forward\n"
    "add rule " TABLE " forward ct state established,related accept\n"
    "add rule " TABLE " forward ip saddr vmap @clients\n";

/* All in one transaction of nftables. With `all_dropped` the rules are not looked at. */
static bool apply(struct xs_handle *xs, const char *client, bool all_dropped)
{
    char path[GUEST_STORE_PATH_MAX] = BASE "/", *text = NULL;
    size_t size = 0;
    FILE *nft = open_memstream(&text, &size);
    if (!nft)
        return false;
    guest_store_path(path, client);
    fputs(table, nft);
    fprintf(nft, "add chain " TABLE " c%s\nflush chain " TABLE " c%s\n", client, client);
    bool good = all_dropped || rules_write(nft, xs, client, path);
    fprintf(nft, "add rule " TABLE " c%s drop\nadd element " TABLE " clients { %s : jump c%s }\n", client,
            client, client);
    fclose(nft);
    FILE *pipe = good ? popen(NFT, "w") : NULL;
    good = pipe && fwrite(text, 1, size, pipe) == size;
    if (pipe && pclose(pipe) != 0)
        good = false;
    free(text);
    return good;
}

static bool apply_or_drop(struct xs_handle *xs, const char *client)
{
    struct in_addr parsed;
    if (inet_pton(AF_INET, client, &parsed) != 1)
        return false;
    if (apply(xs, client, false))
        return true;
    fprintf(stderr, "bulkhead-firewall: the rules for %s cannot be applied: nothing may pass\n", client);
    apply(xs, client, true);
    return false;
}

/* The key of the address itself is written last. */
static int watch(struct xs_handle *xs)
{
    if (!xs_watch(xs, BASE, "rules"))
        return 1;
    for (char **event; (event = xs_read_watch(xs, &(unsigned){0})); free(event)) {
        char *client = strncmp(event[XS_WATCH_PATH], BASE "/", sizeof BASE) == 0
                           ? event[XS_WATCH_PATH] + sizeof BASE
                           : NULL;
        if (!client || strchr(client, '/'))
            continue;
        guest_store_decode(client);
        apply_or_drop(xs, client);
    }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !argv[1][0]) {
        fputs("usage: bulkhead-firewall ADDRESS | --watch\n", stderr);
        return 2;
    }
    struct xs_handle *xs = xs_open(0);
    if (!xs) {
        perror("bulkhead-firewall: xenstore");
        return 1;
    }
    return strcmp(argv[1], "--watch") == 0 ? watch(xs) : !apply_or_drop(xs, argv[1]);
}
