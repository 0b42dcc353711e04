/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "property.h"

#include <arpa/inet.h>
#include <string.h>

#include "backend.h"
#include "dm_error.h"
#include "labels.h"
#include "volume.h"

#define APP      CLASS_BIT(CLASS_APP)
#define DISP     CLASS_BIT(CLASS_DISP)
#define TEMPLATE CLASS_BIT(CLASS_TEMPLATE)
#define ADMIN    CLASS_BIT(CLASS_ADMIN)

struct property {
    const char *name;
    enum property_type type;
    unsigned classes;
    gboolean read_only;
    char *(*compute)(struct domain *d); /* default by code, or */
    const char *system;                 /* default from this system property, or */
    const char *value;                  /* this text (NULL: None) */
    gint64 min, max;                    /* PROPERTY_INT */
    gboolean (*check)(struct domain *d, const char *value, GError **error);
    const char *help;
};

static const char *TRUE_TEXT = "True", *FALSE_TEXT = "False";

/* -- computed values -- */

static char *get_name(struct domain *d)
{
    return g_strdup(d->name);
}

static char *get_uuid(struct domain *d)
{
    return g_strdup(d->uuid);
}

static char *get_qid(struct domain *d)
{
    return g_strdup_printf("%u", d->qid);
}

static char *get_xid(struct domain *d)
{
    return g_strdup_printf("%d", d->domid);
}

static char *get_dispid(struct domain *d)
{
    return g_strdup_printf("%d", d->dispid);
}

static char *get_klass(struct domain *d)
{
    return g_strdup(rules_class_name(d->klass));
}

static char *get_label(struct domain *d)
{
    struct domain *t = d->klass == CLASS_DISP ? domain_template(d) : NULL;
    if (t)
        return property_get(t, "label", NULL);
    return g_strdup(d->klass == CLASS_ADMIN || d->klass == CLASS_TEMPLATE ? "black" : "red");
}

static char *get_icon(struct domain *d)
{
    static const char *const kinds[CLASS_COUNT] = {"adminvm", "templatevm", "appvm", "standalonevm",
                                                   "dispvm"};
    g_autofree char *label = property_get(d, "label", NULL);
    if (d->klass == CLASS_ADMIN)
        return g_strdup("adminvm-black");
    return g_strdup_printf("%s-%s", kinds[d->klass], label);
}

static char *get_maxmem(struct domain *d)
{
    gint64 memory = property_get_int(d, "memory");
    return g_strdup_printf("%" G_GINT64_FORMAT, MAX(memory, MIN(10 * memory, 4000)));
}

static char *get_vcpus(struct domain *d)
{
    int cpus = d->manager->backend ? backend_cpus(d->manager->backend) : 2;
    return g_strdup_printf("%d", CLAMP(cpus, 1, 2));
}

static char *get_kernel(struct domain *d)
{
    return system_property_get(d->manager, "default_kernel", NULL);
}

static char *get_ip(struct domain *d)
{
    if (d->dispid > 0)
        return g_strdup_printf("10.138.%d.%d", d->dispid / 256 % 256, d->dispid % 256);
    return g_strdup_printf("10.137.%u.%u", d->qid / 256, d->qid % 256);
}

static char *get_mac(struct domain *d)
{
    return g_strdup_printf("00:16:3e:5e:%02x:%02x", (d->qid >> 8) & 0xff, d->qid & 0xff);
}

static char *get_updateable(struct domain *d)
{
    gboolean yes = d->klass == CLASS_TEMPLATE || d->klass == CLASS_STANDALONE || d->klass == CLASS_ADMIN;
    return g_strdup(yes ? TRUE_TEXT : FALSE_TEXT);
}

static char *get_start_time(struct domain *d)
{
    return d->start_time ? g_strdup_printf("%" G_GINT64_FORMAT ".0", d->start_time) : g_strdup("");
}

static char *get_template(struct domain *d)
{
    return d->klass == CLASS_APP ? system_property_get(d->manager, "default_template", NULL) : g_strdup("");
}

static char *get_default_dispvm(struct domain *d)
{
    struct domain *t = d->klass == CLASS_DISP ? domain_template(d) : NULL;
    return t ? property_get(t, "default_dispvm", NULL)
             : system_property_get(d->manager, "default_dispvm", NULL);
}

static char *get_netvm(struct domain *d)
{
    if (d->klass == CLASS_TEMPLATE || property_get_bool(d, "provides_network"))
        return g_strdup("");
    struct domain *t = d->klass == CLASS_DISP ? domain_template(d) : NULL;
    return t ? property_get(t, "netvm", NULL) : system_property_get(d->manager, "default_netvm", NULL);
}

static char *get_include_in_backups(struct domain *d)
{
    gboolean passing = d->klass == CLASS_DISP && property_get_bool(d, "auto_cleanup");
    return g_strdup(passing ? FALSE_TEXT : TRUE_TEXT);
}

static char *get_auto_cleanup(struct domain *d)
{
    return g_strdup(d->dispid > 0 ? TRUE_TEXT : FALSE_TEXT);
}

/* -- checks of new values -- */

static gboolean check_template(struct domain *d, const char *value, GError **error)
{
    struct domain *t = manager_get(d->manager, value, error);
    if (!t)
        return FALSE;
    if (!domain_is_halted(d))
        return dm_fail(error, DM_ERROR_NOT_HALTED, "%s must be halted to change its template", d->name);
    if (d->klass == CLASS_DISP) {
        if (t->klass == CLASS_APP && property_get_bool(t, "template_for_dispvms"))
            return TRUE;
        return dm_fail(
            error, DM_ERROR_VALUE,
            "%s is no template for disposables; allow it with: qvm-prefs %s template_for_dispvms True", value,
            value);
    }
    if (t->klass != CLASS_TEMPLATE)
        return dm_fail(error, DM_ERROR_VALUE, "%s is not a TemplateVM", value);
    return TRUE;
}

static gboolean check_netvm(struct domain *d, const char *value, GError **error)
{
    struct domain *n = manager_get(d->manager, value, error);
    if (!n)
        return FALSE;
    if (!property_get_bool(n, "provides_network"))
        return dm_fail(error, DM_ERROR_VALUE, "%s does not provide network (property provides_network)",
                       value);
    for (int depth = 0; n && depth < 64; depth++, n = property_get_vm(n, "netvm"))
        if (n == d)
            return dm_fail(error, DM_ERROR_VALUE, "netvm %s would make a loop", value);
    return TRUE;
}

static gboolean check_default_dispvm(struct domain *d, const char *value, GError **error)
{
    struct domain *t = manager_get(d->manager, value, error);
    if (t && !property_get_bool(t, "template_for_dispvms"))
        return dm_fail(error, DM_ERROR_VALUE, "%s is no template for disposables", value);
    return t != NULL;
}

static gboolean check_virt_mode(struct domain *d, const char *value, GError **error)
{
    (void)d;
    if (strcmp(value, "pvh") == 0)
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "virt_mode \"%s\": only pvh is available", value);
}

static gboolean check_kernel(struct domain *d, const char *value, GError **error)
{
    g_autofree char *path = volume_kernel_file(d->manager, value, "vmlinuz");
    if (!strchr(value, '/') && value[0] != '.' && g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "kernel \"%s\": there is no %s/kernels/%s/vmlinuz", value,
                   d->manager->state_dir, value);
}

static gboolean check_ip(struct domain *d, const char *value, GError **error)
{
    struct in_addr a;
    (void)d;
    if (inet_pton(AF_INET, value, &a) == 1)
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "\"%s\" is not an IPv4 address", value);
}

static gboolean check_mac(struct domain *d, const char *value, GError **error)
{
    (void)d;
    if (g_regex_match_simple("^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$", value, 0, 0))
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "\"%s\" is not a MAC address", value);
}

static gboolean check_user(struct domain *d, const char *value, GError **error)
{
    (void)d;
    if (g_regex_match_simple("^[a-z_][a-z0-9_-]{0,31}$", value, 0, 0))
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "\"%s\" is not a user name", value);
}

static gboolean check_memory(struct domain *d, const char *value, GError **error)
{
    guint64 total = d->manager->backend ? backend_total_memory(d->manager->backend) >> 20 : 0;
    if (!total || g_ascii_strtoull(value, NULL, 10) < total)
        return TRUE;
    return dm_fail(error, DM_ERROR_VALUE, "%s MiB is more than the machine has (%" G_GUINT64_FORMAT " MiB)",
                   value, total);
}

static gboolean check_template_for_dispvms(struct domain *d, const char *value, GError **error)
{
    if (rules_bool_parse(value) == 1)
        return TRUE;
    g_autoptr(GPtrArray) all = manager_sorted(d->manager);
    for (guint i = 0; i < all->len; i++) {
        struct domain *other = all->pdata[i];
        if (other->klass == CLASS_DISP && domain_template(other) == d)
            return dm_fail(error, DM_ERROR_IN_USE, "disposable %s is based on %s", other->name, d->name);
    }
    return TRUE;
}

static const struct property properties[] = {
    {"name", PROPERTY_STR, CLASS_ALL, FALSE, get_name, .help = "Name of the domain; setting it renames."},
    {"uuid", PROPERTY_STR, CLASS_ALL, TRUE, get_uuid, .help = "UUID, never changes."},
    {"qid", PROPERTY_INT, CLASS_ALL, TRUE, get_qid, .help = "Internal number of the domain."},
    {"xid", PROPERTY_INT, CLASS_ALL, TRUE, get_xid,
     .help = "Number of the running domain in the hypervisor, -1 when halted."},
    {"klass", PROPERTY_STR, CLASS_ALL, TRUE, get_klass, .help = "Class of the domain."},
    {"label", PROPERTY_LABEL, CLASS_ALL, FALSE, get_label, .help = "Colour of the domain's windows."},
    {"template", PROPERTY_VM, APP | DISP, FALSE, get_template, .check = check_template,
     .help = "Whose root image is used."},
    {"virt_mode", PROPERTY_STR, CLASS_GUESTS, FALSE, .value = "pvh", .check = check_virt_mode,
     .help = "Kind of guest: pvh."},
    {"kernel", PROPERTY_STR, CLASS_GUESTS, FALSE, get_kernel, .check = check_kernel,
     .help = "Kernel in the kernels directory; the template's own kernel goes first."},
    {"kernelopts", PROPERTY_STR, CLASS_GUESTS, FALSE, .help = "Appended to the kernel command line."},
    {"memory", PROPERTY_INT, CLASS_GUESTS, FALSE, .value = "400", .min = 32, .max = 1 << 20,
     .check = check_memory, .help = "Memory in MiB at start."},
    {"maxmem", PROPERTY_INT, CLASS_GUESTS, FALSE, get_maxmem, .min = 0, .max = 1 << 20,
     .help = "Upper bound in MiB for memory balancing."},
    {"vcpus", PROPERTY_INT, CLASS_GUESTS, FALSE, get_vcpus, .min = 1, .max = 128,
     .help = "Number of virtual CPUs."},
    {"netvm", PROPERTY_VM, CLASS_GUESTS, FALSE, get_netvm, .check = check_netvm,
     .help = "Domain that gives network access; empty: none."},
    {"provides_network", PROPERTY_BOOL, CLASS_GUESTS, FALSE, .value = "False",
     .help = "Other domains may use it as netvm."},
    {"ip", PROPERTY_STR, CLASS_GUESTS, FALSE, get_ip, .check = check_ip, .help = "IPv4 address."},
    {"ip6", PROPERTY_STR, CLASS_GUESTS, FALSE, .help = "IPv6 address."},
    {"mac", PROPERTY_STR, CLASS_GUESTS, FALSE, get_mac, .check = check_mac,
     .help = "MAC address of the interface."},
    {"guivm", PROPERTY_VM, CLASS_GUESTS, FALSE, .system = "default_guivm",
     .help = "Domain that shows its windows."},
    {"audiovm", PROPERTY_VM, CLASS_GUESTS, FALSE, .system = "default_audiovm",
     .help = "Domain that plays its sound."},
    {"default_user", PROPERTY_STR, CLASS_GUESTS, FALSE, .value = "user", .check = check_user,
     .help = "User for programs that name none."},
    {"default_dispvm", PROPERTY_VM, CLASS_ALL, FALSE, get_default_dispvm, .check = check_default_dispvm,
     .help = "Base of the disposables that this domain opens."},
    {"management_dispvm", PROPERTY_VM, CLASS_GUESTS, FALSE, .system = "management_dispvm",
     .help = "Base of disposables that manage this domain."},
    {"template_for_dispvms", PROPERTY_BOOL, APP, FALSE, .value = "False", .check = check_template_for_dispvms,
     .help = "Disposables may be based on it."},
    {"auto_cleanup", PROPERTY_BOOL, DISP, FALSE, get_auto_cleanup, .help = "Removed when it stops."},
    {"dispid", PROPERTY_INT, DISP, TRUE, get_dispid, .help = "Number of the disposable."},
    {"autostart", PROPERTY_BOOL, CLASS_GUESTS, FALSE, .value = "False", .help = "Started with the system."},
    {"debug", PROPERTY_BOOL, CLASS_GUESTS, FALSE, .value = "False",
     .help = "More messages of the domain's programs."},
    {"qrexec_timeout", PROPERTY_INT, CLASS_GUESTS, FALSE, .system = "default_qrexec_timeout", .min = 1,
     .max = 3600, .help = "Seconds that the qrexec agent may take after a start."},
    {"shutdown_timeout", PROPERTY_INT, CLASS_GUESTS, FALSE, .system = "default_shutdown_timeout", .min = 1,
     .max = 3600, .help = "Seconds that a shutdown may take."},
    {"include_in_backups", PROPERTY_BOOL, CLASS_ALL, FALSE, get_include_in_backups,
     .help = "Backed up unless excluded."},
    {"backup_timestamp", PROPERTY_INT, CLASS_GUESTS, FALSE, .min = 0, .max = G_MAXINT64,
     .help = "Time of the last backup."},
    {"installed_by_rpm", PROPERTY_BOOL, CLASS_GUESTS, FALSE, .value = "False",
     .help = "The template came as a package."},
    {"updateable", PROPERTY_BOOL, CLASS_ALL, TRUE, get_updateable, .help = "Updates inside it last."},
    {"keyboard_layout", PROPERTY_STR, CLASS_ALL, FALSE, .value = "us++", .help = "LAYOUT+VARIANT+OPTIONS."},
    {"icon", PROPERTY_STR, CLASS_ALL, TRUE, get_icon, .help = "Icon name."},
    {"start_time", PROPERTY_STR, CLASS_ALL, TRUE, get_start_time,
     .help = "When it was started, seconds since 1970."},
};

static gboolean check_system_template(struct domain *d, const char *value, GError **error)
{
    struct domain *t = manager_get(d->manager, value, error);
    if (t && t->klass != CLASS_TEMPLATE)
        return dm_fail(error, DM_ERROR_VALUE, "%s is not a TemplateVM", value);
    return t != NULL;
}

static char *newest_kernel(struct domain *d)
{
    return volume_newest_kernel(d->manager);
}

/* .classes is unused here; checks get dom0. */
static const struct property system_properties[] = {
    {"default_netvm", PROPERTY_VM, .check = check_netvm, .help = "netvm of domains that set none."},
    {"default_template", PROPERTY_VM, .check = check_system_template, .help = "Template of new AppVMs."},
    {"default_dispvm", PROPERTY_VM, .check = check_default_dispvm, .help = "Base of disposables."},
    {"default_guivm", PROPERTY_VM, .value = "dom0", .help = "guivm of domains that set none."},
    {"default_audiovm", PROPERTY_VM, .value = "dom0", .help = "audiovm of domains that set none."},
    {"default_kernel", PROPERTY_STR, .compute = newest_kernel, .check = check_kernel,
     .help = "Kernel of domains that set none."},
    {"default_pool", PROPERTY_STR, .read_only = TRUE, .value = "file", .help = "Pool of new volumes."},
    {"default_pool_root", PROPERTY_STR, .read_only = TRUE, .value = "file",
     .help = "Pool of new root volumes."},
    {"default_pool_private", PROPERTY_STR, .read_only = TRUE, .value = "file",
     .help = "Pool of new private volumes."},
    {"default_pool_volatile", PROPERTY_STR, .read_only = TRUE, .value = "file",
     .help = "Pool of new volatile volumes."},
    {"default_pool_kernel", PROPERTY_STR, .read_only = TRUE, .value = "file", .help = "Pool of kernels."},
    {"default_qrexec_timeout", PROPERTY_INT, .value = "180", .min = 1, .max = 3600,
     .help = "qrexec_timeout of domains that set none."},
    {"default_shutdown_timeout", PROPERTY_INT, .value = "60", .min = 1, .max = 3600,
     .help = "shutdown_timeout of domains that set none."},
    {"updatevm", PROPERTY_VM, .help = "Domain that fetches dom0's updates."},
    {"clockvm", PROPERTY_VM, .help = "Domain that gives the time."},
    {"management_dispvm", PROPERTY_VM, .check = check_default_dispvm,
     .help = "Base of managing disposables."},
    {"check_updates_vm", PROPERTY_BOOL, .value = "True", .help = "Domains look for updates."},
    {"stats_interval", PROPERTY_INT, .value = "3", .min = 1, .max = 3600,
     .help = "Seconds between statistics."},
};

static const struct property *find_in(const struct property *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static const struct property *find(struct domain *d, const char *name, GError **error)
{
    const struct property *p = find_in(properties, G_N_ELEMENTS(properties), name);
    if (p && p->classes & CLASS_BIT(d->klass))
        return p;
    g_autofree char *shown = g_strescape(name, NULL);
    dm_fail(error, DM_ERROR_NO_PROPERTY, "%s (%s) has no property \"%s\" (qvm-prefs %s lists them)", d->name,
            rules_class_name(d->klass), shown, d->name);
    return NULL;
}

static char *default_value(const struct property *p, struct domain *d)
{
    char *value = p->compute  ? p->compute(d)
                  : p->system ? system_property_get(d->manager, p->system, NULL)
                              : NULL;
    return value ? value : g_strdup(p->value ? p->value : "");
}

char *property_get(struct domain *d, const char *name, GError **error)
{
    const struct property *p = find(d, name, error);
    if (!p)
        return NULL;
    const char *set = p->read_only ? NULL : g_hash_table_lookup(d->properties, name);
    return set ? g_strdup(set) : default_value(p, d);
}

char *property_get_default(struct domain *d, const char *name, GError **error)
{
    const struct property *p = find(d, name, error);
    return p ? default_value(p, d) : NULL;
}

gint64 property_get_int(struct domain *d, const char *name)
{
    g_autofree char *text = property_get(d, name, NULL);
    return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

gboolean property_get_bool(struct domain *d, const char *name)
{
    g_autofree char *text = property_get(d, name, NULL);
    return text && strcmp(text, TRUE_TEXT) == 0;
}

struct domain *property_get_vm(struct domain *d, const char *name)
{
    g_autofree char *text = property_get(d, name, NULL);
    return text && text[0] ? manager_find(d->manager, text) : NULL;
}

gboolean property_is_default(struct domain *d, const char *name)
{
    return !g_hash_table_contains(d->properties, name);
}

static const char *const type_names[] = {"str", "int", "bool", "vm", "label"};

const char *property_type_name(const char *name)
{
    const struct property *p = find_in(properties, G_N_ELEMENTS(properties), name);
    return p ? type_names[p->type] : NULL;
}

const char *property_help(const char *name)
{
    const struct property *p = find_in(properties, G_N_ELEMENTS(properties), name);
    return p ? p->help : NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **property_names(struct domain *d)
{
    const char **names = g_new0(const char *, G_N_ELEMENTS(properties) + 1);
    size_t n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
        if (properties[i].classes & CLASS_BIT(d->klass))
            names[n++] = properties[i].name;
    qsort(names, n, sizeof *names, by_text);
    return names;
}

/* Check `value` and bring it into the form it is stored in. */
static char *normalise(const struct property *p, struct domain *d, const char *value, GError **error)
{
    gint64 n = 0;
    if (p->read_only) {
        dm_fail(error, DM_ERROR_READ_ONLY, "property %s cannot be set", p->name);
        return NULL;
    }
    if (!rules_text_printable(value) || strlen(value) > 4096) {
        dm_fail(error, DM_ERROR_VALUE, "property %s: control characters are not allowed", p->name);
        return NULL;
    }
    if (p->type == PROPERTY_BOOL) {
        int b = rules_bool_parse(value);
        if (b < 0)
            dm_fail(error, DM_ERROR_VALUE, "property %s: \"%s\" is neither True nor False", p->name, value);
        value = b < 0 ? NULL : b ? TRUE_TEXT : FALSE_TEXT;
    } else if (p->type == PROPERTY_INT) {
        if (!rules_int_parse(value, p->min, p->max, &n, error))
            value = NULL;
    } else if (p->type == PROPERTY_LABEL && !labels_find(value)) {
        dm_fail(error, DM_ERROR_NO_LABEL,
                "there is no label \"%s\"; labels are red orange yellow green gray blue purple black, and "
                "those of "
                "qvm-label list",
                value);
        value = NULL;
    } else if (p->type == PROPERTY_VM) {
        if (strcmp(value, "None") == 0 || strcmp(value, "none") == 0)
            value = "";
        if (value[0] && !manager_get(d->manager, value, error))
            value = NULL;
    }
    gboolean empty = value && !value[0];
    if (!value || (p->check && !(empty && p->type != PROPERTY_STR) && !(empty && p->check == check_kernel) &&
                   !p->check(d, value, error)))
        return NULL;
    return p->type == PROPERTY_INT ? g_strdup_printf("%" G_GINT64_FORMAT, n) : g_strdup(value);
}

gboolean property_set_quiet(struct domain *d, const char *name, const char *value, GError **error)
{
    const struct property *p = find(d, name, error);
    g_autofree char *text = p ? normalise(p, d, value, error) : NULL;
    if (!text)
        return FALSE;
    g_hash_table_insert(d->properties, g_strdup(name), g_steal_pointer(&text));
    return TRUE;
}

gboolean property_set(struct domain *d, const char *name, const char *value, GError **error)
{
    const struct property *p = find(d, name, error);
    g_autofree char *text = p ? normalise(p, d, value, error) : NULL;
    if (!text)
        return FALSE;
    if (strcmp(name, "name") == 0)
        return strcmp(text, d->name) == 0 || domain_rename(d, text, error);
    g_autofree char *event = g_strconcat("property-set:", name, NULL);
    if (!domain_store(d, d->properties, name, text, error))
        return FALSE;
    manager_emit(d->manager, d, event, "name", name, "newvalue", text, NULL);
    return TRUE;
}

gboolean property_reset(struct domain *d, const char *name, GError **error)
{
    const struct property *p = find(d, name, error);
    if (!p)
        return FALSE;
    if (p->read_only || strcmp(name, "name") == 0)
        return dm_fail(error, DM_ERROR_READ_ONLY, "property %s cannot be reset", name);
    g_autofree char *event = g_strconcat("property-reset:", name, NULL);
    if (!domain_store(d, d->properties, name, NULL, error))
        return FALSE;
    manager_emit(d->manager, d, event, "name", name, NULL);
    return TRUE;
}

/* -- system -- */

static const struct property *find_system(const char *name, GError **error)
{
    const struct property *p = find_in(system_properties, G_N_ELEMENTS(system_properties), name);
    if (!p) {
        g_autofree char *shown = g_strescape(name, NULL);
        dm_fail(error, DM_ERROR_NO_PROPERTY, "there is no system property \"%s\" (qubes-prefs lists them)",
                shown);
    }
    return p;
}

static struct domain *admin(struct manager *m)
{
    return g_hash_table_lookup(m->domains, "dom0");
}

char *system_property_get(struct manager *m, const char *name, GError **error)
{
    const struct property *p = find_system(name, error);
    if (!p)
        return NULL;
    const char *set = g_hash_table_lookup(m->system, name);
    return set ? g_strdup(set) : default_value(p, admin(m));
}

char *system_property_get_default(struct manager *m, const char *name, GError **error)
{
    const struct property *p = find_system(name, error);
    return p ? default_value(p, admin(m)) : NULL;
}

gboolean system_property_is_default(struct manager *m, const char *name)
{
    return !g_hash_table_contains(m->system, name);
}

const char *system_property_type_name(const char *name)
{
    const struct property *p = find_system(name, NULL);
    return p ? type_names[p->type] : NULL;
}

const char *system_property_help(const char *name)
{
    const struct property *p = find_system(name, NULL);
    return p ? p->help : NULL;
}

const char **system_property_names(void)
{
    const char **names = g_new0(const char *, G_N_ELEMENTS(system_properties) + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(system_properties); i++)
        names[i] = system_properties[i].name;
    qsort(names, G_N_ELEMENTS(system_properties), sizeof *names, by_text);
    return names;
}

static gboolean system_store(struct manager *m, const char *name, const char *value, GError **error)
{
    g_autofree char *old = g_strdup(g_hash_table_lookup(m->system, name));
    g_autofree char *event = g_strconcat(value ? "property-set:" : "property-reset:", name, NULL);
    if (value)
        g_hash_table_insert(m->system, g_strdup(name), g_strdup(value));
    else
        g_hash_table_remove(m->system, name);
    if (manager_save_system(m, error)) {
        manager_emit(m, NULL, event, "name", name, "newvalue", value ? value : "", NULL);
        return TRUE;
    }
    if (old)
        g_hash_table_insert(m->system, g_strdup(name), g_steal_pointer(&old));
    else
        g_hash_table_remove(m->system, name);
    return FALSE;
}

gboolean system_property_set(struct manager *m, const char *name, const char *value, GError **error)
{
    const struct property *p = find_system(name, error);
    g_autofree char *text = p ? normalise(p, admin(m), value, error) : NULL;
    return text && system_store(m, name, text, error);
}

gboolean system_property_reset(struct manager *m, const char *name, GError **error)
{
    const struct property *p = find_system(name, error);
    if (p && p->read_only)
        return dm_fail(error, DM_ERROR_READ_ONLY, "property %s cannot be reset", name);
    return p && system_store(m, name, NULL, error);
}
