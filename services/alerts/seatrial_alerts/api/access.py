"""What every router of the alerts service uses: scopes and page sizes."""

from typing import Annotated

from fastapi import Query

from seatrial_service.routing import requires

READ = [requires("alerts:read")]
WRITE = [requires("alerts:write")]
Limit = Annotated[int, Query(ge=1, le=500)]
