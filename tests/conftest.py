import os

# Small work on small images: more threads than one only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
