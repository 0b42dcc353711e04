/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * _Noreturn void svm_loop(void)
 * The rest of a CPU's life: svm_turn(v) handles the last exit of vCPU v (NULL: none yet), does all work and names
 * the vCPU to enter; then load its registers, run it until #VMEXIT, store them. GIF is clear in between, and
 * interrupts are enabled (RFLAGS.IF) around VMRUN only, so a pending one makes the guest exit at once (APM vol. 2
 * §15.5, §15.17).
 *
 * Nothing returns over a VMRUN: each RET that is executed after an exit belongs to a CALL after that exit, so the
 * return predictions that the guest left behind are never used.
 */
    .section .text
    .globl svm_loop
    .align 16
svm_loop:
    push    %gs:8 /* host VMCB */
    push    $0
    xor     %edi, %edi
    xor     %ebp, %ebp /* backtraces end here */
1:  call    svm_turn
    mov     %rax, (%rsp)
    mov     %rax, %rdi
    mov     0x80(%rdi), %rax /* its VMCB */
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
    mov     (%rsp), %rax /* the vCPU: its registers come first */
    mov     %rcx, 0x08(%rax)
    mov     %rdx, 0x10(%rax)
    mov     %rbx, 0x18(%rax)
    mov     %rbp, 0x28(%rax)
    mov     %rsi, 0x30(%rax)
    mov     %rdi, 0x38(%rax)
    mov     %r8, 0x40(%rax)
    mov     %r9, 0x48(%rax)
    mov     %r10, 0x50(%rax)
    mov     %r11, 0x58(%rax)
    mov     %r12, 0x60(%rax)
    mov     %r13, 0x68(%rax)
    mov     %r14, 0x70(%rax)
    mov     %r15, 0x78(%rax)
    mov     %rax, %rdi
    mov     0x08(%rsp), %rax
    vmload  %rax
    stgi
    /* nothing of the guest's stays in registers */
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %ebx, %ebx
    xor     %ebp, %ebp
    xor     %esi, %esi
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    xor     %r12d, %r12d
    xor     %r13d, %r13d
    xor     %r14d, %r14d
    xor     %r15d, %r15d
    jmp     1b
    .section .note.GNU-stack, "", @progbits
