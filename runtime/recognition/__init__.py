"""From a gallery's support and a query's embedding to an answer."""
