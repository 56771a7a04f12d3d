/* CRC-32C in portable C99: no Python, no allocation, no state but the constant tables. */
#ifndef NETOPT_CRC32C_H
#define NETOPT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Builds the tables of crc32c(); to be called once, before it. */
void crc32c_init(void);

/* CRC-32C (Castagnoli) of the n bytes, continued from the CRC `value` of what came before them. */
uint32_t crc32c(const uint8_t *data, size_t n, uint32_t value);

#endif
