/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENVER_*: who we say we are. Tools check version 4.17 and the capability tokens. */
#include "bh/domain.h"
#include "bh/lib.h"
#include "bh/setup.h"

static uint32_t features(const struct domain *d)
{
    uint64_t f = BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_auto_translated_physmap) |
                 BIT(XENFEAT_hvm_callback_vector) | BIT(XENFEAT_hvm_safe_pvclock) |
                 BIT(XENFEAT_memory_op_vnode_supported);

    if (d->hardware)
        f |= BIT(XENFEAT_dom0);
    return (uint32_t)(f | BIT(d->direct_mapped ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped));
}

static long put_string(struct vcpu *v, uint64_t gva, const char *s, size_t field)
{
    char buf[1024] = {0};

    strlcpy(buf, s, MIN(field, sizeof(buf)));
    return copy_to_guest(v, gva, buf, field);
}

static long get_features(struct vcpu *v, uint64_t gva)
{
    struct xen_feature_info fi;

    if (copy_from_guest(v, &fi, gva, sizeof(fi)))
        return -XEN_EFAULT;
    if (fi.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -XEN_EINVAL;
    fi.submap = features(v->domain);
    return copy_to_guest(v, gva, &fi, sizeof(fi));
}

HYPERCALL(xen_version)
{
    static const struct xen_compile_info compiled = {
        .compiler = "C11", .compile_by = "bulkhead", .compile_domain = "bulkhead"};
    struct xen_platform_parameters pp = {.virt_start = 0xffff800000000000ul};
    uint64_t gva = args->a[1];

    switch (args->a[0]) {
    case XENVER_version:
        return 4 << 16 | 17;
    case XENVER_extraversion:
        return put_string(v, gva, ".7-bulkhead", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return copy_to_guest(v, gva, &compiled, sizeof(compiled));
    case XENVER_capabilities:
        return put_string(v, gva, "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
                          sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return put_string(v, gva, "", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return copy_to_guest(v, gva, &pp, sizeof(pp));
    case XENVER_get_features:
        return get_features(v, gva);
    case XENVER_pagesize:
        return gva ? -XEN_EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_to_guest(v, gva, v->domain->handle, sizeof(v->domain->handle));
    case XENVER_commandline:
        return put_string(v, gva, v->domain->privileged ? saved_cmdline : "<denied>",
                          sizeof(xen_commandline_t));
    case XENVER_build_id:
        return -XEN_ENODATA;
    default:
        return -XEN_ENOSYS;
    }
}
