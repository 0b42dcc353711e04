/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of a window at work: it is painted, moves and resizes the window, and has buttons. */
#ifndef DECORATION_H
#define DECORATION_H

struct toplevel;

/* Serve the frame of toplevel->gtk, which has just been made. */
void decoration_connect(struct toplevel *toplevel);

#endif
