/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the other programs are: beside this one (a build folder), else where they are installed. */
#ifndef QREXEC_TOOL_PATH_H
#define QREXEC_TOOL_PATH_H

/** @param installed  absolute path @return path to execute; lives as long as the process */
const char *tool_path(const char *installed);

#endif
