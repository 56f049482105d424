"""Blocks: the SDK that writes them, the registry that finds them, the guards around them, one module a family."""
