/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qvm-ls: the manager answers the wanted columns of all domains at once; filters and layout are done here. */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "commands.h"
#include "tool.h"

#define COLUMNS 64
#define FILTERS 16

static const struct {
    const char *name, *columns;
} formats[] = {
    {"simple", "name,state,class,label,template,netvm"},
    {"network", "name,state,netvm,ip,gateway"},
    {"kernel", "name,state,class,template,kernel,kernelopts"},
    {"full", "name,state,class,label,qid,xid,uuid"},
    {"disk", "name,state,disk,priv-used,priv-curr,priv-max,root-used,root-curr,root-max"},
    {"prefs", "name,label,template,memory,vcpus,netvm"},
    {"perms", "name,state,guivm,audiovm,default_dispvm"},
};

struct filter {
    const char *column;
    const char *value;
    bool list; /* value must be one of the comma-separated words */
};

struct ls {
    char columns[1024]; /* shown ones */
    char all[2048];     /* with those that filters and layout need */
    struct filter filters[FILTERS];
    size_t n_filters, n_shown;
    bool raw_list, raw_data, tree, reverse;
    bool running, paused, halted; /* only these states */
    char internal;                /* y, n, b */
    const char *sort;
    struct names exclude, only;
};

struct row {
    char *cell[COLUMNS];
    int depth; /* --tree */
    bool done;
};

struct table {
    char *names[COLUMNS];
    size_t n_columns, n_rows;
    struct row *rows;
    char *head;
};

static int column_of(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->names[i], name) == 0)
            return (int)i;
    return -1;
}

static const char *cell(const struct table *t, const struct row *r, const char *column)
{
    int i = column_of(t, column);
    return i >= 0 ? r->cell[i] : "-";
}

static void need(struct ls *ls, const char *column)
{
    size_t used = strlen(ls->all);
    snprintf(ls->all + used, sizeof ls->all - used, "%s%s", used ? "," : "", column);
}

static void add_filter(struct ls *ls, const char *column, const char *value, bool list)
{
    if (ls->n_filters < FILTERS)
        ls->filters[ls->n_filters++] = (struct filter){column, value, list};
}

static bool word_in(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ',') && (p[n] == 0 || p[n] == ','))
            return true;
    return false;
}

static bool any_state(const struct ls *ls)
{
    return ls->running || ls->paused || ls->halted;
}

static bool state_matches(const struct ls *ls, const char *state)
{
    return !any_state(ls) || (ls->running && strcmp(state, "Running") == 0) ||
           (ls->paused && strcmp(state, "Paused") == 0) ||
           (ls->halted && (strcmp(state, "Halted") == 0 || strcmp(state, "Crashed") == 0));
}

static bool row_matches(const struct ls *ls, const struct table *t, const struct row *r)
{
    const char *name = cell(t, r, "name");
    bool internal = strcmp(cell(t, r, "feature:internal"), "-") != 0;
    if ((ls->only.n && !names_have(&ls->only, name)) || names_have(&ls->exclude, name))
        return false;
    if (ls->internal != 'b' && internal != (ls->internal == 'y'))
        return false;
    for (size_t i = 0; i < ls->n_filters; i++) {
        const struct filter *f = &ls->filters[i];
        const char *have = cell(t, r, f->column);
        if (f->list ? !word_in(have, f->value) : strcmp(have, f->value) != 0)
            return false;
    }
    return state_matches(ls, cell(t, r, "state"));
}

static void split(char *line, char separator, char **to, size_t *n)
{
    const char stop[2] = {separator, 0};
    *n = 0;
    for (char *p; *n < COLUMNS && (p = strsep(&line, stop));)
        to[(*n)++] = p;
}

static bool table_parse(struct table *t, const struct ls *ls, char *text)
{
    size_t lines = 0;
    t->head = strdup(ls->all);
    split(t->head, ',', t->names, &t->n_columns);
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    t->rows = calloc(lines + 1, sizeof *t->rows);
    for (char *line; t->rows && (line = next_line(&text));) {
        struct row *r = &t->rows[t->n_rows];
        size_t n = 0;
        split(line, '\t', r->cell, &n);
        if (n == t->n_columns && row_matches(ls, t, r))
            t->n_rows++;
    }
    return t->rows != NULL;
}

static int sort_column;

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return strcasecmp(x->cell[sort_column], y->cell[sort_column]);
}

/* Put each domain behind its netvm, deeper by one. */
static void tree_place(struct table *t, struct row *out, size_t *n, const char *parent, int depth)
{
    for (size_t i = 0; i < t->n_rows && depth < 16; i++) {
        struct row *r = &t->rows[i];
        const char *netvm = cell(t, r, "netvm");
        bool top = strcmp(netvm, "-") == 0;
        for (size_t j = 0; !top && j < t->n_rows; j++)
            if (strcmp(cell(t, &t->rows[j], "name"), netvm) == 0)
                break;
            else if (j + 1 == t->n_rows)
                top = true; /* its netvm is filtered out */
        if (r->done || (parent ? strcmp(netvm, parent) != 0 : !top))
            continue;
        r->done = true;
        r->depth = depth;
        size_t self = (*n)++;
        out[self] = *r;
        tree_place(t, out, n, cell(t, &out[self], "name"), depth + 1);
    }
}

static void order(const struct ls *ls, struct table *t)
{
    sort_column = ls->sort ? column_of(t, ls->sort) : -1;
    if (sort_column >= 0)
        qsort(t->rows, t->n_rows, sizeof *t->rows, compare_rows);
    for (size_t i = 0; ls->reverse && i < t->n_rows / 2; i++) {
        struct row swap = t->rows[i];
        t->rows[i] = t->rows[t->n_rows - 1 - i];
        t->rows[t->n_rows - 1 - i] = swap;
    }
    struct row *out = ls->tree ? calloc(t->n_rows + 1, sizeof *out) : NULL;
    size_t n = 0;
    if (!out)
        return;
    tree_place(t, out, &n, NULL, 0);
    free(t->rows);
    t->rows = out;
    t->n_rows = n;
}

static void print_header_cell(const char *name, int width, bool last)
{
    char text[64];
    size_t i = 0;
    for (; name[i] && i + 1 < sizeof text; i++)
        text[i] = name[i] == '_' ? '-' : (char)toupper((unsigned char)name[i]);
    text[i] = 0;
    if (last)
        fputs(text, stdout);
    else
        printf("%-*s  ", width, text);
}

static void print_name(const struct row *r, int width)
{
    int indent = r->depth * 2;
    printf("%*s%s%-*s  ", indent > 2 ? indent - 2 : 0, "", r->depth ? "└─" : "", width - indent, r->cell[0]);
}

static void print_table(const struct ls *ls, const struct table *t)
{
    int width[COLUMNS] = {0};
    for (size_t c = 0; c < ls->n_shown; c++) {
        width[c] = (int)strlen(t->names[c]);
        for (size_t r = 0; r < t->n_rows; r++) {
            int w = (int)strlen(t->rows[r].cell[c]) + (c == 0 ? t->rows[r].depth * 2 : 0);
            width[c] = w > width[c] ? w : width[c];
        }
    }
    for (size_t c = 0; c < ls->n_shown; c++) {
        if (c + 1 == ls->n_shown)
            print_header_cell(t->names[c], 0, true);
        else
            print_header_cell(t->names[c], width[c], false);
    }
    putchar('\n');
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < ls->n_shown; c++) {
            if (c == 0 && t->rows[r].depth && ls->n_shown > 1)
                print_name(&t->rows[r], width[0]);
            else if (c + 1 == ls->n_shown)
                fputs(t->rows[r].cell[c], stdout);
            else
                printf("%-*s  ", width[c], t->rows[r].cell[c]);
        }
        putchar('\n');
    }
}

static void print_raw(const struct ls *ls, const struct table *t)
{
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t c = 0; c < ls->n_shown; c++)
            printf("%s%c", t->rows[r].cell[c], c + 1 == ls->n_shown ? '\n' : '|');
}

static void lower_columns(struct ls *ls, const char *fields)
{
    size_t i = 0;
    bool keep = false; /* feature:Name keeps its case */
    for (; fields[i] && i + 1 < sizeof ls->columns; i++) {
        keep = fields[i] == ',' ? false : keep || fields[i] == ':';
        ls->columns[i] = keep ? fields[i] : (char)tolower((unsigned char)fields[i]);
    }
    ls->columns[i] = 0;
}

static bool choose_format(struct ls *ls, const char *format)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, format) == 0) {
            snprintf(ls->columns, sizeof ls->columns, "%s", formats[i].columns);
            return true;
        }
    complain("there is no format \"%s\"; formats are simple, network, kernel, full, disk, prefs, perms",
             format);
    return false;
}

/* "NAME=VALUE": filter on column prefix+NAME. */
static bool key_filter(struct ls *ls, const char *prefix, char *text)
{
    char *equals = strchr(text, '='), *column = NULL;
    if (!equals || asprintf(&column, "%s%.*s", prefix, (int)(equals - text), text) < 0)
        return false;
    need(ls, column);
    add_filter(ls, column, equals[1] ? equals + 1 : "-", false);
    return true;
}

/* --class, --label, …: only domains whose column has this value, or lists it. */
static const struct {
    const char *column;
    bool list;
} filter_columns[] = {
    {"class", false}, {"label", false}, {"tags", true}, {"template", false}, {"netvm", false}};
#define FILTER_COLUMNS (sizeof filter_columns / sizeof filter_columns[0])

struct filter_arguments {
    struct names by_column[FILTER_COLUMNS];
    struct names features, prefs;
};

static bool take_filters(struct ls *ls, const struct filter_arguments *f)
{
    for (size_t c = 0; c < FILTER_COLUMNS; c++)
        for (size_t i = 0; i < f->by_column[c].n; i++) {
            need(ls, filter_columns[c].column);
            add_filter(ls, filter_columns[c].column, f->by_column[c].v[i], filter_columns[c].list);
        }
    bool good = true;
    for (size_t i = 0; i < f->features.n; i++)
        good = key_filter(ls, "feature:", f->features.v[i]) && good;
    for (size_t i = 0; i < f->prefs.n; i++)
        good = key_filter(ls, "", f->prefs.v[i]) && good;
    return good;
}

/* Options into ls. False: end with *done. */
static bool parse(struct ls *ls, int argc, char **argv, int *done)
{
    const char *fields = NULL, *format = "simple", *internal = "both";
    struct filter_arguments f = {0};
    const struct tool_option options[] = {{"fields", 'O', TOOL_TEXT, &fields, NULL},
                                          {"format", 'o', TOOL_TEXT, &format, NULL},
                                          {"raw-list", 0, TOOL_FLAG, &ls->raw_list, NULL},
                                          {"raw-data", 0, TOOL_FLAG, &ls->raw_data, NULL},
                                          {"tree", 0, TOOL_FLAG, &ls->tree, NULL},
                                          {"running", 0, TOOL_FLAG, &ls->running, NULL},
                                          {"paused", 0, TOOL_FLAG, &ls->paused, NULL},
                                          {"halted", 0, TOOL_FLAG, &ls->halted, NULL},
                                          {"class", 0, TOOL_NAMES, &f.by_column[0], NULL},
                                          {"label", 0, TOOL_NAMES, &f.by_column[1], NULL},
                                          {"tags", 0, TOOL_NAMES, &f.by_column[2], NULL},
                                          {"template-source", 0, TOOL_NAMES, &f.by_column[3], NULL},
                                          {"netvm-is", 0, TOOL_NAMES, &f.by_column[4], NULL},
                                          {"features", 0, TOOL_NAMES, &f.features, NULL},
                                          {"prefs", 0, TOOL_NAMES, &f.prefs, NULL},
                                          {"internal", 0, TOOL_TEXT, &internal, NULL},
                                          {"sort", 0, TOOL_TEXT, &ls->sort, NULL},
                                          {"reverse", 0, TOOL_FLAG, &ls->reverse, NULL},
                                          {"exclude", 0, TOOL_NAMES, &ls->exclude, NULL},
                                          {"all", 0, TOOL_FLAG, NULL, NULL},
                                          {"spinner", 0, TOOL_FLAG, NULL, NULL},
                                          {"no-spinner", 0, TOOL_FLAG, NULL, NULL},
                                          {0}};
    if (!tool_options(argc, argv, options, false, done))
        return false;
    *done = EXIT_USAGE;
    ls->internal = internal[0];
    if (fields)
        lower_columns(ls, fields);
    else if (!choose_format(ls, format))
        return usage() == 0;
    return take_filters(ls, &f) || usage() == 0;
}

static void gather_columns(struct ls *ls)
{
    char extra[sizeof ls->all];
    static char sort[64];
    snprintf(extra, sizeof extra, "%s", ls->all);
    if (ls->raw_list)
        snprintf(ls->columns, sizeof ls->columns, "name");
    snprintf(ls->all, sizeof ls->all, "%s", ls->columns);
    ls->n_shown = 1;
    for (const char *p = ls->columns; *p; p++)
        ls->n_shown += *p == ',';
    if (extra[0])
        need(ls, extra);
    need(ls, "name");
    need(ls, "state");
    if (ls->internal != 'b')
        need(ls, "feature:internal");
    if (ls->tree)
        need(ls, "netvm");
    for (size_t i = 0; ls->sort && i < sizeof sort - 1 && (i == 0 || ls->sort[i - 1]); i++)
        sort[i] = (char)tolower((unsigned char)ls->sort[i]);
    if (ls->sort)
        need(ls, ls->sort = sort);
}

int cmd_ls(int argc, char **argv)
{
    static struct ls ls;
    struct table t = {0};
    struct answer a;
    int done;
    if (!parse(&ls, argc, argv, &done))
        return done;
    for (int i = optind; i < argc; i++)
        names_add(&ls.only, argv[i]);
    gather_columns(&ls);
    if (!client_call("bulkhead.vm.Table", "", "dom0", ls.all, &a) || !table_parse(&t, &ls, (char *)a.text))
        return 1;
    for (size_t i = 0; i < ls.only.n; i++) {
        bool found = false;
        for (size_t r = 0; r < t.n_rows; r++)
            found = found || strcmp(cell(&t, &t.rows[r], "name"), ls.only.v[i]) == 0;
        if (!found && !ls.n_filters && !any_state(&ls)) {
            complain("there is no domain named \"%s\"", ls.only.v[i]);
            return 1;
        }
    }
    order(&ls, &t);
    if (ls.raw_list || ls.raw_data)
        print_raw(&ls, &t);
    else
        print_table(&ls, &t);
    return 0;
}
