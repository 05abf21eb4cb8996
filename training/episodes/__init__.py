"""Episodes drawn from cached embeddings: which rows support, which are asked, with seeds."""
