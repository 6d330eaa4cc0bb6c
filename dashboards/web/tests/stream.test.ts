/** Events come out whole however the bytes were cut. */
import { describe, expect, it } from "vitest";

import { EventParser, type StreamEvent } from "../src/api/stream";

const TEXT = 'retry: 2000\n\n: ping\nevent: ping\ndata: {"a":1}\n\nid: 7\nevent: incident\ndata: {"b":\ndata: 2}\r\n\r\nevent: alarm\ndata: x\n\ndata: half';

function parse(chunks: string[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = new EventParser((e) => events.push(e));
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

describe("the parser", () => {
  it("reads comments, ids that last, and data of several lines", () => {
    expect(parse([TEXT])).toEqual([
      { id: "", type: "ping", data: '{"a":1}' },
      { id: "7", type: "incident", data: '{"b":\n2}' },
      { id: "7", type: "alarm", data: "x" },
    ]);
  });

  it("gives the same for every cut", () => {
    const whole = parse([TEXT]);
    for (let n = 0; n <= TEXT.length; n++) expect(parse([TEXT.slice(0, n), TEXT.slice(n)])).toEqual(whole);
    expect(parse([...TEXT])).toEqual(whole);
  });
});
