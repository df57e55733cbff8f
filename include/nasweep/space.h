/* Search spaces: every architecture of a benchmark, by its official index.
 *
 * A space is one file src/space/NAME.c that fills a struct nsw_space_kind, and one line in the table of
 * src/space/space.c. Nothing else in the program knows which spaces there are. */
#ifndef NASWEEP_SPACE_H
#define NASWEEP_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nasweep/arch.h"
#include "nasweep/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NSW_MAX_GENES = 32 }; /* choices that make an architecture, see nsw_space_genes */

struct nsw_cell;  /* src/space/cell.h */
struct nsw_space; /* an opened space */

enum { NSW_SPACE_TEXT = 512 }; /* bytes that any spelling fits in, with its terminator */

/* A spelling of an architecture that a table or another program wants: a column of `nasweep list`. */
struct nsw_space_text {
  const char *name;
  bool number; /* it is a whole number */
  void (*write)(const void *state, uint32_t index, char text[NSW_SPACE_TEXT]);
};

/* What a space has to supply. All functions are pure but open; state is what open made. */
struct nsw_space_kind {
  const char *name;       /* the word on the command line and the group in result files */
  const char *long_name;  /* for people */
  const char *source;     /* paper, and where the order of its architectures comes from */
  uint32_t count;         /* number of architectures */
  size_t id_size;         /* characters of the longest id, without a terminator */
  size_t key_size;        /* bytes of an architecture's key, whose hexadecimal digits are its id (nb101), or 0; to 64 */
  bool one_cell;          /* all have the same cell: scores that look at the cell alone say nothing */
  bool cell_alone;        /* they differ in the cell's graph alone: sizes of one shape are counted once */
  int fewest_channels;    /* of a skeleton, for all to be buildable and different */
  struct nsw_macro macro; /* the benchmark's own skeleton (CIFAR-10) */
  int (*open)(void **state, struct nsw_error *err); /* makes the table of architectures, no keys */
  void (*close)(void *state);
  /* The cell as the benchmark's tables print it; NULL where architectures are not told by a cell. */
  void (*cell)(const void *state, uint32_t index, struct nsw_cell *cell);
  const struct nsw_space_text *texts; /* other spellings of an architecture; ends with a NULL name; may be NULL */
  uint32_t (*class_of)(const void *state, uint32_t index); /* first index that computes the same function */
  /* The network, every field; macro without zero fields. */
  void (*describe)(const void *state, uint32_t index, const struct nsw_macro *macro, struct nsw_arch *arch);
  /* Its cell's graph alone, arch->graph[arch->cell]: for scores of topology, which look at all architectures in no
   * time. The graph was filled by it before, or its shape is 0: where the shape stays, it sets the operations alone. */
  void (*graph)(const void *state, uint32_t index, struct nsw_graph *graph);
  void (*keys)(const void *state, uint32_t first, uint32_t end, uint8_t *keys); /* NULL where key_size is 0 */
  /* Writes the id, NUL-terminated. key: the architecture's, or NULL where key_size is 0. */
  void (*id)(const void *state, const uint8_t *key, uint32_t index, char *id);
  /* Index of an architecture given as text: an id, or any other spelling the space accepts. by_key: all indices in
   * ascending order of their keys; keys and by_key are NULL where key_size is 0 or no keys were made yet. */
  int (*find)(const void *state, const uint8_t *keys, const uint32_t *by_key, const char *text, uint32_t *index,
              struct nsw_error *err);
  /* Optional, for searches: an architecture as a word of `genes` choices, choice g one of 0..gene_choices(g)-1, so that
   * changing one gene is a step to a neighbour. genes 0: the space cannot be searched step by step. */
  int genes;
  int (*gene_choices)(int gene);
  void (*genes_of)(const void *state, uint32_t index, uint8_t *genes);
  /* Index of the word's architecture; false where the word is none of the space's. Several words may be the same one.
   */
  bool (*from_genes)(const void *state, const uint8_t *genes, uint32_t *index);
  /* Optional: the network in which every gene is the sum of all its choices, each times `scale`; choice c of gene g has
   * the coefficient of number g * choices + c, the same in all cells. Choices that give zeros are left out. */
  void (*supernet)(const struct nsw_macro *macro, float scale, struct nsw_arch *arch);
};

/* The table of spaces; ends with NULL. */
extern const struct nsw_space_kind *const nsw_space_kinds[];

/* Opens a space by name. NSW_USAGE with the known names where there is none, NSW_FAILED for lack of memory or
 * if the enumeration does not give the published count. Close with nsw_space_close. */
int nsw_space_open(const char *name, struct nsw_space **space, struct nsw_error *err);

/* The same of a space that is in no table. */
int nsw_space_open_kind(const struct nsw_space_kind *kind, struct nsw_space **space, struct nsw_error *err);

/* Frees and sets to NULL; may be called twice. */
void nsw_space_close(struct nsw_space **space);

const struct nsw_space_kind *nsw_space_kind(const struct nsw_space *space);
uint32_t nsw_space_count(const struct nsw_space *space);
uint32_t nsw_space_class(const struct nsw_space *space, uint32_t index);

/* The benchmark's skeleton with the fields of wish that are not zero put in. */
struct nsw_macro nsw_space_macro(const struct nsw_space *space, struct nsw_macro wish);

/* The description of an architecture in a skeleton as wished; and its cell's graph alone, as the kind's `graph` does.
 */
void nsw_space_describe(const struct nsw_space *space, uint32_t index, const struct nsw_macro *wish,
                        struct nsw_arch *arch);
void nsw_space_graph(const struct nsw_space *space, uint32_t index, struct nsw_graph *graph);

/* Architectures of a space whose networks are the same program on the same weights, up to parameters that no gradient
 * reaches: unit[index] is the smallest index among them. Fills unit[count of the space]. trained: whose networks stay
 * so when they are trained. Where a convolution sees nothing but zeros, its normalisation's shift makes that fewer. */
int nsw_space_units(const struct nsw_space *space, bool trained, uint32_t *unit, struct nsw_error *err);

/* Trainable parameters of the whole network, and multiply-adds of its convolutions and classifier for one image. */
uint64_t nsw_space_params(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro);
uint64_t nsw_space_macs(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro);
/* Both, from one description. */
void nsw_space_count_both(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                          uint64_t *params, uint64_t *macs);

/* The same for many architectures in turn: what one and the next have in common is kept. Zeroed before the first. */
struct nsw_space_counter {
  struct nsw_graph cell; /* of the architecture counted last */
  struct nsw_sizes sizes;
};

/* One space and one skeleton to a counter. */
void nsw_space_counter_next(struct nsw_space_counter *counter, const struct nsw_space *space, uint32_t index,
                            const struct nsw_macro *macro, uint64_t *params, uint64_t *macs);

/* Keys are made in shares so that ranks can split the work: computes those of first..end-1 into
 * keys[(end-first) * key_size]. Nothing to do where key_size is 0. */
void nsw_space_keys(const struct nsw_space *space, uint32_t first, uint32_t end, uint8_t *keys);

/* Gives the space all its keys (copied). */
int nsw_space_set_keys(struct nsw_space *space, const uint8_t *keys, struct nsw_error *err);

/* Computes all keys here, if the space has none yet. */
int nsw_space_make_keys(struct nsw_space *space, struct nsw_error *err);

/* What all keys are wanted for: to find an architecture by a text that is a key; and ids of more than so many
 * architectures, which would take longer one by one. */
bool nsw_space_is_key(const struct nsw_space *space, const char *text);
enum { NSW_FEW_IDS = 16384 };

/* All indices in ascending order of their keys (nb101: the order of the published tables); borrowed from the space.
 * NULL where the space has no keys, or none yet. */
const uint32_t *nsw_space_by_key(const struct nsw_space *space);

/* Id text into id[id_size + 1]. Where the space's keys are not there, it makes the one. */
void nsw_space_id(const struct nsw_space *space, uint32_t index, char *id);

/* The kind of a space by its name; NULL where there is none. */
const struct nsw_space_kind *nsw_space_kind_named(const char *name);

/* Another spelling of an architecture, one of the kind's texts by name, into text; false where the space has none. */
bool nsw_space_text(const struct nsw_space *space, const char *name, uint32_t index, char text[NSW_SPACE_TEXT]);

/* Index from text: a decimal index, an id, or another spelling of the space (nb101: "adjacency ops", pruned and
 * brought to its class). NSW_USAGE with the reason where there is none. Nothing but a key needs all keys. */
int nsw_space_find(const struct nsw_space *space, const char *text, uint32_t *index, struct nsw_error *err);

/* Length of the words that spell architectures, 0 where the space has none; choices at one place of them; the word of
 * an architecture (of the several that there may be, always the same one) into genes[length]; and back, false where the
 * word spells none. No keys are needed. */
int nsw_space_genes(const struct nsw_space *space);
int nsw_space_gene_choices(const struct nsw_space *space, int gene);
void nsw_space_genes_of(const struct nsw_space *space, uint32_t index, uint8_t *genes);
bool nsw_space_from_genes(const struct nsw_space *space, const uint8_t *genes, uint32_t *index);

#ifdef __cplusplus
}
#endif
#endif
