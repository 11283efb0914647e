"""Side-by-side measurements against rival engines; no part of the product, never imported by it."""
