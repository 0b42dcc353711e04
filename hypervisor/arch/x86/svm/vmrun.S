/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * void svm_vmrun(struct guest_regs *regs, uint64_t vmcb_pa, uint64_t host_vmcb_pa)
 * Load the guest's registers, run it until #VMEXIT, store them. GIF is clear in between, and interrupts are
 * enabled (RFLAGS.IF) around VMRUN only, so a pending one makes the guest exit at once (APM vol. 2 §15.5, §15.17).
 */
    .section .text
    .globl svm_vmrun
    .align 16
svm_vmrun:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rdx /* host VMCB */
    push    %rdi /* regs */
    mov     %rsi, %rax
    clgi
    sti
    vmload  %rax
    mov     0x08(%rdi), %rcx
    mov     0x10(%rdi), %rdx
    mov     0x18(%rdi), %rbx
    mov     0x28(%rdi), %rbp
    mov     0x30(%rdi), %rsi
    mov     0x40(%rdi), %r8
    mov     0x48(%rdi), %r9
    mov     0x50(%rdi), %r10
    mov     0x58(%rdi), %r11
    mov     0x60(%rdi), %r12
    mov     0x68(%rdi), %r13
    mov     0x70(%rdi), %r14
    mov     0x78(%rdi), %r15
    mov     0x38(%rdi), %rdi
    vmrun   %rax
    vmsave  %rax
    cli
    xchg    %rdi, (%rsp)
    mov     %rcx, 0x08(%rdi)
    mov     %rdx, 0x10(%rdi)
    mov     %rbx, 0x18(%rdi)
    mov     %rbp, 0x28(%rdi)
    mov     %rsi, 0x30(%rdi)
    mov     %r8, 0x40(%rdi)
    mov     %r9, 0x48(%rdi)
    mov     %r10, 0x50(%rdi)
    mov     %r11, 0x58(%rdi)
    mov     %r12, 0x60(%rdi)
    mov     %r13, 0x68(%rdi)
    mov     %r14, 0x70(%rdi)
    mov     %r15, 0x78(%rdi)
    pop     %rax /* guest rdi */
    mov     %rax, 0x38(%rdi)
    pop     %rax
    vmload  %rax
    stgi
    /* nothing of the guest's stays in registers */
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %esi, %esi
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret
    .section .note.GNU-stack, "", @progbits
