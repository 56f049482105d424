"""How far the engine is behind, and what the edge does about it: it refuses before it accepts."""
