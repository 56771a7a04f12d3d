/* CRC-32C in portable C, eight bytes a step through eight tables (slicing-by-8).
 *
 * tables[k][v] is the register that byte v leaves behind after k more zero bytes. The register is
 * linear in its input, so eight bytes are eight independent look-ups.
 */
#include "crc32c.h"

#include <assert.h>

#define POLYNOMIAL UINT32_C(0x82F63B78) /* Castagnoli's, lowest bit first */

static uint32_t tables[8][256];

void crc32c_init(void) {
    for (uint32_t v = 0; v < 256; v++) {
        uint32_t crc = v;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][v] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t v = 0; v < 256; v++)
            tables[k][v] = tables[k - 1][v] >> 8 ^ tables[0][tables[k - 1][v] & 255];
}

/* Four bytes, lowest first: compilers turn this into one load. */
static uint32_t load_four(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint32_t crc32c(const uint8_t *data, size_t n, uint32_t value) {
    uint32_t crc = ~value;

    assert(tables[0][128] == POLYNOMIAL);
    for (; n >= 8; n -= 8, data += 8) {
        const uint32_t low = load_four(data) ^ crc, high = load_four(data + 4);
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
              tables[4][low >> 24] ^ tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^
              tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    for (; n > 0; n--, data++)
        crc = crc >> 8 ^ tables[0][(crc ^ *data) & 255];
    return ~crc;
}
