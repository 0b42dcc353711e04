/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host exception and interrupt entry: one stub a vector, a full frame, one C function. */
    .section .text
    .altmacro
    .macro  STUB n
    .align 16
    .if !(\n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21 || \n == 29 || \n == 30)
    push    $0
    .endif
    push    $\n
    jmp     trap_common
    .endm

    .align 16
    .globl trap_stubs
trap_stubs:
    .set    i, 0
    .rept   256
    STUB    %i
    .set    i, i + 1
    .endr

trap_common:
    cld
    push    %rax
    push    %rcx
    push    %rdx
    push    %rbx
    push    %rbp
    push    %rsi
    push    %rdi
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, %rdi
    mov     %rsp, %rbp
    and     $-16, %rsp
    call    trap_dispatch
    mov     %rbp, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdi
    pop     %rsi
    pop     %rbp
    pop     %rbx
    pop     %rdx
    pop     %rcx
    pop     %rax
    add     $16, %rsp
    iretq
    .section .note.GNU-stack, "", @progbits
