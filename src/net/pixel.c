#include "net/pixel.h"

#include <string.h>

void nsw_clear_frame(struct nsw_plane plane) {
  size_t edge = (size_t)(plane.size + 2) * (size_t)plane.col * sizeof(float);
  size_t pixel = (size_t)plane.col * sizeof(float);
  memset(plane.p - plane.row - plane.col, 0, edge);
  memset(plane.p + plane.size * plane.row - plane.col, 0, edge);
  for (int h = 0; h < plane.size; h++) {
    memset(plane.p + h * plane.row - plane.col, 0, pixel);
    memset(plane.p + h * plane.row + plane.size * plane.col, 0, pixel);
  }
}
