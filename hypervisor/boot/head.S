/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First instructions: Multiboot headers, 32-bit entry of the boot CPU, the road to 64-bit mode, and the
 * trampoline by which the other CPUs follow. Registers at entry: eax magic, ebx information block.
 */
#define VIRT      0xffffffff80000000
#define PHYS(x)   ((x) - VIRT)
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, address fields */
#define MB2_MAGIC 0xe85250d6

    .section .multiboot, "ax"
    .align 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_end - mb2_header
    .long 0x100000000 - (MB2_MAGIC + 0 + (mb2_end - mb2_header))
    .align 8
    .word 3, 0 /* entry address */
    .long 12, PHYS(start32)
    .align 8
    .word 6, 0 /* page-aligned modules */
    .long 8
    .align 8
    .word 4, 1 /* console: optional, text is fine */
    .long 12, 3
    .align 8
    .word 5, 1 /* framebuffer: whatever there is */
    .long 20, 0, 0, 0
    .align 8
    .word 0, 0
    .long 8
mb2_end:
    .align 4
mb1_header:
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
    .long PHYS(mb1_header), PHYS(__image_start), PHYS(__load_end), PHYS(__image_end), PHYS(start32)

    .section .head.text, "ax"
    .code32
    .globl start32
start32:
    cli
    cld
    movl    $PHYS(boot_stack_top), %esp
    movl    %eax, PHYS(boot_magic)
    movl    %ebx, PHYS(boot_info_pa)
    /* identity, direct map and image: 4 GiB by 2 MiB pages */
    movl    $PHYS(boot_l2), %edi
    movl    $0x83, %eax /* present, writable, 2 MiB */
    movl    $2048, %ecx
1:  movl    %eax, (%edi)
    movl    $0, 4(%edi)
    addl    $8, %edi
    addl    $0x200000, %eax
    loop    1b
    movl    $PHYS(boot_l3), %edi
    movl    $PHYS(boot_l2) + 3, %eax
    movl    $4, %ecx
2:  movl    %eax, (%edi)
    addl    $8, %edi
    addl    $0x1000, %eax
    loop    2b
    movl    $PHYS(boot_l2) + 3, PHYS(boot_l3_high) + 510 * 8
    movl    $PHYS(boot_l3) + 3, %eax
    movl    %eax, PHYS(boot_l4)
    movl    %eax, PHYS(boot_l4) + 262 * 8 /* DIRECTMAP_BASE */
    movl    $PHYS(boot_l3_high) + 3, PHYS(boot_l4) + 511 * 8
    movl    $PHYS(boot_l4), %esi
    call    enter_long_mode_32
    ljmp    $0x08, $PHYS(start64)

/* esi: page table root. Leaves the CPU in compatibility mode with the boot GDT loaded. */
enter_long_mode_32:
    movl    $0x80000001, %eax
    cpuid
    movl    %edx, %edi /* bit 20: NX */
    movl    $0x20, %eax /* PAE */
    movl    %eax, %cr4
    movl    %esi, %cr3
    movl    $0xc0000080, %ecx
    rdmsr
    orl     $0x101, %eax /* LME, SCE */
    testl   $(1 << 20), %edi
    jz      1f
    orl     $0x800, %eax /* NXE */
1:  wrmsr
    movl    $0x80010033, %eax /* PG WP NE ET MP PE */
    movl    %eax, %cr0
    lgdtl   PHYS(boot_gdtr)
    ret

    .code64
start64:
    movabs  $start64_high, %rax
    jmp     *%rax
start64_high:
    movl    $0x10, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    xorl    %eax, %eax
    movl    %eax, %fs
    movl    %eax, %gs
    leaq    boot_stack_top(%rip), %rsp
    xorl    %ebp, %ebp
    movl    boot_magic(%rip), %edi
    movl    boot_info_pa(%rip), %esi
    call    hypervisor_main
    ud2

/*
 * Trampoline of the other CPUs: copied to a page below 1 MiB. Its last words are filled in by smp.c.
 */
    .code16
    .globl ap_trampoline, ap_trampoline_end, ap_boot_root, ap_final_root, ap_boot_stack, ap_boot_cpu
    .align 16
ap_trampoline:
    cli
    cld
    movw    %cs, %ax
    movw    %ax, %ds
    movzwl  %ax, %ebx
    shll    $4, %ebx /* physical base of this page */
    lgdtl   ap_gdtr - ap_trampoline
    leal    ap32 - ap_trampoline(%ebx), %eax
    movl    %eax, ap_far - ap_trampoline
    movl    %cr0, %eax
    orl     $1, %eax
    movl    %eax, %cr0
    ljmpl   *(ap_far - ap_trampoline)
    .code32
ap32:
    movl    $0x10, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    ap_boot_root - ap_trampoline(%ebx), %esi
    leal    ap_call_stack - ap_trampoline(%ebx), %esp
    movl    $PHYS(enter_long_mode_32), %eax
    movl    %ebx, %ebp /* CPUID in there takes ebx */
    call    *%eax
    movl    %ebp, %ebx
    ljmp    $0x08, $PHYS(ap64)
    .code64
ap64:
    movabs  $ap64_high, %rax
    jmp     *%rax
ap64_high:
    movl    %ebx, %ebx
    movq    ap_final_root - ap_trampoline(%rbx), %rax
    movq    ap_boot_stack - ap_trampoline(%rbx), %rsp
    movq    ap_boot_cpu - ap_trampoline(%rbx), %rdi
    movq    %rax, %cr3 /* the stack is mapped there only */
    xorl    %ebp, %ebp
    call    smp_ap_main
    ud2
    .align 8
ap_far:
    .long   0
    .word   0x18
    .align 4
ap_gdtr:
    .word   boot_gdt_end - boot_gdt - 1
    .long   PHYS(boot_gdt)
    .align 8
ap_boot_root:
    .quad   0
ap_final_root:
    .quad   0
ap_boot_stack:
    .quad   0
ap_boot_cpu:
    .quad   0
    .skip   64
ap_call_stack:
ap_trampoline_end:

    .section .rodata
    .align 8
boot_gdt:
    .quad   0
    .quad   0x00af9b000000ffff /* 08: 64-bit code */
    .quad   0x00cf93000000ffff /* 10: data */
    .quad   0x00cf9b000000ffff /* 18: 32-bit code */
boot_gdt_end:
boot_gdtr:
    .word   boot_gdt_end - boot_gdt - 1
    .long   PHYS(boot_gdt)

    .section .init.data, "aw"
    .globl boot_magic, boot_info_pa
boot_magic:
    .long   0
boot_info_pa:
    .long   0

    .section .bss.init, "aw", @nobits
    .align 4096
boot_l4:
    .skip   4096
boot_l3:
    .skip   4096
boot_l3_high:
    .skip   4096
boot_l2:
    .skip   4096 * 4
boot_stack:
    .skip   16384
boot_stack_top:
    .section .note.GNU-stack, "", @progbits
