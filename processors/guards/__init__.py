"""The guards between blocks and the world: the web by `http`, files by `files`."""
