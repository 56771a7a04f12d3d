"""The figures of Wang, Safaryan and Richtarik: smoothness-aware quantization (2022)."""
