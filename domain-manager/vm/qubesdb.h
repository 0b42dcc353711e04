/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The qubesdb-* commands over xenstore (keys: ../common/guest_store.h). Exit codes: 0, 1 failed or no such
 * key, 2 wrong usage. */
#ifndef QUBESDB_H
#define QUBESDB_H

/* argv[0]'s name chooses the command: qubesdb-read, -list, -multiread, -write, -rm, -watch; qubesdb-cmd takes
 * it from -c. */
int qubesdb_main(int argc, char **argv);

#endif
