"""A connection to a broker for `with SimulatedSite(...)`: paho in a thread of its own, publishing in order, QoS 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from devices.simulator.line import IN_FLIGHT, KEEPALIVE_S, address, client_id, wills
from devices.simulator.world import Sent, World

WAIT_S: Final = 30.0


class SyncLine:
    """Open, publish, close. paho reconnects by itself and sends again what was not acknowledged."""

    def __init__(self, url: str, world: World, name: str) -> None:
        self._where = address(url)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id(world, name))
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.reconnect_delay_set(1, 5)
        if self._where.user is not None:
            self._client.username_pw_set(self._where.user, self._where.password)
        context = self._where.context()
        if context is not None:
            self._client.tls_set_context(context)
        gone, _ = wills(world)
        if gone is not None:
            self._client.will_set(gone.topic, gone.payload, 1, gone.retained)

    def open(self) -> None:
        """Connect. Raises OSError when there is no broker."""
        self._client.connect(self._where.host, self._where.port, KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, messages: Sequence[Sent]) -> None:
        """Send all, in order, and wait until the broker has acknowledged them. Raises OSError after 30 s without."""
        handed = [self._client.publish(m.topic, m.payload, 1, m.retained) for m in messages]
        for info in handed:
            info.wait_for_publish(WAIT_S)
            if not info.is_published():
                raise OSError(f"the broker did not acknowledge a message within {WAIT_S:g} s")

    def close(self) -> None:
        """Say goodbye: the will is not said."""
        self._client.disconnect()
        self._client.loop_stop()
