#include "base/memory.h"

#include <stdio.h>
#include <unistd.h>

double nsw_memory_available(void) {
  char line[128];
  double kilobytes = 0;
  FILE *f = fopen("/proc/meminfo", "r");
  while (f && kilobytes == 0 && fgets(line, sizeof line, f)) (void)sscanf(line, "MemAvailable: %lf", &kilobytes);
  if (f) fclose(f);
  return kilobytes > 0 ? kilobytes * 1024 : (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

bool nsw_memory_holds(double bytes) { return bytes < 1e7 || bytes < nsw_memory_available(); }
