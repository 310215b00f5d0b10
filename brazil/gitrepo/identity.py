"""Who the user is to git: for the revisions they make."""

import os
import pwd
import socket
import subprocess
from collections.abc import Mapping

from brazil.gitrepo.process import not_started


def git_identity(environment: Mapping[str, str]) -> str:
    """Return "Name <mail>" as git would sign a commit; where git does not know, from the account on this machine.

    Args:
        environment: of the user; it may hold git's own variables.

    Raises:
        UnavailableError: git cannot be started.
    """
    try:
        done = subprocess.run(
            ["git", "var", "GIT_AUTHOR_IDENT"], env=dict(environment), cwd="/", capture_output=True, check=False
        )
    except OSError as error:
        raise not_started(error) from error
    name, bracket, rest = done.stdout.decode("utf-8", "replace").partition(" <")
    mail = rest.partition(">")[0]
    if done.returncode == 0 and bracket and mail:
        return f"{name} <{mail}>"
    account = pwd.getpwuid(os.geteuid()).pw_name
    return f"{account} <{account}@{socket.gethostname()}>"
