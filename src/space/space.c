#include "nasweep/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "space/cell.h"
#include "space/table.h"

#define ENTRY(name) &nsw_##name,
const struct nsw_space_kind *const nsw_space_kinds[] = {NSW_SPACE_TABLE(ENTRY) NULL};
#undef ENTRY

struct nsw_space {
  const struct nsw_space_kind *kind;
  void *state;      /* the kind's own */
  uint8_t *keys;    /* [count][key_size]; NULL where there are none yet */
  uint32_t *by_key; /* [count] indices in ascending order of keys; NULL with keys */
};

const struct nsw_space_kind *nsw_space_kind_named(const char *name) {
  for (int i = 0; nsw_space_kinds[i]; i++)
    if (!strcmp(nsw_space_kinds[i]->name, name)) return nsw_space_kinds[i];
  return NULL;
}

int nsw_space_open(const char *name, struct nsw_space **space, struct nsw_error *err) {
  const struct nsw_space_kind *kind = nsw_space_kind_named(name);
  if (!kind) {
    char known[256] = "", quoted[NSW_QUOTE_SIZE];
    size_t n = 0;
    for (int i = 0; nsw_space_kinds[i] && n < sizeof known; i++)
      n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", nsw_space_kinds[i]->name);
    return nsw_usage(err, "unknown space '%s'; known: %s", nsw_quote(quoted, name), known);
  }
  return nsw_space_open_kind(kind, space, err);
}

int nsw_space_open_kind(const struct nsw_space_kind *kind, struct nsw_space **space, struct nsw_error *err) {
  struct nsw_space *s = calloc(1, sizeof *s);
  if (!s) return nsw_no_memory(err, "the space %s", kind->name);
  s->kind = kind;
  int status = kind->open(&s->state, err);
  if (status) {
    free(s);
    return status;
  }
  *space = s;
  return NSW_OK;
}

void nsw_space_close(struct nsw_space **space) {
  if (!*space) return;
  (*space)->kind->close((*space)->state);
  free((*space)->keys);
  free((*space)->by_key);
  free(*space);
  *space = NULL;
}

const struct nsw_space_kind *nsw_space_kind(const struct nsw_space *space) { return space->kind; }
uint32_t nsw_space_count(const struct nsw_space *space) { return space->kind->count; }

void nsw_space_cell(const struct nsw_space *space, uint32_t index, struct nsw_cell *cell) {
  space->kind->cell(space->state, index, cell);
}

uint32_t nsw_space_class(const struct nsw_space *space, uint32_t index) {
  return space->kind->class_of(space->state, index);
}

struct nsw_macro nsw_space_macro(const struct nsw_space *space, struct nsw_macro wish) {
  const struct nsw_macro *own = &space->kind->macro;
  return (struct nsw_macro){.classes = wish.classes ? wish.classes : own->classes,
                            .resolution = wish.resolution ? wish.resolution : own->resolution,
                            .channels = wish.channels ? wish.channels : own->channels,
                            .cells = wish.cells ? wish.cells : own->cells};
}

void nsw_space_describe(const struct nsw_space *space, uint32_t index, const struct nsw_macro *wish,
                        struct nsw_arch *arch) {
  struct nsw_macro macro = nsw_space_macro(space, *wish);
  space->kind->describe(space->state, index, &macro, arch);
}

void nsw_space_graph(const struct nsw_space *space, uint32_t index, struct nsw_graph *graph) {
  space->kind->graph(space->state, index, graph);
}

void nsw_space_count_both(const struct nsw_space *space, uint32_t index, const struct nsw_macro *wish, uint64_t *params,
                          uint64_t *macs) {
  struct nsw_arch arch;
  nsw_space_describe(space, index, wish, &arch);
  nsw_arch_count(&arch, params, macs);
}

void nsw_space_counter_next(struct nsw_space_counter *counter, const struct nsw_space *space, uint32_t index,
                            const struct nsw_macro *wish, uint64_t *params, uint64_t *macs) {
  nsw_space_graph(space, index, &counter->cell);
  if (!space->kind->cell_alone || !counter->cell.shape || counter->cell.shape != counter->sizes.shape) {
    struct nsw_arch arch;
    nsw_space_describe(space, index, wish, &arch);
    nsw_sizes_make(&counter->sizes, &arch);
    counter->cell = arch.graph[arch.cell];
  }
  nsw_sizes_count(&counter->sizes, &counter->cell, params, macs);
}

uint64_t nsw_space_params(const struct nsw_space *space, uint32_t index, const struct nsw_macro *wish) {
  uint64_t params, macs;
  nsw_space_count_both(space, index, wish, &params, &macs);
  return params;
}

uint64_t nsw_space_macs(const struct nsw_space *space, uint32_t index, const struct nsw_macro *wish) {
  uint64_t params, macs;
  nsw_space_count_both(space, index, wish, &params, &macs);
  return macs;
}

/* Around a text that names an architecture, as files of another system's lines leave them. */
static const char blanks[] = " \t\r\n";

/* ---- keys ---- */

void nsw_space_keys(const struct nsw_space *space, uint32_t first, uint32_t end, uint8_t *keys) {
  if (space->kind->key_size && first < end) space->kind->keys(space->state, first, end, keys);
}

/* Sorts all indices by key: 65,536 buckets by the first two bytes, then insertion within each. Keys are hashes, so
 * buckets are short; sizes come from the keys themselves and cannot overflow. */
static void sort_by_key(const uint8_t *keys, size_t size, uint32_t count, uint32_t *by_key, uint32_t *start) {
  memset(start, 0, 65537 * sizeof *start);
  for (uint32_t i = 0; i < count; i++) start[(keys[i * size] << 8 | keys[i * size + 1]) + 1]++;
  for (int b = 0; b < 65536; b++) start[b + 1] += start[b];
  for (uint32_t i = 0; i < count; i++) by_key[start[keys[i * size] << 8 | keys[i * size + 1]]++] = i;
  for (uint32_t i = 1; i < count; i++) {
    uint32_t index = by_key[i], j = i;
    for (; j > 0 && memcmp(keys + by_key[j - 1] * size, keys + index * size, size) > 0; j--) by_key[j] = by_key[j - 1];
    by_key[j] = index;
  }
}

/* Takes over keys, also where it fails. */
static int adopt_keys(struct nsw_space *space, uint8_t *keys, struct nsw_error *err) {
  const struct nsw_space_kind *kind = space->kind;
  uint32_t *by_key = malloc(kind->count * sizeof *by_key), *start = malloc(65537 * sizeof *start);
  if (!by_key || !start) {
    free(keys);
    free(by_key);
    free(start);
    return nsw_no_memory(err, "the keys of %s", kind->name);
  }
  sort_by_key(keys, kind->key_size, kind->count, by_key, start);
  free(start);
  free(space->keys);
  free(space->by_key);
  space->keys = keys;
  space->by_key = by_key;
  return NSW_OK;
}

int nsw_space_set_keys(struct nsw_space *space, const uint8_t *keys, struct nsw_error *err) {
  size_t size = (size_t)space->kind->count * space->kind->key_size;
  if (!size) return NSW_OK;
  uint8_t *copy = malloc(size);
  if (!copy) return nsw_no_memory(err, "the keys of %s", space->kind->name);
  memcpy(copy, keys, size);
  return adopt_keys(space, copy, err);
}

int nsw_space_make_keys(struct nsw_space *space, struct nsw_error *err) {
  size_t size = (size_t)space->kind->count * space->kind->key_size;
  if (!size || space->keys) return NSW_OK;
  uint8_t *keys = malloc(size);
  if (!keys) return nsw_no_memory(err, "the keys of %s", space->kind->name);
  nsw_space_keys(space, 0, space->kind->count, keys);
  return adopt_keys(space, keys, err);
}

bool nsw_space_is_key(const struct nsw_space *space, const char *text) {
  size_t digits = 2 * space->kind->key_size;
  return digits && strspn(text + strspn(text, blanks), "0123456789abcdefABCDEF") == digits;
}

const uint32_t *nsw_space_by_key(const struct nsw_space *space) { return space->by_key; }

/* ---- names ---- */

void nsw_space_id(const struct nsw_space *space, uint32_t index, char *id) {
  uint8_t own[64]; /* the largest key_size */
  size_t size = space->kind->key_size;
  const uint8_t *key = !size ? NULL : space->keys ? space->keys + index * size : own;
  if (key == own) nsw_space_keys(space, index, index + 1, own);
  space->kind->id(space->state, key, index, id);
}

bool nsw_space_text(const struct nsw_space *space, const char *name, uint32_t index, char text[NSW_SPACE_TEXT]) {
  for (const struct nsw_space_text *t = space->kind->texts; t && t->name; t++)
    if (!strcmp(t->name, name)) {
      t->write(space->state, index, text);
      return true;
    }
  return false;
}

static int find_text(const struct nsw_space *space, const char *text, uint32_t *index, struct nsw_error *err) {
  const struct nsw_space_kind *kind = space->kind;
  char quoted[NSW_QUOTE_SIZE];
  size_t digits = strspn(text, "0123456789");
  /* Twelve digits and more are no index: nb101's hash, or a cell written in digits alone. */
  if (digits == 0 || text[digits] || digits == kind->id_size || digits >= 12)
    return kind->find(space->state, space->keys, space->by_key, text, index, err);
  uint64_t number = 0;
  for (size_t i = 0; i < digits && number < kind->count; i++) number = number * 10 + (uint64_t)(text[i] - '0');
  if (number >= kind->count)
    return nsw_usage(err, "%s: index %s is beyond the end: the space has %u architectures, 0 to %u", kind->name,
                     nsw_quote(quoted, text), kind->count, kind->count - 1);
  *index = (uint32_t)number;
  return NSW_OK;
}

int nsw_space_find(const struct nsw_space *space, const char *text, uint32_t *index, struct nsw_error *err) {
  const char *from = text + strspn(text, blanks);
  size_t length = strlen(from);
  while (length && strchr(blanks, from[length - 1])) length--;
  if (!from[length]) return find_text(space, from, index, err);
  char *bare = strndup(from, length);
  if (!bare) return nsw_no_memory(err, "an architecture's text");
  int status = find_text(space, bare, index, err);
  free(bare);
  return status;
}

/* ---- words ---- */

int nsw_space_genes(const struct nsw_space *space) { return space->kind->genes; }
int nsw_space_gene_choices(const struct nsw_space *space, int gene) { return space->kind->gene_choices(gene); }

void nsw_space_genes_of(const struct nsw_space *space, uint32_t index, uint8_t *genes) {
  space->kind->genes_of(space->state, index, genes);
}

bool nsw_space_from_genes(const struct nsw_space *space, const uint8_t *genes, uint32_t *index) {
  return space->kind->from_genes(space->state, genes, index);
}
