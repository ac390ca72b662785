"""The files on disk. The only package that writes them."""
