/* Philox in portable C, one block at a time: for roots and block keys; the tiers have loops. */
#include "philox.h"

#define M0_64 UINT64_C(0xD2E7470EE14C6C93)
#define M1_64 UINT64_C(0xCA5A826395121157)
#define W0_64 UINT64_C(0x9E3779B97F4A7C15)
#define W1_64 UINT64_C(0xBB67AE8584CAA73B)

void philox4x32(const uint32_t key[2], uint32_t counter[4]) {
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t a = (uint64_t)PHILOX_M0 * counter[0], b = (uint64_t)PHILOX_M1 * counter[2];
        counter[0] = (uint32_t)(b >> 32) ^ counter[1] ^ k0;
        counter[1] = (uint32_t)b;
        counter[2] = (uint32_t)(a >> 32) ^ counter[3] ^ k1;
        counter[3] = (uint32_t)a;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
}

/* The high half of a 128-bit product. */
static uint64_t high_product(uint64_t a, uint64_t b) {
    const uint64_t a0 = a & UINT32_MAX, a1 = a >> 32, b0 = b & UINT32_MAX, b1 = b >> 32;
    const uint64_t low = a0 * b0, left = a1 * b0, right = a0 * b1;
    const uint64_t middle = (low >> 32) + (left & UINT32_MAX) + (right & UINT32_MAX);

    return a1 * b1 + (left >> 32) + (right >> 32) + (middle >> 32);
}

void philox4x64(const uint64_t key[2], uint64_t counter[4]) {
    uint64_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t low0 = M0_64 * counter[0], low1 = M1_64 * counter[2];
        const uint64_t high0 = high_product(M0_64, counter[0]);
        const uint64_t high1 = high_product(M1_64, counter[2]);
        counter[0] = high1 ^ counter[1] ^ k0;
        counter[1] = low1;
        counter[2] = high0 ^ counter[3] ^ k1;
        counter[3] = low0;
        k0 += W0_64;
        k1 += W1_64;
    }
}
