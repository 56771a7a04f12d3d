/* The counter-based generators that name random streams (Salmon et al., SC 2011). */
#ifndef NETOPT_PHILOX_H
#define NETOPT_PHILOX_H

#include <stdint.h>

/* Multipliers and key increments of Philox4x32. */
#define PHILOX_M0 UINT32_C(0xD2511F53)
#define PHILOX_M1 UINT32_C(0xCD9E8D57)
#define PHILOX_W0 UINT32_C(0x9E3779B9)
#define PHILOX_W1 UINT32_C(0xBB67AE85)

enum { PHILOX_ROUNDS = 10 };

/* Philox4x32-10: turns a counter into four random words, in place. */
void philox4x32(const uint32_t key[2], uint32_t counter[4]);

/* Philox4x64-10, in place. */
void philox4x64(const uint64_t key[2], uint64_t counter[4]);

#endif
