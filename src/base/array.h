/* Arrays that grow: a malloc'd list and the number of items in it.
 *
 *   if (!NSW_GROW(list, count)) return nsw_no_memory(err, "points");
 *   list[count++] = point;
 */
#ifndef NSW_BASE_ARRAY_H
#define NSW_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* Makes room for one item behind the `count` that are there; list: the pointer itself, NULL for a new one. The room
 * doubles at powers of two, so nothing needs to be kept about it: any list that only this made longer will do. False
 * where memory ran out; then the list stays as it was. */
#define NSW_GROW(list, count) nsw_array_grow(&(list), (size_t)(count), sizeof *(list))

/* Makes room for at least `need` items in a list with room for `room`, which is raised (at least doubled). False
 * likewise. */
#define NSW_RESERVE(list, room, need) nsw_array_reserve(&(list), &(room), (size_t)(need), sizeof *(list))

/* What the macros call. list: the address of a pointer to items of `size` bytes. */
bool nsw_array_grow(void *list, size_t count, size_t size);
bool nsw_array_reserve(void *list, size_t *room, size_t need, size_t size);

#endif
