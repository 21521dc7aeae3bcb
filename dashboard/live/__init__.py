"""The live push: a board of the nation that moves with every cell, and the clients that watch it."""
