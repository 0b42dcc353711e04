/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest_keys.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "property.h"

static void add(GPtrArray *a, const char *key, const char *value)
{
    g_ptr_array_add(a, g_strdup(key));
    g_ptr_array_add(a, g_strdup(value ? value : ""));
}

static void add_property(GPtrArray *a, struct domain *d, const char *key, const char *property)
{
    g_autofree char *value = property_get(d, property, NULL);
    add(a, key, value);
}

static const char *persistence(const struct domain *d)
{
    static const char *const kinds[CLASS_COUNT] = {"none", "full", "rw-only", "full", "none"};
    return kinds[d->klass];
}

static char *random_seed(void)
{
    guint8 bytes[48];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return g_strdup("");
    return g_base64_encode(bytes, sizeof bytes);
}

/* "Area/City" from where /etc/localtime leads. */
static char *timezone_name(void)
{
    char path[PATH_MAX];
    const char *zone = realpath("/etc/localtime", path) ? strstr(path, "/zoneinfo/") : NULL;
    return g_strdup(zone ? zone + strlen("/zoneinfo/") : "UTC");
}

/* service.NAME, vm-config.NAME and custom-persist.NAME features; the template's are not inherited here. */
static void add_features(GPtrArray *a, struct domain *d)
{
    static const struct {
        const char *prefix, *key;
        gboolean is_bool;
    } kinds[] = {{"service.", "/qubes-service/", TRUE},
                 {"vm-config.", "/vm-config/", FALSE},
                 {"custom-persist.", "/persist/", FALSE}};
    GHashTableIter it;
    const char *name, *value;
    g_hash_table_iter_init(&it, d->features);
    while (g_hash_table_iter_next(&it, (void **)&name, (void **)&value))
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
            if (!g_str_has_prefix(name, kinds[i].prefix))
                continue;
            g_autofree char *key = g_strconcat(kinds[i].key, name + strlen(kinds[i].prefix), NULL);
            add(a, key, kinds[i].is_bool ? (value[0] && strcmp(value, "0") != 0 ? "1" : "0") : value);
        }
}

static void add_network(GPtrArray *a, struct domain *d)
{
    struct domain *netvm = property_get_vm(d, "netvm");
    if (netvm) {
        g_autofree char *gateway = property_get(netvm, "ip", NULL);
        add_property(a, d, "/qubes-ip", "ip");
        add_property(a, d, "/qubes-ip6", "ip6");
        add_property(a, d, "/qubes-mac", "mac");
        add(a, "/qubes-netmask", "255.255.255.255");
        add(a, "/qubes-gateway", gateway);
        add(a, "/qubes-primary-dns", "10.139.1.1");
        add(a, "/qubes-secondary-dns", "10.139.1.2");
    }
    if (property_get_bool(d, "provides_network")) {
        add_property(a, d, "/qubes-netvm-network", "ip");
        add_property(a, d, "/qubes-netvm-gateway", "ip");
        add(a, "/qubes-netvm-netmask", "255.255.255.255");
        add(a, "/qubes-netvm-primary-dns", "10.139.1.1");
        add(a, "/qubes-netvm-secondary-dns", "10.139.1.2");
    }
}

char **guest_keys_new(struct domain *d)
{
    GPtrArray *a = g_ptr_array_new();
    struct domain *t = domain_template(d);
    g_autofree char *seed = random_seed(), *zone = timezone_name();
    struct domain *guivm = property_get_vm(d, "guivm"), *audiovm = property_get_vm(d, "audiovm");
    g_autofree char *gui_domid = g_strdup_printf("%d", guivm ? guivm->domid : -1);
    g_autofree char *audio_domid = g_strdup_printf("%d", audiovm ? audiovm->domid : -1);
    gboolean provides = property_get_bool(d, "provides_network");
    gboolean anon = domain_feature_bool(d, "anon-timezone", FALSE);
    gboolean gui = guivm && guivm->domid >= 0 && domain_feature_bool(d, "gui", TRUE);
    add(a, "/name", d->name);
    add(a, "/type", rules_class_name(d->klass));
    add_property(a, d, "/default-user", "default_user");
    add(a, "/qubes-vm-type", provides ? "NetVM" : rules_class_name(d->klass));
    add(a, "/qubes-vm-updateable", property_get_bool(d, "updateable") ? "True" : "False");
    add(a, "/qubes-vm-persistence", persistence(d));
    add(a, "/qubes-debug-mode", property_get_bool(d, "debug") ? "1" : "0");
    add(a, "/qubes-base-template", t ? t->name : "");
    add(a, "/qubes-random-seed", seed);
    add(a, "/qubes-timezone", anon ? "UTC" : zone);
    add_property(a, d, "/keyboard-layout", "keyboard_layout");
    add(a, "/qubes-gui-enabled", gui ? "True" : "False");
    if (gui)
        add(a, "/qubes-gui-domain-xid", gui_domid);
    if (audiovm && audiovm->domid >= 0)
        add(a, "/qubes-audio-domain-xid", audio_domid);
    add_features(a, d);
    add_network(a, d);
    g_ptr_array_add(a, NULL);
    return (char **)g_ptr_array_free(a, FALSE);
}
