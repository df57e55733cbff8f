/* All searches that are asked for in one space. */
#include "cli/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "cli/search_transfer.h"
#include "study/ensemble.h"

enum { TOP = 3 };

/* What the searches in one space share. */
struct place {
  struct nsw_search_job *job;
  const struct nsw_table *table;
  struct nsw_space *space;
  struct nsw_columns columns;
  const struct nsw_column **score; /* [scores] those asked for */
  size_t scores;
  struct nsw_search_columns use;
  struct nsw_ground ground;
  struct nsw_search_left left;
};

/* ---- scores ---- */

/* Parameters and multiply-adds are in every table, and cheap scores. */
static int add_count(struct nsw_columns *columns, const char *name, const uint64_t *value, size_t rows,
                     struct nsw_error *err) {
  struct nsw_column *column;
  if (nsw_columns_find(columns, name)) return NSW_OK;
  int status = nsw_columns_add(columns, name, &column, err);
  for (size_t i = 0; i < rows && !status; i++) column->value[i] = (double)value[i];
  return status;
}

static int choose_score(struct place *p, const char *name, struct nsw_error *err) {
  const struct nsw_column *column = nsw_columns_find(&p->columns, name);
  char quoted[NSW_QUOTE_SIZE], list[600] = "";
  if (column) {
    p->score[p->scores++] = column;
    return NSW_OK;
  }
  for (size_t c = 0, at = 0; c < p->columns.count && at < sizeof list; c++)
    at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", c ? ", " : "", p->columns.list[c].name);
  return nsw_usage(err, "--proxy %s: no such score; %s has %s", nsw_quote(quoted, name), p->table->space, list);
}

static int choose_scores(struct place *p, struct nsw_error *err) {
  const struct nsw_args *args = p->job->args;
  int status = nsw_columns_make(p->table, &p->columns, err);
  for (size_t s = 0; s < nsw_args_count(args, "score") && !status; s++)
    status = nsw_columns_add_accuracy(&p->columns, p->table, nsw_args_value(args, "score", s), err);
  for (size_t e = 0; e < nsw_args_count(args, "ensemble") && !status; e++)
    status = nsw_ensemble_add(&p->columns, nsw_args_value(args, "ensemble", e), err);
  if (!status && p->job->transfer.table) status = nsw_search_add_transfer(p->job, p->table, p->space, &p->columns, err);
  if (!status) status = add_count(&p->columns, "params", p->table->params, p->table->rows, err);
  if (!status) status = add_count(&p->columns, "macs", p->table->macs, p->table->rows, err);
  if (status) return status;
  p->score = calloc(p->columns.count + p->job->proxies.count + 1, sizeof *p->score);
  if (!p->score) return nsw_no_memory(err, "%zu scores", p->columns.count);
  bool all = p->job->proxies.count == 1 && !strcmp(p->job->proxies.item[0], "all");
  for (size_t c = 0; c < p->columns.count; c++)
    if (all || p->columns.list[c].asked) p->score[p->scores++] = &p->columns.list[c];
  for (size_t i = 0; i < p->job->proxies.count && !all && !status; i++)
    status = choose_score(p, p->job->proxies.item[i], err);
  return status;
}

/* ---- one search ---- */

/* What a search left that later ones are compared with. */
struct found {
  double *value; /* [reports][points][repeats] */
};

static void name_uses(unsigned use, char text[64]) {
  static const char *const words[] = {"start", "filter", "ties", "inputs"};
  text[0] = '\0';
  for (int u = 0; u < 4; u++)
    if (use >> u & 1) strcat(strcat(text, *text ? "+" : ""), words[u]);
}

static struct nsw_search_title title_of(const struct place *p, const struct nsw_search *search, unsigned use,
                                        const char *proxy) {
  struct nsw_search_title t = {.space = p->table->space,
                               .method = search->method->name,
                               .n = p->ground.n,
                               .left = p->left,
                               .budget = search->budget,
                               .unit = p->job->timed ? "seconds" : "trainings",
                               .repeats = search->repeats,
                               .seed = search->seed};
  name_uses(use, t.use);
  snprintf(t.proxy, sizeof t.proxy, "%s", proxy ? proxy : "");
  snprintf(t.look, sizeof t.look, "%s/%s", p->use.look->dataset, p->use.look->split);
  size_t at = 0;
  for (const struct nsw_method_option *o = search->method->options; o && o->key && at < sizeof t.settings; o++)
    at += (size_t)snprintf(t.settings + at, sizeof t.settings - at, "%s%s=%g", at ? " " : "", o->key,
                           search->set[o - search->method->options]);
  return t;
}

static int by_times(const void *a, const void *b) {
  const struct nsw_search_found *x = a, *y = b;
  return x->times != y->times ? (x->times < y->times) - (x->times > y->times)
                              : (x->index > y->index) - (x->index < y->index);
}

/* The architectures that most repeats ended with. */
static int list_top(const struct place *p, const struct nsw_outcome *o, const double *report,
                    struct nsw_search_line *line, struct nsw_error *err) {
  struct nsw_search_found *seen = calloc(o->repeats + 1, sizeof *seen);
  size_t n = 0;
  if (!seen) return nsw_no_memory(err, "%llu repeats", (unsigned long long)o->repeats);
  for (uint64_t r = 0; r < o->repeats; r++) {
    double best = o->best[r * o->points + o->points - 1];
    if (!(best > 0)) continue;
    size_t candidate = (size_t)best - 1, k = 0;
    while (k < n && seen[k].index != p->ground.index[candidate]) k++;
    if (k == n) {
      seen[n++] = (struct nsw_search_found){.index = p->ground.index[candidate], .accuracy = report[candidate]};
    }
    seen[k].times++;
  }
  qsort(seen, n, sizeof *seen, by_times);
  int status = NSW_OK;
  for (size_t k = 0; k < n && k < TOP && !status; k++) {
    struct nsw_search_found *one = nsw_rows_add(&line->top, sizeof *one, err);
    int64_t row = nsw_table_row(p->table, (uint32_t)seen[k].index);
    if (!one)
      status = NSW_FAILED;
    else
      *one = seen[k];
    if (one && row >= 0)
      snprintf(one->id, sizeof one->id, "%.*s", (int)p->table->id_size, p->table->id + (size_t)row * p->table->id_size);
  }
  free(seen);
  return status;
}

/* Lines of one search, one for every column reported; fills values. */
static int add_lines(struct place *p, const struct nsw_search *search, const struct nsw_search_title *title,
                     const struct nsw_outcome *o, struct found *found, struct nsw_error *err) {
  double *scratch = malloc((o->repeats + 1) * sizeof *scratch);
  int status = scratch ? NSW_OK : nsw_no_memory(err, "%llu repeats", (unsigned long long)o->repeats);
  double looked = NAN, trainings = NAN;
  if (!status) {
    nsw_outcome_values(o, p->ground.look, o->points - 1, scratch);
    looked = nsw_summarise(scratch, o->repeats).mean;
    memcpy(scratch, o->trainings, o->repeats * sizeof *scratch);
    trainings = nsw_summarise(scratch, o->repeats).mean;
  }
  for (size_t r = 0; r < p->ground.reports && !status; r++) {
    struct nsw_search_line *line = nsw_rows_add(&p->job->outcomes.searches, sizeof *line, err);
    if (!line) {
      status = NSW_FAILED;
      break;
    }
    *line = (struct nsw_search_line){.title = *title,
                                     .dataset = p->use.report[r]->dataset,
                                     .split = p->use.report[r]->split,
                                     .trainings = trainings,
                                     .looked = looked,
                                     .optimum = -INFINITY};
    for (size_t i = 0; i < p->ground.n; i++) line->optimum = fmax(line->optimum, p->ground.report[r][i]);
    for (size_t at = 0; at < o->points && !status; at++) {
      double *value = found->value + (r * o->points + at) * o->repeats;
      nsw_outcome_values(o, p->ground.report[r], at, value);
      memcpy(scratch, value, o->repeats * sizeof *scratch);
      struct nsw_search_point *point = nsw_rows_add(&line->points, sizeof *point, err);
      if (!point) {
        status = NSW_FAILED;
        break;
      }
      point->at = search->budget * (double)(at + 1) / (double)o->points;
      line->found = point->found = nsw_summarise(scratch, o->repeats);
    }
    if (!status) status = list_top(p, o, p->ground.report[r], line, err);
  }
  free(scratch);
  return status;
}

static int add_models(struct place *p, const struct nsw_search_title *title, const struct nsw_outcome *o,
                      struct nsw_error *err) {
  size_t columns = 1 + p->ground.reports;
  double *scratch = malloc((o->repeats + 1) * sizeof *scratch);
  if (!scratch) return nsw_no_memory(err, "%llu repeats", (unsigned long long)o->repeats);
  int status = NSW_OK;
  for (size_t c = 0; c < columns && !status; c++) {
    struct nsw_model_line *line = nsw_rows_add(&p->job->outcomes.models, sizeof *line, err);
    if (!line) {
      status = NSW_FAILED;
      break;
    }
    const struct nsw_accuracy *column = c ? p->use.report[c - 1] : p->use.look;
    line->title = *title;
    snprintf(line->column, sizeof line->column, "%s/%s", column->dataset, column->split);
    struct nsw_summary s[2];
    for (int k = 0; k < 2; k++) {
      for (uint64_t r = 0; r < o->repeats; r++) scratch[r] = o->rank[(r * columns + c) * 2 + (size_t)k];
      s[k] = nsw_summarise(scratch, o->repeats);
    }
    line->spearman = s[0].mean;
    line->spearman_deviation = s[0].deviation;
    line->kendall = s[1].mean;
    line->kendall_deviation = s[1].deviation;
  }
  free(scratch);
  return status;
}

static int add_gains(struct place *p, const struct nsw_search *search, const struct nsw_search_title *title,
                     const char *beside, const struct found *with, const struct found *without, struct nsw_error *err) {
  uint64_t repeats = search->repeats;
  for (size_t r = 0; r < p->ground.reports; r++) {
    struct nsw_gain_line *line = nsw_rows_add(&p->job->outcomes.gains, sizeof *line, err);
    struct nsw_gain gain;
    if (!line) return NSW_FAILED;
    *line = (struct nsw_gain_line){.title = *title,
                                   .beside = beside,
                                   .dataset = p->use.report[r]->dataset,
                                   .split = p->use.report[r]->split,
                                   .level = p->job->level,
                                   .resamples = p->job->resamples};
    for (size_t at = 0; at < search->points; at++) {
      size_t place = (r * search->points + at) * repeats;
      bool last = at + 1 == search->points;
      int status = nsw_gain(with->value + place, without->value + place, repeats, last ? p->job->resamples : 0,
                            p->job->level, search->seed, &gain, err);
      if (status) return status;
      struct nsw_gain_point *point = nsw_rows_add(&line->points, sizeof *point, err);
      if (!point) return NSW_FAILED;
      *point =
          (struct nsw_gain_point){search->budget * (double)(at + 1) / (double)search->points, gain.mean, gain.error};
    }
    line->pairs = gain.n;
    line->better = gain.better;
    line->equal = gain.equal;
    line->worse = gain.worse;
    line->mean = gain.mean;
    line->low = gain.low;
    line->high = gain.high;
  }
  return NSW_OK;
}

static int search_once(struct place *p, const struct nsw_search *search, const char *proxy, const char *beside,
                       const struct found *without, struct found *found, struct nsw_error *err) {
  struct nsw_outcome outcome;
  found->value = malloc((p->ground.reports * search->points * search->repeats + 1) * sizeof *found->value);
  if (!found->value) return nsw_no_memory(err, "%llu repeats", (unsigned long long)search->repeats);
  int status = nsw_search_run(&p->ground, search, &outcome, err);
  if (status) return status;
  struct nsw_search_title title = title_of(p, search, search->use, proxy);
  status = add_lines(p, search, &title, &outcome, found, err);
  if (!status && outcome.rank) status = add_models(p, &title, &outcome, err);
  if (!status && without && without->value) status = add_gains(p, search, &title, beside, found, without, err);
  nsw_outcome_free(&outcome);
  return status;
}

/* ---- all of a method's ---- */

static struct nsw_search search_of(const struct place *p, const struct nsw_method *method, unsigned use, int score) {
  struct nsw_search search = p->job->search;
  search.method = method;
  search.use = use;
  search.score = score;
  for (size_t o = 0; method->options && method->options[o].key; o++) search.set[o] = method->options[o].value;
  return search;
}

/* Values of --set METHOD.KEY=VALUE for the method. */
static int read_set(const struct nsw_args *args, struct nsw_search *search, struct nsw_error *err) {
  const struct nsw_method *m = search->method;
  size_t length = strlen(m->name);
  for (size_t i = 0; i < nsw_args_count(args, "set"); i++) {
    const char *text = nsw_args_value(args, "set", i);
    if (strncmp(text, m->name, length) || text[length] != '.') continue;
    const char *key = text + length + 1, *equals = strchr(key, '=');
    for (const struct nsw_method_option *o = m->options; equals && o && o->key; o++) {
      if (strlen(o->key) != (size_t)(equals - key) || strncmp(o->key, key, (size_t)(equals - key))) continue;
      char *end;
      double value = strtod(equals + 1, &end);
      if (end == equals + 1 || *end || !(value >= o->low && value <= o->high))
        return nsw_usage(err, "--set %.80s: a number from %g to %g", text, o->low, o->high);
      search->set[o - m->options] = value;
    }
  }
  return NSW_OK;
}

static int with_score(struct place *p, const struct nsw_method *method, unsigned use, int score, const char *beside,
                      const struct found *plain, struct nsw_error *err) {
  struct nsw_search search = search_of(p, method, use, score);
  struct found found = {NULL};
  int status = read_set(p->job->args, &search, err);
  const char *proxy = p->score[score]->name;
  if (use & NSW_USE_INPUTS && p->scores > 1) proxy = "(all)";
  if (!status) status = search_once(p, &search, proxy, beside, plain, &found, err);
  free(found.value);
  return nsw_error_prefix(err, status, "%s with %s", method->name, proxy);
}

static int plain_search(struct place *p, const struct nsw_method *method, struct found *found, struct nsw_error *err) {
  struct nsw_search search = search_of(p, method, 0, -1);
  int status = read_set(p->job->args, &search, err);
  return !status ? search_once(p, &search, NULL, NULL, NULL, found, err) : status;
}

/* The method without a score, then with each of them in every way that is asked for. A method that is a score's alone
 * is compared with random search. */
static int all_of_method(struct place *p, const struct nsw_method *method, struct found *random,
                         struct nsw_error *err) {
  const struct nsw_method *chance = nsw_method_find("random");
  struct found own = {NULL}, *plain = method == chance ? random : &own;
  int status = NSW_OK;
  if (method->kind & NSW_METHOD_SCORE) {
    if (!random->value) status = plain_search(p, chance, random, err);
    for (size_t s = 0; s < p->scores && !status; s++)
      status = with_score(p, method, 0, (int)s, chance->name, random, err);
    return status;
  }
  if (!plain->value) status = plain_search(p, method, plain, err);
  for (size_t w = 0; w < p->job->ways && !status; w++) {
    unsigned way = p->job->way[w];
    if (way & NSW_USE_INPUTS && !(method->kind & NSW_METHOD_PREDICTS)) continue;
    /* As inputs all scores go in together. */
    size_t scores = way == NSW_USE_INPUTS && p->scores ? 1 : p->scores;
    for (size_t s = 0; s < scores && !status; s++)
      status = with_score(p, method, way, (int)s, method->name, plain, err);
  }
  free(own.value);
  return status;
}

/* ---- published figures ---- */

static const char *text_or_null(const char *text) { return *text ? text : NULL; }

/* Those of the columns reported, and methods that have none. */
static int add_published(struct place *p, struct nsw_error *err) {
  struct nsw_search_outcomes *o = &p->job->outcomes;
  if (o->spaces == NSW_TABLES) return NSW_OK;
  struct nsw_published_list *list = &o->figures[o->spaces++];
  int status = nsw_published_read(p->table->space, list, err);
  for (size_t i = 0; i < list->count && !status; i++) {
    const struct nsw_published *one = &list->at[i];
    bool wanted = !*one->dataset;
    for (size_t r = 0; r < p->use.reports; r++)
      wanted |= !strcmp(one->dataset, p->use.report[r]->dataset) && !strcmp(one->split, p->use.report[r]->split);
    if (!wanted) continue;
    struct nsw_published_line *line = nsw_rows_add(&o->published, sizeof *line, err);
    if (!line) return NSW_FAILED;
    *line =
        (struct nsw_published_line){p->table->space,          one->method, one->kind,      text_or_null(one->dataset),
                                    text_or_null(one->split), one->mean,   one->deviation, text_or_null(one->source),
                                    text_or_null(one->note)};
  }
  return status;
}

/* ---- a space ---- */

static void speak(const struct place *p) {
  char n[32], rows[32];
  fprintf(stderr, "%s: %s of %s architectures are candidates", p->table->space, nsw_grouped(p->ground.n, n),
          nsw_grouped(p->table->rows, rows));
  if (p->left.unlooked) fprintf(stderr, "; %llu have no accuracy to look at", (unsigned long long)p->left.unlooked);
  if (p->left.unreported) fprintf(stderr, "; %llu none to report", (unsigned long long)p->left.unreported);
  if (p->left.unscored)
    fprintf(stderr, "; %llu are left out as a score of theirs failed or is pending",
            (unsigned long long)p->left.unscored);
  fprintf(stderr, "\n");
  for (size_t r = 0; r < p->use.reports; r++)
    if (p->use.report[r] == p->use.look)
      fprintf(stderr, "%s: %s/%s is looked at and reported: what is found looks better than it is\n", p->table->space,
              p->use.look->dataset, p->use.look->split);
  for (size_t s = 0; s < p->scores; s++) {
    size_t i = 1;
    while (i < p->ground.n && p->ground.score[s][i] == p->ground.score[s][0]) i++;
    if (i >= p->ground.n && p->ground.n)
      fprintf(stderr, "%s: all candidates have the same score %s: it chooses at random\n", p->table->space,
              p->score[s]->name);
  }
}

static int check_budget(const struct place *p, struct nsw_error *err) {
  const struct nsw_search *search = &p->job->search;
  if (p->job->timed && !(p->job->epoch_seconds > 0) && !p->use.seconds)
    return nsw_fail(err, "%s: no column of seconds of training: name one with --cost, or say --epoch-seconds S",
                    p->table->space);
  if (p->job->timed && p->job->epoch_seconds > 0 && !nsw_accuracy_epochs(p->use.look))
    return nsw_usage(err, "--epoch-seconds: %s/%s does not say after how many epochs", p->use.look->dataset,
                     p->use.look->split);
  if (!p->job->timed && search->budget > (double)p->ground.n && p->ground.n)
    return nsw_usage(err, "--budget %.0f: beyond the space: %s has %zu candidates to train", search->budget,
                     p->table->space, p->ground.n);
  return NSW_OK;
}

static int judge_transfer(struct place *p, struct nsw_error *err) {
  char name[64];
  snprintf(name, sizeof name, "gcn:%.40s", p->job->transfer.table->space);
  struct nsw_search search = search_of(p, nsw_method_find("gcn"), 0, -1);
  struct nsw_search_title title = title_of(p, &search, 0, name);
  snprintf(title.use, sizeof title.use, "transfer");
  title.budget = 0;
  title.repeats = 1;
  title.settings[0] = '\0';
  return nsw_search_judge_transfer(p->job, p->table, &p->use, nsw_columns_find(&p->columns, name), &title, err);
}

int nsw_search_table(struct nsw_search_job *job, const struct nsw_table *table, struct nsw_error *err) {
  struct place p = {.job = job, .table = table};
  struct found random = {NULL};
  int status = nsw_search_choose(job->args, table, &p.use, err);
  if (!status) status = nsw_space_open(table->space, &p.space, err);
  if (!status) status = choose_scores(&p, err);
  bool by_column = job->timed && !(job->epoch_seconds > 0);
  if (!status && by_column && !p.use.seconds) status = check_budget(&p, err);
  if (!status)
    status = nsw_search_ground(table, p.space, &p.use, p.score, p.scores, job->epoch_seconds, job->timed, &p.ground,
                               &p.left, err);
  if (!status) status = check_budget(&p, err);
  if (!status && job->search.share.rank == 0) speak(&p);
  if (!status && job->transfer.table) status = judge_transfer(&p, err);
  for (size_t m = 0; m < job->methods.count && !status; m++)
    status = all_of_method(&p, nsw_method_find(job->methods.item[m]), &random, err);
  if (!status) status = add_published(&p, err);
  free(random.value);
  nsw_ground_free(&p.ground);
  free(p.score);
  nsw_columns_free(&p.columns);
  nsw_space_close(&p.space);
  return status;
}

void nsw_search_outcomes_free(struct nsw_search_outcomes *o) {
  for (size_t i = 0; i < o->searches.count; i++) {
    struct nsw_search_line *line = (struct nsw_search_line *)o->searches.at + i;
    nsw_rows_free(&line->points);
    nsw_rows_free(&line->top);
  }
  for (size_t i = 0; i < o->gains.count; i++) nsw_rows_free(&((struct nsw_gain_line *)o->gains.at)[i].points);
  nsw_rows_free(&o->searches);
  nsw_rows_free(&o->gains);
  nsw_rows_free(&o->models);
  nsw_rows_free(&o->published);
  for (size_t i = 0; i < o->spaces; i++) nsw_published_free(&o->figures[i]);
}
