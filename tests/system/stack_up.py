"""What `seatrial up` does, with two stand-in services in place of the real ones: `stack_up.py FOLDER`."""

import sys
from pathlib import Path

from seatrial.stack import background, foreground
from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.services import ServiceSpec, StackPlan

STANDIN = str(Path(__file__).with_name("stack_standin.py"))


def standin(name: str) -> ServiceSpec:
    """Return a stand-in service whose port comes from its variable."""
    return ServiceSpec(name, 0, command=(sys.executable, "-I", "-S", STANDIN, f"SEATRIAL_{name.upper()}_PORT"))


def plan() -> StackPlan:
    """Return a stack of two stand-ins and no migrations."""
    return StackPlan(
        services=(standin("first"), standin("second")),
        migration=(sys.executable, "-I", "-S", "-c", "pass"),
        postgres_settings={"fsync": "off"},
    )


def main() -> int:
    """Run the stack until a signal comes, in the background when asked as `seatrial up --detach` asks."""
    if "--report" in sys.argv:
        return background.main(sys.argv[1:], plan())
    try:
        return foreground.run(Layout(Path(sys.argv[1])), foreground.serve, plan())
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
