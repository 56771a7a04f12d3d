"""The experiments of Avdiukhin and Yaroslavtsev: compressed SGD leaves saddle points (2021)."""
