"""The built-in blocks, one module a family. Ids, names and pins are AutoGPT's where it has the block."""
