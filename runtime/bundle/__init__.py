"""What is deployed: manifest, loading, verification."""
