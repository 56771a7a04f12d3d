"""The core turns integers into bits and back; it knows nothing of codecs or networks."""
