"""The path of a request as logs and messages show it: without the secret that some senders can only put there."""

SECRET_PREFIXES = ("/webhook/",)


def shown_path(path: str) -> str:
    """Return a path whose part behind a secret prefix is replaced by `...`."""
    folded = "/" + path.lower().replace("\\", "/").lstrip("/")
    return next((f"{prefix}..." for prefix in SECRET_PREFIXES if folded.startswith(prefix)), path)
