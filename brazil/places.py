"""Where this user's files are. Part of the composition root; apart from it because the quickest path asks only this."""

import os

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Mapping


class Places:
    """Where this user's files are: absolute paths of folders."""

    __slots__ = ("cache", "config", "data")

    def __init__(self, data: str, cache: str, config: str) -> None:
        self.data = data  # what was promised to be kept
        self.cache = cache  # all of it can be deleted at any time
        self.config = config

    def as_data(self) -> dict[str, str]:
        """Name to path, in the order in which they are told."""
        return {"data": self.data, "cache": self.cache, "config": self.config}

    @property
    def store(self) -> str:
        """What is addressed by its content."""
        return f"{self.data}/store"

    @property
    def platforms(self) -> str:
        """The root file systems of builds."""
        return f"{self.cache}/platforms"


def find_places(environment: "Mapping[str, str]") -> Places:
    """`BRAZIL_HOME` moves all three under one folder; else they are where the platform has such folders."""
    home = environment.get("BRAZIL_HOME")
    if home:
        root = os.path.join(os.getcwd(), home)
        return Places(f"{root}/data", f"{root}/cache", f"{root}/config")
    from platformdirs import PlatformDirs

    folders = PlatformDirs("brazil", appauthor=False)
    return Places(folders.user_data_dir, folders.user_cache_dir, folders.user_config_dir)
