/* SED, suppression of local entropy decrease: the pieces that tests look at. */
#ifndef NSW_PROXY_SED_H
#define NSW_PROXY_SED_H

/* Variance of the largest of n independent standard normals, n >= 1, to about 1e-12. */
double nsw_sed_max_variance(int n);

#endif
