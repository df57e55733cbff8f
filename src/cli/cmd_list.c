/* nasweep list: the architectures of a space, or the proxies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "cli/args.h"
#include "cli/emit.h"
#include "guest/guests.h"
#include "guest/keeper.h"
#include "guest/protocol.h"
#include "nasweep/proxy.h"
#include "nasweep/space.h"

enum { COLUMNS_MOST = 64 };

/* One architecture, with what its columns ask for. */
struct row {
  const struct nsw_space *space;
  struct nsw_macro macro;
  uint32_t index;
  struct nsw_graph cell;
  struct nsw_space_counter counter;
  int ops[NSW_OPS]; /* number of each operation in the cell */
  uint64_t params, macs;
  struct nsw_arch *arch; /* room for a description, where lines for workers are printed */
};

/* What is made once for all columns of a row that look at it. */
enum { CELL = 1, COUNTS = 2 };

/* A column: writes its value of a row. */
struct column {
  const char *name;
  void (*write)(const struct row *row, struct nsw_emit *emit);
  unsigned asks; /* CELL, COUNTS */
};

static void write_index(const struct row *r, struct nsw_emit *e) { nsw_emit_integer(e, r->index); }
static void write_class(const struct row *r, struct nsw_emit *e) {
  nsw_emit_integer(e, nsw_space_class(r->space, r->index));
}
static void write_params(const struct row *r, struct nsw_emit *e) { nsw_emit_integer(e, r->params); }
static void write_macs(const struct row *r, struct nsw_emit *e) { nsw_emit_integer(e, r->macs); }
static void write_id(const struct row *r, struct nsw_emit *e) {
  char id[256];
  nsw_space_id(r->space, r->index, id);
  nsw_emit_text(e, id);
}
static void write_path(const struct row *r, struct nsw_emit *e) { nsw_emit_integer(e, nsw_graph_has_path(&r->cell)); }
static void write_edges(const struct row *r, struct nsw_emit *e) { nsw_emit_integer(e, r->cell.edges); }
static void write_conv3(const struct row *r, struct nsw_emit *e) {
  nsw_emit_integer(e, (uint64_t)r->ops[NSW_OP_CONV3]);
}
static void write_conv1(const struct row *r, struct nsw_emit *e) {
  nsw_emit_integer(e, (uint64_t)r->ops[NSW_OP_CONV1]);
}
static void write_pool3(const struct row *r, struct nsw_emit *e) {
  nsw_emit_integer(e, (uint64_t)(r->ops[NSW_OP_AVGPOOL3] + r->ops[NSW_OP_MAXPOOL3]));
}

static const struct column columns[] = {{"index", write_index, 0},        {"id", write_id, 0},
                                        {"params", write_params, COUNTS}, {"macs", write_macs, COUNTS},
                                        {"class", write_class, 0},        {"path", write_path, CELL},
                                        {"edges", write_edges, CELL},     {"conv3", write_conv3, CELL},
                                        {"conv1", write_conv1, CELL},     {"pool3", write_pool3, CELL}};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* What to print: of every column either `column` or `text` is there, a spelling that the space has. */
struct plan {
  const struct column *column[COLUMNS_MOST];
  const struct nsw_space_text *text[COLUMNS_MOST];
  const char *name[COLUMNS_MOST];
  size_t count;
  unsigned asks; /* of all columns together */
  bool lines;    /* lines for workers instead */
};

static int unknown_column(const struct nsw_space_kind *kind, const char *word, struct nsw_error *err) {
  const char *known[COLUMNS + COLUMNS_MOST];
  char list[512] = "", quoted[NSW_QUOTE_SIZE];
  size_t n = 0;
  for (size_t i = 0; i < COLUMNS; i++) known[n++] = columns[i].name;
  for (const struct nsw_space_text *t = kind->texts; t && t->name; t++) known[n++] = t->name;
  for (size_t i = 0; i < n; i++) strcat(strcat(list, i ? ", " : ""), known[i]);
  const char *near = nsw_nearest(word, known, n);
  if (near) return nsw_usage(err, "list: unknown column '%s'; did you mean '%s'?", nsw_quote(quoted, word), near);
  return nsw_usage(err, "list: %s has no column '%s'; known: %s", kind->name, nsw_quote(quoted, word), list);
}

static int add_column(struct plan *plan, const struct nsw_space_kind *kind, const char *name, struct nsw_error *err) {
  const struct column *column = NULL;
  const struct nsw_space_text *text = kind->texts;
  for (size_t j = 0; j < COLUMNS; j++)
    if (!strcmp(columns[j].name, name)) column = &columns[j];
  while (text && text->name && strcmp(text->name, name)) text++;
  if (text && !text->name) text = NULL;
  if (!column && !text) return unknown_column(kind, name, err);
  plan->column[plan->count] = column;
  plan->text[plan->count] = column ? NULL : text;
  plan->name[plan->count++] = column ? column->name : text->name;
  if (column) plan->asks |= column->asks;
  return NSW_OK;
}

static int make_plan(const struct nsw_args *args, const struct nsw_space_kind *kind, struct plan *plan,
                     struct nsw_error *err) {
  struct nsw_list list;
  int status = nsw_args_list(args, "columns", &list, err);
  if (!status && list.count > COLUMNS_MOST) status = nsw_usage(err, "list: more than %d columns", COLUMNS_MOST);
  for (size_t i = 0; !status && i < list.count; i++) status = add_column(plan, kind, list.item[i], err);
  nsw_list_free(&list);
  return status;
}

static bool wants_id(const struct plan *plan) {
  for (size_t i = 0; i < plan->count; i++)
    if (plan->column[i] && plan->column[i]->write == write_id) return true;
  return false;
}

static void write_text(const struct row *row, const struct nsw_space_text *text, struct nsw_emit *emit) {
  char spelled[NSW_SPACE_TEXT];
  if (!nsw_space_text(row->space, text->name, row->index, spelled)) return; /* it has: the plan is of this space */
  if (text->number)
    nsw_emit_integer(emit, strtoull(spelled, NULL, 10));
  else
    nsw_emit_text(emit, spelled);
}

/* Without an emitter, the line that a worker would get. */
static void print_row(const struct plan *plan, struct row *row, struct nsw_emit *emit) {
  if (!emit) {
    struct nsw_asking asking = {.space = row->space, .macro = row->macro};
    nsw_ask_write(stdout, &asking, row->index, row->arch);
    return;
  }
  if (plan->asks & COUNTS)
    nsw_space_counter_next(&row->counter, row->space, row->index, &row->macro, &row->params, &row->macs);
  if (plan->asks & CELL) {
    nsw_space_graph(row->space, row->index, &row->cell);
    nsw_graph_count_ops(&row->cell, row->ops);
  }
  for (size_t i = 0; i < plan->count; i++)
    if (plan->column[i])
      plan->column[i]->write(row, emit);
    else
      write_text(row, plan->text[i], emit);
}

/* All keys of the space, where an architecture is named by its key, or many ids are printed. */
static int prepare_keys(const struct nsw_args *args, struct nsw_space *space, bool ids, uint64_t rows,
                        struct nsw_error *err) {
  bool all = ids && rows > NSW_FEW_IDS;
  for (size_t i = 0; i < nsw_args_count(args, "arch"); i++)
    all = all || nsw_space_is_key(space, nsw_args_value(args, "arch", i));
  return all ? nsw_space_make_keys(space, err) : NSW_OK;
}

static int print_rows(const struct nsw_args *args, struct nsw_space *space, const struct plan *plan,
                      struct nsw_error *err) {
  struct nsw_arch arch;
  struct row row = {.space = space, .arch = &arch};
  struct nsw_emit *emit = NULL;
  uint64_t first, end;
  int64_t classes, resolution;
  size_t wanted = nsw_args_count(args, "arch");
  if (wanted && nsw_args_given(args, "range")) return nsw_usage(err, "list: --arch or --range, not both");
  int status = nsw_args_range(args, "range", nsw_space_count(space), &first, &end, err);
  if (!status) status = nsw_args_integer(args, "classes", 1, 1000000, &classes, err);
  if (!status) status = nsw_args_integer(args, "resolution", 4, 4096, &resolution, err);
  if (!status) status = prepare_keys(args, space, plan->lines || wants_id(plan), wanted ? wanted : end - first, err);
  if (status) return status;
  row.macro = nsw_space_macro(space, (struct nsw_macro){.classes = (int)classes, .resolution = (int)resolution});
  uint32_t *found = wanted ? calloc(wanted, sizeof *found) : NULL;
  if (wanted && !found) return nsw_no_memory(err, "%zu architectures", wanted);
  for (size_t i = 0; !status && i < wanted; i++)
    status = nsw_space_find(space, nsw_args_value(args, "arch", i), &found[i], err);
  if (!status && !plan->lines)
    status = nsw_emit_begin(stdout, nsw_args_text(args, "format"), plan->name, plan->count,
                            !nsw_args_flag(args, "no-header"), &emit, err);
  for (size_t i = 0; !status && i < wanted; i++) {
    row.index = found[i];
    print_row(plan, &row, emit);
  }
  for (uint64_t i = first; !status && !wanted && i < end; i++) {
    row.index = (uint32_t)i;
    print_row(plan, &row, emit);
  }
  free(found);
  return !status && emit ? nsw_emit_end(&emit, err) : status;
}

static const char *needs_text(unsigned needs, char text[64]) {
  snprintf(text, 64, "%s%s%s", needs & NSW_NEEDS_NETWORK ? "network" : "topology",
           needs & NSW_NEEDS_DATA ? "+data" : "", needs & NSW_NEEDS_SEED ? "+seed" : "");
  return text;
}

/* "key=default" of every option of a proxy, joined by blanks. */
static void options_text(const struct nsw_proxy *proxy, char *text, size_t size) {
  size_t n = 0;
  *text = '\0';
  for (int i = 0; i < nsw_proxy_options(proxy) && n < size; i++)
    n += (size_t)snprintf(text + n, size - n, "%s%s=%s", i ? " " : "", proxy->options[i].key, proxy->options[i].value);
}

static void list_proxy(const struct nsw_proxy *proxy, struct nsw_emit *emit) {
  char needs[64], options[1024];
  options_text(proxy, options, sizeof options);
  for (const struct nsw_proxy_column *c = proxy->columns; c->name; c++) {
    nsw_emit_text(emit, c->name);
    nsw_emit_text(emit, proxy->group);
    nsw_emit_text(emit, c->direction < 0 ? "-1" : "+1");
    nsw_emit_text(emit, needs_text(proxy->needs, needs));
    nsw_emit_text(emit, c->long_name);
    nsw_emit_text(emit, options);
    nsw_emit_text(emit, proxy->source ? proxy->source : "");
    nsw_emit_text(emit, proxy->note ? proxy->note : "");
  }
}

/* The built-in ones, and those of workers and plugins. */
static int list_proxies(const struct nsw_args *args, struct nsw_error *err) {
  static const char *const names[] = {"proxy", "group", "direction", "needs", "long_name", "options", "source", "note"};
  struct nsw_emit *emit;
  struct nsw_guests guests = {.workers = 0};
  struct nsw_guests_wish wish = {.terms = {.timeout = 600, .retries = 1, .rank = -1}};
  const struct nsw_proxy *proxy;
  const char **worker = NULL, **plugin = NULL;
  int status = nsw_args_values(args, "worker", &worker, &wish.workers, err);
  if (!status) status = nsw_args_values(args, "plugin", &plugin, &wish.plugins, err);
  wish.worker = worker;
  wish.plugin = plugin;
  if (wish.workers) nsw_keeper_start();
  if (!status) status = nsw_guests_open(&wish, &guests, err);
  if (!status)
    status = nsw_emit_begin(stdout, nsw_args_text(args, "format"), names, sizeof names / sizeof *names,
                            !nsw_args_flag(args, "no-header"), &emit, err);
  for (size_t i = 0; !status && (proxy = nsw_registry_at(&guests.registry, i)); i++) list_proxy(proxy, emit);
  nsw_guests_close(&guests);
  nsw_keeper_stop();
  free(worker);
  free(plugin);
  return !status ? nsw_emit_end(&emit, err) : status;
}

static int missing_space(struct nsw_error *err) {
  char list[256] = "";
  size_t n = 0;
  for (int i = 0; nsw_space_kinds[i] && n < sizeof list; i++)
    n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", nsw_space_kinds[i]->name);
  return nsw_usage(err, "list: SPACE missing (or --proxies); spaces are %s", list);
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *name = nsw_args_operand(args, 0);
  struct nsw_space *space = NULL;
  struct plan plan = {.count = 0};
  if (nsw_args_flag(args, "proxies")) return list_proxies(args, err);
  if (!name) return missing_space(err);
  int status = nsw_space_open(name, &space, err);
  plan.lines = !strcmp(nsw_args_text(args, "format"), "worker");
  if (!status) status = make_plan(args, nsw_space_kind(space), &plan, err);
  if (!status) status = print_rows(args, space, &plan, err);
  nsw_space_close(&space);
  return status;
}

static const struct nsw_option options[] = {
    {.name = "columns",
     .argument = "LIST",
     .value = "index,id,params,macs,class",
     .help = "columns in this order; also path (1: input and output are connected), edges, conv3, conv1, pool3 (their "
             "numbers in the cell), and suite_zero (nb101, nb201); nb101 also vertices, adjacency, ops",
     .repeatable = true},
    {.name = "range", .argument = "A:B", .help = "indexes A to B, B not included"},
    {.name = "arch",
     .argument = "ID",
     .help = "only this architecture: an index, an id, or for nb101 \"ADJACENCY OPS\", which is pruned and brought to "
             "its class",
     .repeatable = true},
    {.name = "format",
     .argument = "csv|json|worker",
     .value = "csv",
     .help = "how to print; worker: the lines that `nasweep score --worker` would write, for trying one out"},
    {.name = "no-header", .help = "csv without the line of names"},
    {.name = "classes", .argument = "N", .value = "10", .help = "outputs of the classifier, for params and macs"},
    {.name = "resolution", .argument = "N", .value = "32", .help = "height and width of the image in pixels, for macs"},
    {.name = "proxies", .help = "the proxies instead: group, direction, needs, options with defaults, source"},
    {.name = "plugin",
     .argument = "FILE.so",
     .help = "with --proxies: load this plugin and list its proxies too",
     .repeatable = true},
    {.name = "worker",
     .argument = "NAME=COMMAND",
     .help = "with --proxies: start this worker and list its columns too",
     .repeatable = true},
    {0}};

const struct nsw_command nsw_cmd_list = {
    .name = "list",
    .operands = "SPACE",
    .summary = "prints the architectures of a space, one a line, or the proxies",
    .text =
        "Indexes are the official ones: nb201's and sss's are the benchmark's, nb101's the position in the published enumeration. id is "
        "the architecture string (nb201), the module hash (nb101) or the widths (sss). class is the index of the first architecture "
        "that computes the same function. params are trainable parameters of the whole network; macs the "
        "multiply-adds of its convolutions and classifier for one image.\n\nExamples:\n"
        "  nasweep list nb201 --range 0:3\n"
        "  nasweep list nb101 --columns index,id,adjacency,ops --format json > nb101.json\n"
        "  nasweep list nb101 --arch '0110|0001|0001|0000 input,conv3x3,maxpool3x3,output'\n"
        "  nasweep list --proxies",
    .options = options,
    .max_operands = 1,
    .run = run,
};
