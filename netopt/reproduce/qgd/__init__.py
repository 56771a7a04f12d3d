"""The experiments of Bo and Wang: quantization avoids saddle points (2024)."""
