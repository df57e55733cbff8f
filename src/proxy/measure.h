/* What a measure in the program itself sees: the public header (nasweep/measure.h), and all of the lab. A new one is
 * one file, and its line in the table of proxies. */
#ifndef NSW_PROXY_MEASURE_H
#define NSW_PROXY_MEASURE_H

#include "nasweep/measure.h"
#include "proxy/pass.h"

/* Sum of |weight x gradient|: the term of SNIP, and of SynFlow (proxy/snip.c). */
double nsw_saliency(const float *w, const float *g, size_t n);

#endif
