"""From raw embeddings to one fused space, whatever streams are there."""
