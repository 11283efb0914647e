"""Records a heartbeat and a sample of the machine at an interval."""

import asyncio

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.errors import SeatrialError
from seatrial_engine.domain import events
from seatrial_engine.domain.commands import RecordEvents
from seatrial_engine.engine import new_id
from seatrial_engine.runtime import system_metrics
from seatrial_engine.runtime.engine_writer import EngineWriter
from seatrial_engine.settings import EngineSettings
from seatrial_service import logs


class Heartbeat:
    """Record that the engine runs and how busy its machine is.

    Args:
        writer: Takes the events.
        settings: Names, interval and disk.
        clock: The only source of time.
    """

    def __init__(self, writer: EngineWriter, settings: EngineSettings, clock: Clock) -> None:
        self._writer = writer
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        """Record until cancelled."""
        system_metrics.prime()
        name, environment = self._settings.name, Environment(self._settings.environment)
        while True:
            await asyncio.sleep(self._settings.update_interval_seconds)
            now, identity = self._clock.now(), new_id()
            try:
                sample = system_metrics.sample(self._settings.disk_path)
                heartbeat = events.heartbeat(f"heartbeat:{identity}", now, name, environment)
                system = events.machine_sampled(f"system:{identity}", now, name, environment, sample)
                await self._writer.submit(RecordEvents((heartbeat, system)))
            except (SeatrialError, OSError) as error:
                logs.get().warning("heartbeat_not_stored", error=str(error))
