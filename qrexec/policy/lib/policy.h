/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qrexec policy: reading it, and deciding one call by it. docs/policy.md tells the rules.
 *
 * Nothing here touches files: policy_load() gets at them through a struct policy_loader (policy_loader_files
 * is the one for real directories), so the same code runs in the daemon, in tests and in the fuzzer. A loaded
 * policy is read-only; decisions on it may run in parallel.
 */
#ifndef QREXEC_POLICY_H
#define QREXEC_POLICY_H

#include "system_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_DIR_RUNTIME "/run/qubes/policy.d"
#define POLICY_DIR_ETC     "/etc/qubes/policy.d"
#define POLICY_DIR_LEGACY  "/etc/qubes-rpc/policy"
#define POLICY_SUFFIX      ".policy"

/* ---- access to files ---- */

enum policy_path_kind { POLICY_PATH_NONE, POLICY_PATH_FILE, POLICY_PATH_DIR };

/* Called for each entry of a directory, "." and ".." left out. */
typedef void (*policy_entry_fn)(void *data, const char *name);

struct policy_loader {
    void *context;
    /* What a path is, symlinks followed. */
    enum policy_path_kind (*kind)(void *context, const char *path);
    /* 0, or a negative errno. */
    int (*list)(void *context, const char *path, policy_entry_fn entry, void *data);
    /* The whole content, to be freed by free(); 0, or a negative errno. */
    int (*read)(void *context, const char *path, char **content, size_t *len);
};

extern const struct policy_loader policy_loader_files;

/* ---- a policy ---- */

enum policy_error_kind { POLICY_ERROR_NONE, POLICY_ERROR_SYNTAX, POLICY_ERROR_LOAD };

/* Where and why reading failed. Line and column count from 1; 0 is "the file as a whole". */
struct policy_error {
    enum policy_error_kind kind;
    unsigned line, column;
    char file[512];
    char reason[256];
};

/* "FILE:LINE:COLUMN: REASON", without what is unknown. */
void policy_error_format(const struct policy_error *error, char *text, size_t size);

struct policy_sources {
    const char *const *dirs; /* a file in an earlier directory hides its namesake in later ones */
    size_t dir_count;
    const char *legacy_dir; /* what !compat-4.0 reads; NULL: POLICY_DIR_LEGACY */
};

/* Read all directories into one policy. NULL, and `error` filled, if anything at all is wrong with it. */
struct policy *policy_load(const struct policy_loader *loader, const struct policy_sources *sources,
                           struct policy_error *error);
/* Read one text as if it were a file of that path in a policy directory (for lint, tests and fuzzing). */
struct policy *policy_load_text(const struct policy_loader *loader, const char *path, const char *text,
                                size_t len, const char *legacy_dir, struct policy_error *error);
void policy_free(struct policy *policy);

typedef void (*policy_report_fn)(void *data, const struct policy_error *error);
/*
 * Check each line of a text by itself, without looking at what it includes; `old_format` is that of
 * !include-service. All errors are reported; their number is returned.
 */
size_t policy_lint(const char *path, const char *text, size_t len, bool old_format, policy_report_fn report,
                   void *data);

enum policy_token_kind {
    POLICY_TOKEN_NAME,       /* a domain's name, or uuid:… */
    POLICY_TOKEN_ANY,        /* * */
    POLICY_TOKEN_ANYVM,      /* @anyvm */
    POLICY_TOKEN_ADMINVM,    /* @adminvm */
    POLICY_TOKEN_DEFAULT,    /* @default */
    POLICY_TOKEN_DISPVM,     /* @dispvm */
    POLICY_TOKEN_DISPVM_OF,  /* @dispvm:NAME */
    POLICY_TOKEN_DISPVM_TAG, /* @dispvm:@tag:TAG */
    POLICY_TOKEN_TAG,        /* @tag:TAG */
    POLICY_TOKEN_TYPE,       /* @type:CLASS */
    POLICY_TOKEN_KINDS
};

enum policy_action { POLICY_DENY, POLICY_ALLOW, POLICY_ASK };
extern const char *const policy_action_names[];

/* Symbols (numbers of texts in the policy's table); POLICY_NONE is `*` or "not given". */
struct policy_rule {
    uint32_t service, argument;        /* POLICY_NONE: * */
    uint32_t source, target;           /* tokens */
    uint32_t redirect, default_target; /* tokens of target= and default_target=; POLICY_NONE: not given */
    const char *user;                  /* NULL: not given */
    uint32_t file;                     /* for policy_file() */
    uint32_t line;                     /* 0: implied by an old-format file */
    uint8_t action;                    /* enum policy_action */
    bool notify, autostart;
};

size_t policy_rule_count(const struct policy *policy);
const struct policy_rule *policy_rule_at(const struct policy *policy, size_t index);
const char *policy_file(const struct policy *policy, uint32_t file);
/* The text of a symbol, of a token only what follows its prefix; "*" for POLICY_NONE. */
const char *policy_text(const struct policy *policy, uint32_t symbol);
enum policy_token_kind policy_token_kind(const struct policy *policy, uint32_t token);
/* The whole token as written, "@dispvm:work". */
const char *policy_token_text(const struct policy *policy, uint32_t token);
/* The rule in policy syntax. */
void policy_rule_format(const struct policy *policy, const struct policy_rule *rule, char *text, size_t size);
/* Every file and directory that reading looked at (what to watch for changes); NULL after the last. */
const char *policy_input(const struct policy *policy, size_t index);

/* ---- a decision ---- */

struct policy_request {
    const char *service;  /* without argument */
    size_t service_len;   /* so that "service+argument" needs no copy */
    const char *argument; /* with its "+" */
    const char *source;
    const char *target;           /* as asked for; "" is @default */
    const char *requested_source; /* the RemoteVM spoken for; NULL or "": none */
};

/* Fill in service and argument from SERVICE or SERVICE+ARGUMENT (kept by reference). */
void policy_request_set_service(struct policy_request *request, const char *service_and_argument);

/* Why a call is denied. */
enum policy_failure {
    POLICY_FAILURE_NONE,
    POLICY_FAILURE_REQUEST, /* the request is not a legal one */
    POLICY_FAILURE_DENIED,  /* the policy says no, or what it says cannot be done */
};

/* Texts belong to the policy, the system info and the request: they must outlive the decision. */
struct policy_decision {
    enum policy_action action;
    enum policy_failure failure;
    const struct policy_rule *rule; /* the rule that decided; NULL: none */
    const char *source;             /* who calls: the RemoteVM if one was spoken for */
    const char *requested_target;   /* normalised: an unknown domain is @default */
    const char *target;             /* allow: NAME, uuid:…, dom0 or @dispvm:NAME */
    const char *user;               /* allow, ask: user=, or NULL */
    const char *default_target;     /* ask: one of `targets`, or NULL */
    const char **targets;           /* ask: what there is to choose from, sorted */
    size_t target_count;
    const struct system_info_vm *relayed; /* allow: the RemoteVM behind its relay; NULL: a local target */
    bool notify, autostart;
    char reason[320]; /* deny: for a person */
};

/* Decide. Always gives an answer; policy_decision_clear() frees the list of targets. */
void policy_decide(const struct policy *policy, const struct system_info *info,
                   const struct policy_request *request, struct policy_decision *decision);
void policy_decision_clear(struct policy_decision *decision);
/*
 * The user chose `target` for an ask: turn the decision into allow, or into deny if that was no choice or
 * cannot be done.
 */
void policy_decision_choose(const struct policy *policy, const struct system_info *info,
                            struct policy_decision *decision, const char *target);

/* ---- explanations (not fast) ---- */

/* The first column of a rule that does not match. */
enum policy_mismatch {
    POLICY_MATCHES,
    POLICY_MISMATCH_SERVICE,
    POLICY_MISMATCH_ARGUMENT,
    POLICY_MISMATCH_SOURCE,
    POLICY_MISMATCH_TARGET,
};
/* Compare one rule with a request that was decided. */
enum policy_mismatch policy_rule_check(const struct policy *policy, const struct system_info *info,
                                       const struct policy_request *request,
                                       const struct policy_decision *decision,
                                       const struct policy_rule *rule);
/* The rule by which `target` is in the ask list of `decision`; NULL if it is the rule's own target=. */
const struct policy_rule *policy_ask_origin(const struct policy *policy, const struct system_info *info,
                                            const struct policy_request *request,
                                            const struct policy_decision *decision, const char *target);

#endif
