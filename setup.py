"""Which folder of the repository goes where in the wheel; everything else stands in pyproject.toml.

See docs/decisions/019-one-name-in-site-packages.md.
"""

from setuptools import find_namespace_packages, setup

PARTS = ("service", "workers", "sandbox")


def packages_in(folder: str) -> list[str]:
    """Folders of templates count as packages too."""
    return find_namespace_packages(include=[folder, f"{folder}.*"])


setup(
    packages=packages_in("adductor") + [f"adductor._parts.{name}" for part in PARTS for name in packages_in(part)],
    package_dir={f"adductor._parts.{part}": part for part in PARTS},
)
