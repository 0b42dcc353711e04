/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backing pixmaps of redirected windows in granted pages: wraps the screen's CreatePixmap and DestroyPixmap.
 * Works on top of any driver whose pixmaps are plain memory (dummy). Other pixmaps stay as they are.
 */
#ifndef GRANTED_PIXMAP_H
#define GRANTED_PIXMAP_H

#include <xorg-server.h>
#include <pixmapstr.h>
#include <scrnintstr.h>

#include "shmbuf.h"

/* Begin, for the running generation of the server; domain `peer` may map the pages. False: there is no
 * granting here. */
Bool granted_pixmap_init(int peer);

/* The pixmap's buffer, or NULL if it is an ordinary one. */
const struct shmbuf *granted_pixmap_buffer(PixmapPtr pixmap);

#endif
