"""Chooses the environment variables of a child process: an allow-list, so that no secret of the user is in it."""

from collections.abc import Collection, Mapping

# What programs need from the system: paths, language, time zone, temporary folder.
SYSTEM = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT"),
    }
)
SYSTEM_PREFIXES = ("LC_", "PYTHON")
# What connections to other machines need: certificates and proxies.
NETWORK = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# What libraries of calculations read; a coverage run follows its children.
LIBRARY_PREFIXES = ("NUMBA_", "OMP_", "MKL_", "OPENBLAS_", "COVERAGE_")


def allowed(
    environment: Mapping[str, str],
    names: Collection[str] = (),
    prefixes: tuple[str, ...] = (),
    *,
    with_network: bool = True,
) -> dict[str, str]:
    """Return the variables of `environment` that a child process may have.

    Args:
        environment: The variables of this process.
        names: Further names, such as the settings of the child.
        prefixes: Prefixes of further names.
        with_network: Whether the child connects to other machines and needs certificates and proxies.
    """
    kept = {*SYSTEM, *names, *(NETWORK if with_network else ())}
    if with_network:
        kept.update(name for proxy in PROXIES for name in (proxy, proxy.lower()))
    starts = (*SYSTEM_PREFIXES, *LIBRARY_PREFIXES, *prefixes)
    return {name: value for name, value in environment.items() if name in kept or name.startswith(starts)}
