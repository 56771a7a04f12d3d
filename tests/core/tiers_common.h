/* What the parts of the comparison of tiers share. */
#ifndef TIERS_COMMON_H
#define TIERS_COMMON_H

#include "bitpack.h"

/* Lengths that every register width divides, and does not. */
enum { LENGTHS = 1031, SHORT = 201 };

/* `size` bytes that end where the allocation ends, `skew` bytes after where it begins. */
uint8_t *allocate(size_t size, size_t skew);
void release(uint8_t *memory, size_t skew);

uint32_t next_random(void);

/* Ends the program with one line that names the case, unless it `holds`. */
void require(int holds, const char *kernel, const bp_tier *tier, int type, unsigned bits, size_t n);

/* A number of [0, 1). */
double unit(void);

/* Writes coordinate i as float32 or float64. */
void put(uint8_t *x, int type, size_t i, double value);
size_t size_of(int type);

void check_packing(const bp_tier *tier);
void check_norms(const bp_tier *tier);
void check_random(const bp_tier *tier);
void check_quantize(const bp_tier *tier);
void check_decode(const bp_tier *tier);
void check_encode(const bp_tier *tier);

#endif
