"""A bare paho callback that counts: `python -m bench.paho_counter HOST PORT USER PASSWORD COUNT QOS`."""

from __future__ import annotations

import resource
import sys
import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    host, port, user, password, count, qos = sys.argv[1:]
    seen = 0
    done = threading.Event()

    def on_message(_client: object, _userdata: object, _message: object) -> None:
        nonlocal seen
        seen += 1
        if seen == int(count):
            done.set()

    def on_subscribe(*_: object) -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    client = paho.Client(CallbackAPIVersion.VERSION2, "bench-paho", clean_session=True)
    client.username_pw_set(user, password)
    client.max_inflight_messages_set(1000)
    client.on_message = on_message
    client.on_subscribe = on_subscribe
    client.connect(host, int(port))
    client.subscribe("community/#", int(qos))
    client.loop_start()
    done.wait(120)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(f"{seen} {usage.ru_utime + usage.ru_stime:.3f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
