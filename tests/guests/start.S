/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PVH entry in 32-bit mode, the way to long mode with 4 GiB mapped one to one, and the stubs of traps. */
#define PTE_TABLE 7    /* present, writable, user: ring 3 is tested too */
#define PTE_LARGE 0x87

    .section .note.Xen, "a", @note
    .long 4, 4, 18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long entry32

    .section .text.entry, "ax"
    .code32
    .globl entry32
entry32:
    cld
    mov $stack_top, %esp
    mov %ebx, %ebp
    mov $pml4, %edi
    mov $pdpt + PTE_TABLE, %eax
    mov %eax, (%edi)
    mov $pdpt, %edi
    mov $pd + PTE_TABLE, %eax
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b
    mov $pd, %edi
    mov $PTE_LARGE, %eax
    mov $2048, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b
    mov $0x20, %eax                     /* CR4.PAE */
    mov %eax, %cr4
    mov $pml4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $0x101, %eax                     /* EFER.LME, SCE */
    wrmsr
    mov $0x80010001, %eax               /* CR0: paging, write protect, protection */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $start64

    .code64
start64:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov %ebp, %edi
    call guest_start
1:  hlt
    jmp 1b

/* long hypercall_amd(nr, a0, a1, a2, a3, a4), and Intel's */
    .macro hypercall name, insn
    .globl \name
\name:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    \insn
    ret
    .endm
    hypercall hypercall_amd vmmcall
    hypercall hypercall_intel vmcall

/* int try_call(void (*fn)(void *), void *arg): the vector of the exception that ended fn, or -1 */
    .globl try_call
try_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, try_stack
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    mov $-1, %eax
try_out:
    movq $0, try_stack
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .globl try_abort
try_abort:                              /* edi: vector */
    mov try_stack, %rsp
    mov %edi, %eax
    jmp try_out

/* long in_user_mode(nr): a hypercall from ring 3, its result by int $0x80 */
    .globl in_user_mode
in_user_mode:
    push %rbx
    push %rbp
    mov %rsp, tss + 4
    mov %rdi, %rax
    pushq $0x1b
    push $user_stack_top
    pushq $0x3002                       /* IOPL 3, interrupts off */
    pushq $0x23
    push $1f
    xor %edi, %edi
    xor %esi, %esi
    iretq
1:  testb $1, hypercall_is_vmcall
    jnz 2f
    vmmcall
    int $0x80
2:  vmcall
    int $0x80
    .globl user_return
user_return:
    mov tss + 4, %rsp
    pop %rbp
    pop %rbx
    ret

/* One stub a vector, 16 bytes each; those without an error code push 0. */
    .align 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .align 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr
trap_common:
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbp
    and $-16, %rsp
    call trap
    mov %rbp, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

    .data
    .align 16
    .globl gdt
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
    .quad 0x00008b0000000067, 0         /* TSS; guest_start puts its address in */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .quad gdt
    .globl try_stack, tss, hypercall_is_vmcall
try_stack: .quad 0
hypercall_is_vmcall: .long 0
    .align 16
tss: .fill 104, 1, 0

    .bss
    .align 4096
pml4: .skip 4096
pdpt: .skip 4096
pd:   .skip 4 * 4096
    .skip 65536
stack_top:
    .skip 4096
user_stack_top:
    .section .note.GNU-stack, "", @progbits
