"""The only code that imports locust: it runs in processes of its own."""
