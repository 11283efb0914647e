"""Adds to every foreign image the digest that its registry gives for its tag: `python scripts/pin_images.py`.

A release runs it where a registry is reachable. It rewrites the files that `container_images` reads. If a digest
cannot be resolved, it ends with 1 and a message and changes nothing.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from container_images import DIGEST, FILES, ROOT, ImageUse, uses

REGISTRY = "https://registry-1.docker.io"
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TIMEOUT_SECONDS = 20.0
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
Resolve = Callable[[ImageUse], str]


class DigestUnavailable(Exception):
    """A registry gave no digest; the message says why."""


def digest(use: ImageUse, registry: str = REGISTRY) -> str:
    """Return the digest of an image's tag.

    Raises:
        DigestUnavailable: The registry cannot be reached, or has no such image.
    """
    name = use.repository if "/" in use.repository else f"library/{use.repository}"
    url = f"{registry}/v2/{name}/manifests/{use.tag}"
    headers = {"Accept": ACCEPT}
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=True) as client:
            response = client.head(url, headers=headers)
            if response.status_code == 401:
                headers["Authorization"] = f"Bearer {_token(client, response.headers['WWW-Authenticate'])}"
                response = client.head(url, headers=headers)
            response.raise_for_status()
            content_digest = response.headers.get("Docker-Content-Digest", "")
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise DigestUnavailable(f"{use.reference}: {registry} gave no digest: {error}") from error
    if not DIGEST.search(f"@{content_digest}"):
        raise DigestUnavailable(f"{use.reference}: {registry} gave no digest")
    return str(content_digest)


def pin(root: Path, resolve: Resolve = digest) -> list[str]:
    """Write the digests into the files and return the pinned references."""
    foreign = {use.reference: use for use in uses(root) if _is_foreign(use)}
    digests = {reference: resolve(use) for reference, use in foreign.items()}
    for pattern in FILES:
        for path in root.glob(pattern):
            text = path.read_text(encoding="utf-8")
            for reference, value in digests.items():
                text = re.sub(rf"{re.escape(reference)}(?![\w.@-])", f"{reference}@{value}", text)
            path.write_text(text, encoding="utf-8")
    return [f"{reference}@{value}" for reference, value in digests.items()]


def main() -> int:
    """Pin the images of this repository."""
    try:
        pinned = pin(ROOT)
    except DigestUnavailable as error:
        sys.stderr.write(
            f"{error}\nNothing was changed. Images stay pinned to exact tags; run it where a registry answers.\n"
        )
        return 1
    sys.stdout.writelines(f"{reference}\n" for reference in pinned or ["every foreign image has a digest"])
    return 0


def _is_foreign(use: ImageUse) -> bool:
    ours = use.repository.startswith(("seatrial/", "registry.example.com/"))
    return not ours and not use.file.startswith(".github/") and "@" not in use.reference


def _token(client: httpx.Client, challenge: str) -> str:
    fields = dict(CHALLENGE.findall(challenge))
    response = client.get(fields["realm"], params={"service": fields["service"], "scope": fields["scope"]})
    response.raise_for_status()
    return str(response.json()["token"])


if __name__ == "__main__":
    sys.exit(main())
