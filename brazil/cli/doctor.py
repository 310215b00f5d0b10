"""`brazil doctor`: what this machine can do."""

import click

from brazil.cli.context import Session, json_option, pass_session, tell, tell_json
from brazil.report.machine import examination_data, examination_lines


@click.command()
@json_option
@pass_session
def doctor(session: Session, as_json: bool) -> int:
    """Say what builds are really isolated from on this machine, found by trying, and how to get what is missing.

    \b
    Example:
      brazil doctor

    \b
    Exit codes:
      5  builds cannot run here, or are not isolated
    """
    wiring = session.wiring()
    examination = wiring.examine()
    if as_json:
        tell_json(examination_data(examination.isolation, examination.problems, wiring.places.as_data()))
    else:
        tell(examination_lines(examination.isolation, examination.problems, wiring.places.as_data()))
    return 0 if examination.sound else 5
