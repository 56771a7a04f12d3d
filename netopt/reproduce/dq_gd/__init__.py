"""The figures of Lin, Kostina and Hassibi: differentially quantized gradient methods (2022)."""
