/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qubesdb.h"

int main(int argc, char **argv)
{
    return qubesdb_main(argc, argv);
}
