"""A source that listens, in `csg.yaml`: what is right, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import check_text
from gateway.config.settings import with_broker
from gateway.listen.address import Address, parse_listen

KEY = "correct-horse-16"
ENVIRON = {"KEY": KEY, "SHORT": "hunter2", "SIGNING": "hunter2 " * 40}
BEGIN = "sources:\n  - {name: a, site: home, "


def said(text: str) -> list[str]:
    """What the check says, without the file's name."""
    report = check_text("csg.yaml", text.encode(), Path("/nowhere"), ENVIRON)
    assert report.ok is (report.settings is not None)
    return [str(problem).removeprefix("csg.yaml:") for problem in report.errors]


def test_a_source_that_listens_arrives_typed() -> None:
    """One address or several; the key is resolved and never shown; it has no part in the embedded broker."""
    text = (
        BEGIN
        + "listen: [http, 'udp://[::]:5200'], codecs: [gb26875], key: '${KEY}'}\nlistener: {port: 9000}\n"
    )
    settings = check_text("csg.yaml", text.encode(), Path("/nowhere"), ENVIRON).settings
    assert settings is not None
    (source,) = settings.sources
    assert source.listens == (Address("http"), Address("udp", "::", 5200))
    assert [str(address) for address in source.listens] == ["http", "udp://[::]:5200"]
    assert source.key == KEY
    assert not source.embedded
    assert settings.listener.port == 9000
    assert KEY not in repr(settings)
    assert with_broker(settings, "mqtt://elsewhere").sources == settings.sources


@pytest.mark.parametrize(("written", "expected"), [
    ("listen: http, codecs: [native]}",
     ["2:5: sources[0]: expected the key key (${NAME} or file:PATH), the secret of its address, found no such key"]),
    ("listen: http, codecs: [native], key: correct-horse-16}",
     [("2:64: sources[0].key: expected a reference: ${NAME} for the environment or file:PATH, "
      "found a secret written in the file; nearest: ${CSG_SOURCES_0_KEY}")]),
    ("listen: http, codecs: [native], key: '${SHORT}'}",
     [("2:64: sources[0].key: expected 16 to 128 letters, digits, . _ ~ - (it is a part of the address), "
      "found another text")]),
    ("listen: http, key: '${KEY}'}",
     ["2:5: sources[0].codecs: expected one codec: what is pushed has no topic that would tell, found none"]),
    ("listen: http, codecs: [native, zigbee2mqtt], key: '${KEY}'}",
     ["2:49: sources[0].codecs: expected one codec: what is pushed has no topic that would tell, found 2 of them"]),
    ("listen: http, codecs: [native], key: '${KEY}', broker: embedded, filters: ['#']}",
     ["2:74: sources[0].broker: expected nothing of a broker's beside listen, found broker",
      "2:92: sources[0].filters: expected nothing of a broker's beside listen, found filters"]),
    ("listen: https, codecs: [native], key: '${KEY}'}",
     ['2:35: sources[0].listen: expected http, tcp://host:port or udp://host:port, found "https"; nearest: http']),
    ("listen: '0.0.0.0:5200', codecs: [gb26875]}",
     [("2:35: sources[0].listen: expected http, tcp://host:port or udp://host:port, found \"0.0.0.0:5200\"; "
      "nearest: tcp://0.0.0.0:5200")]),
    ("listen: 'tcp://0.0.0.0', codecs: [gb26875]}",
     ['2:35: sources[0].listen: expected http, tcp://host:port or udp://host:port, found "tcp://0.0.0.0"']),
    ("listen: ['tcp://a:1', 'tcp://a:2'], codecs: [gb26875]}",
     ['2:49: sources[0].listen[1]: expected tcp once in a source, found "tcp://a:2" too']),
    ("listen: 'tcp://a:1', codecs: [gb26875], key: '${KEY}'}",
     [("2:72: sources[0].key: expected no key: frames carry none, so who may send is for the network to say, "
      "found one")]),
    ("key: '${KEY}'}", ["2:32: sources[0].key: expected listen beside it, found a source that reads a broker"]),
    ("listen: 'tcp://a:1', codecs: [gb26875]}\n  - {name: b, site: home, listen: 'tcp://b:1', codecs: [gb26875]}",
     ['3:35: sources[1].listen: expected a port of its own, found "tcp://b:1", which a has already']),
])  # fmt: skip
def test_each_mistake_is_told_with_its_place(written: str, expected: list[str]) -> None:
    """Line, column, key, what was expected and what was found, and never the secret."""
    assert said(BEGIN + written + "\n") == expected


def test_frames_need_a_codec_that_reads_them() -> None:
    """A codec without frames on a TCP port is told with those that have some."""
    (problem,) = said(BEGIN + "listen: 'tcp://a:1', codecs: [native]}\n")
    assert problem.startswith("2:57: sources[0].codecs[0]: expected a codec that reads frames (")
    assert "gb26875" in problem
    assert "native," not in problem
    assert problem.endswith('), found "native" on tcp://a:1')


@pytest.mark.parametrize(
    "text", ["tcp://a:0", "tcp://:5", "tcp://u:p@a:5", "tcp://a:5/x", "tcp://a:70000", "", "udp"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Neither a default port nor a path, neither a user nor a blank."""
    with pytest.raises(ValueError, match=r"."):
        parse_listen(text)


def test_a_platform_stands_only_where_its_family_can_be_asked() -> None:
    """Its secrets are references like any other, its commands are ours, and other families have none."""
    good = BEGIN + (
        "listen: http, codecs: [ctwing], key: '${KEY}', platform: {product: '1', key: '${KEY}', app: A, "
        "secret: '${KEY}', commands: {mute: {serviceIdentifier: s}}}}\n"
    )
    settings = check_text("csg.yaml", good.encode(), Path("/nowhere"), ENVIRON).settings
    assert settings is not None
    platform = settings.sources[0].platform
    assert platform is not None
    assert (platform.access.key, platform.access.commands["mute"]) == (KEY, {"serviceIdentifier": "s"})
    assert KEY not in repr(settings)
    assert KEY not in repr(settings.sources)
    assert said(good.replace("ctwing", "native")) == [
        "2:74: sources[0].platform: expected a platform only with ctwing or huawei_iotda or onenet, found native"
    ]
    assert (
        "sources[0].platform.key: expected a reference"
        in said(good.replace("1', key: '${KEY}'", "1', key: plain"))[0]
    )
    lacking = said(good.replace("ctwing", "huawei_iotda"))
    assert [line.partition(": expected ")[2] for line in lacking] == [
        f"the key {name}, which huawei_iotda needs, found no such key" for name in ("project", "url")
    ]
