/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Glyphs ' ' to '~' of an 8x16 console font, which the build takes from a Debian package (module.mk). */
    .section .rodata
    .globl font_glyphs
font_glyphs:
    .incbin "font.bin"
    .section .note.GNU-stack, "", @progbits
