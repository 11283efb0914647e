"""Records a heartbeat and a sample of the machine at an interval."""

import asyncio
from dataclasses import asdict

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.errors import SeatrialError
from seatrial_core.system_metrics import SystemSampler
from seatrial_engine.domain import events
from seatrial_engine.domain.commands import RecordEvents
from seatrial_engine.engine import new_id
from seatrial_engine.runtime.engine_writer import EngineWriter
from seatrial_engine.settings import EngineSettings
from seatrial_service.loops import BackgroundLoop, LoopSchedule


class Heartbeat:
    """Record that the engine runs and how busy its machine is.

    Args:
        writer: Takes the events.
        settings: Names, interval and disk.
        clock: The only source of time.
    """

    def __init__(self, writer: EngineWriter, settings: EngineSettings, clock: Clock) -> None:
        self._writer = writer
        self._name = settings.name
        self._environment = Environment(settings.environment)
        self._interval_seconds = settings.update_interval_seconds
        self._clock = clock
        self._sampler = SystemSampler(clock.monotonic, settings.disk_path)

    def loop(self) -> BackgroundLoop:
        """Return the loop that records."""
        interval = self._interval_seconds
        schedule = LoopSchedule(interval_seconds=interval, first_pause_seconds=interval, backoff=None)
        return BackgroundLoop("heartbeat", self._record, schedule, expected=(SeatrialError,))

    async def _record(self) -> None:
        sample = await asyncio.to_thread(self._sampler.sample)
        now, identity = self._clock.now(), new_id()
        heartbeat = events.heartbeat(f"heartbeat:{identity}", now, self._name, self._environment)
        system = events.machine_sampled(f"system:{identity}", now, self._name, self._environment, asdict(sample))
        await self._writer.submit(RecordEvents((heartbeat, system)))
