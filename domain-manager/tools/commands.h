/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands; each returns the process's exit code. */
#ifndef QVM_COMMANDS_H
#define QVM_COMMANDS_H

int cmd_ls(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_clone(int argc, char **argv);
int cmd_remove(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_shutdown(int argc, char **argv);
int cmd_power(int argc, char **argv); /* kill, pause, unpause by name */
int cmd_run(int argc, char **argv);
int cmd_prefs(int argc, char **argv);
int cmd_system_prefs(int argc, char **argv);
int cmd_features(int argc, char **argv);
int cmd_service(int argc, char **argv);
int cmd_tags(int argc, char **argv);
int cmd_volume(int argc, char **argv);
int cmd_device(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_appmenus(int argc, char **argv);
int cmd_template(int argc, char **argv);
int cmd_notes(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_backup_restore(int argc, char **argv);
int cmd_firewall(int argc, char **argv);
int cmd_label(int argc, char **argv);
int cmd_pool(int argc, char **argv);

#endif
