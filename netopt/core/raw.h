/* Floating-point vectors as they are, checked on the way: little-endian machines only. */
#ifndef NETOPT_RAW_H
#define NETOPT_RAW_H

#include "tiers.h"

/* Writes n coordinates of a type to the wire as numbers of `wire` type, rounded to nearest; returns
 * 0, or non-zero if one of those is NaN or infinite. */
int bp_raw_put(int type, int wire, const void *x, size_t n, uint8_t *out);

/* Writes weight * number to y, or adds it, for n numbers from the wire; returns as bp_raw_put, y
 * then being unspecified. In float64 if either side is, else in float32. */
int bp_raw_add(int type, int wire, const uint8_t *payload, size_t n, double weight, int add,
               void *y);

#endif
