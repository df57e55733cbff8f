/* The proxy that KNAS defines; see knas.c. */
#ifndef NSW_PROXY_KNAS_H
#define NSW_PROXY_KNAS_H

#include "nasweep/proxy.h"

extern const struct nsw_proxy nsw_proxy_knas;

#endif
