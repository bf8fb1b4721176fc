"""MJCF files, mesh-free, written from published numbers."""
