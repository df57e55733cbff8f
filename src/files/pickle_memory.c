#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/pickle_reader.h"

/* ---- errors and bytes ---- */

int nsw_pickle_bad(struct nsw_pickle_reader *r, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return nsw_fail(r->err, "%s: pickle, byte %llu: %s", nsw_input_name(r->input), (unsigned long long)r->opcode_at,
                  text);
}

int nsw_pickle_no_memory(struct nsw_pickle_reader *r, size_t bytes) {
  if (r->held + bytes > r->most) return nsw_pickle_bad(r, "would hold more than %zu bytes", r->most);
  return nsw_pickle_bad(r, "not enough memory");
}

int nsw_pickle_refill(struct nsw_pickle_reader *r, size_t want) {
  memmove(r->window, r->window + r->at, r->end - r->at);
  r->offset += r->at;
  r->end -= r->at;
  r->at = 0;
  while (r->end < want) {
    size_t got;
    int status = nsw_input_read(r->input, r->window + r->end, WINDOW - r->end, &got, r->err);
    if (status) return status;
    if (!got) return nsw_pickle_bad(r, "the input ends in the middle");
    r->end += got;
  }
  return NSW_OK;
}

int nsw_pickle_copy(struct nsw_pickle_reader *r, char *to, size_t n) {
  size_t there = r->end - r->at < n ? r->end - r->at : n;
  memcpy(to, r->window + r->at, there);
  r->at += there;
  to += there;
  n -= there;
  while (n) {
    size_t got;
    int status = nsw_input_read(r->input, to, n, &got, r->err);
    if (status) return status;
    if (!got) return nsw_pickle_bad(r, "the input ends in the middle");
    r->offset += got;
    to += got;
    n -= got;
  }
  return NSW_OK;
}

int nsw_pickle_skip(struct nsw_pickle_reader *r, uint64_t n) {
  const uint8_t *bytes;
  while (n) {
    size_t step = n < WINDOW ? (size_t)n : WINDOW;
    int status = nsw_pickle_take(r, step, &bytes);
    if (status) return status;
    n -= step;
  }
  return NSW_OK;
}

int nsw_pickle_line(struct nsw_pickle_reader *r, char text[LONGEST_LINE]) {
  for (size_t n = 0; n < LONGEST_LINE; n++) {
    const uint8_t *byte;
    int status = nsw_pickle_take(r, 1, &byte);
    if (status) return status;
    text[n] = (char)*byte;
    if (*byte == '\n') {
      text[n] = 0;
      return NSW_OK;
    }
  }
  return nsw_pickle_bad(r, "a line of more than %d bytes", LONGEST_LINE);
}

/* ---- objects ---- */

/* Memory of a size that is in a slab, from those freed or from the slab; NULL where there is none. */
static struct nsw_object *take_memory(struct nsw_pickle_reader *r, size_t size) {
  size_t step = (size + 15) / 16;
  struct nsw_object *object = r->freed[step];
  if (object) {
    r->freed[step] = object->next;
    return object;
  }
  if (!r->slabs || sizeof r->slabs->bytes - r->slab_used < step * 16) {
    struct slab *slab = malloc(sizeof *slab);
    if (!slab) return NULL;
    slab->next = r->slabs;
    r->slabs = slab;
    r->slab_used = 0;
  }
  object = (struct nsw_object *)(void *)(r->slabs->bytes + r->slab_used);
  r->slab_used += step * 16;
  return object;
}

static bool is_text(const struct nsw_object *object) {
  return object->kind == NSW_PICKLE_TEXT || object->kind == NSW_PICKLE_BYTES;
}

size_t nsw_pickle_object_size(const struct nsw_object *object) {
  size_t room = is_text(object)                                                       ? object->capacity
                : object->kind == NSW_PICKLE_ARRAY || object->kind == NSW_PICKLE_TYPE ? sizeof(struct nsw_array)
                                                                                      : 0;
  return sizeof *object + room;
}

/* Whether it is in the list: containers own their items, and large texts own themselves. */
static bool is_listed(const struct nsw_object *object) {
  return !is_text(object) || nsw_pickle_object_size(object) > LARGEST_IN_SLAB;
}

int nsw_pickle_create(struct nsw_pickle_reader *r, enum nsw_pickle_kind kind, size_t room, struct nsw_object **object) {
  if (kind == NSW_PICKLE_ARRAY || kind == NSW_PICKLE_TYPE) room = sizeof(struct nsw_array);
  size_t size = sizeof **object + room;
  if (room > r->most || r->held + size > r->most) return nsw_pickle_no_memory(r, size);
  *object = size > LARGEST_IN_SLAB ? malloc(size) : take_memory(r, size);
  if (!*object) return nsw_pickle_no_memory(r, 0);
  r->held += size;
  **object = (struct nsw_object){.kind = (uint32_t)kind};
  if (kind == NSW_PICKLE_ARRAY || kind == NSW_PICKLE_TYPE) *nsw_pickle_array_of(*object) = (struct nsw_array){0};
  if (kind == NSW_PICKLE_TEXT || kind == NSW_PICKLE_BYTES) {
    (*object)->capacity = room;
    if (size <= LARGEST_IN_SLAB) return NSW_OK;
  }
  (*object)->next = r->objects;
  if (r->objects) r->objects->previous = *object;
  r->objects = *object;
  return NSW_OK;
}

/* Takes an object whose last reference is gone out of the list, and puts it into a queue. */
static void enqueue(struct nsw_pickle_reader *r, struct nsw_object *object, struct nsw_object **queue) {
  if (is_listed(object)) {
    if (object->next) object->next->previous = object->previous;
    if (object->previous)
      object->previous->next = object->next;
    else
      r->objects = object->next;
  }
  object->next = *queue;
  *queue = object;
}

static void free_object(struct nsw_pickle_reader *r, struct nsw_object *object) {
  size_t size = nsw_pickle_object_size(object);
  r->held -= size + (is_text(object) ? 0 : object->capacity * sizeof *object->items);
  free(object->items);
  if (size > LARGEST_IN_SLAB) {
    free(object);
  } else {
    object->next = r->freed[(size + 15) / 16];
    r->freed[(size + 15) / 16] = object;
  }
}

void nsw_pickle_release(struct nsw_pickle_reader *r, const struct nsw_value *value) {
  struct nsw_object *queue = NULL;
  if (!nsw_pickle_is_object(value) || --value->u.object->references) return;
  enqueue(r, value->u.object, &queue);
  while (queue) {
    struct nsw_object *object = queue;
    queue = object->next;
    for (size_t i = 0; object->items && i < object->count; i++) {
      const struct nsw_value *item = &object->items[i];
      if (nsw_pickle_is_object(item) && !--item->u.object->references) enqueue(r, item->u.object, &queue);
    }
    free_object(r, object);
  }
}

int nsw_pickle_reserve(struct nsw_pickle_reader *r, struct nsw_object *object, size_t count) {
  if (count <= object->capacity) return NSW_OK;
  size_t capacity = object->capacity && count < object->capacity * 2 ? object->capacity * 2 : count;
  size_t more = (capacity - object->capacity) * sizeof *object->items;
  struct nsw_value *items = NULL;
  if (capacity > r->most / sizeof *items || r->held + more > r->most ||
      !(items = realloc(object->items, capacity * sizeof *items)))
    return nsw_pickle_no_memory(r, more);
  r->held += more;
  object->items = items;
  object->capacity = capacity;
  return NSW_OK;
}
