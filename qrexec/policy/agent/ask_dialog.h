/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The question to the user. Made so that nobody answers it by accident: nothing is chosen but by the policy's
 * own default, nothing is the default button, and "Allow" only wakes half a second after the window got the
 * focus, and sleeps again when it loses it. A click or key meant for another window cannot allow anything.
 */
#ifndef QREXEC_POLICY_ASK_DIALOG_H
#define QREXEC_POLICY_ASK_DIALOG_H

#include "agent_message.h"

#include <gtk/gtk.h>

#define ASK_DIALOG_WAIT_MS 500

struct ask_dialog;

/* `target` is the chosen name, NULL if the user denies. `all`: deny whatever else this source asks now. */
typedef void (*ask_dialog_done_fn)(void *data, const char *target, bool all);

/*
 * Show `message`, which must live until `done` was called, once. `waiting` further questions of the same
 * source are open.
 */
struct ask_dialog *ask_dialog_new(const struct agent_message *message, size_t waiting,
                                  ask_dialog_done_fn done, void *data);
/* Take it away without an answer; or after one. */
void ask_dialog_free(struct ask_dialog *dialog);

/* For tests. */
GtkWindow *ask_dialog_window(struct ask_dialog *dialog);
GtkWidget *ask_dialog_allow_button(struct ask_dialog *dialog);
GtkWidget *ask_dialog_search(struct ask_dialog *dialog);
GtkListBox *ask_dialog_list(struct ask_dialog *dialog);

#endif
