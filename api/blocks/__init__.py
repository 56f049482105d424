"""The blocks of this installation, and running one by itself."""
