/**
 * The event stream (SSE), read with fetch: unlike EventSource this counts every byte as a sign of life, learns why it was
 * refused, and names the last event also when we reconnect ourselves after a silence.
 */

export interface StreamEvent {
  id: string;
  type: string;
  data: string;
}

export interface StreamHandlers {
  /** Anything came, a ping included. */
  heard: () => void;
  event: (event: StreamEvent) => void;
  /** The stream ended or never began; `status` is the HTTP status of a refusal. Called once, never after `drop`. */
  ended: (status: number | null) => void;
}

/** Cuts a text stream into events by the rules of the HTML standard (section 9.2.6), as far as servers send them. */
export class EventParser {
  private rest = "";
  private id = "";
  private type = "";
  private data: string[] = [];

  constructor(private readonly emit: (event: StreamEvent) => void) {}

  push(text: string): void {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line);
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length) this.emit({ id: this.id, type: this.type || "message", data: this.data.join("\n") });
      this.type = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.type = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
  }
}

/** Opens the stream; the returned function drops it. */
export function openStream(lastId: string, handlers: StreamHandlers): () => void {
  const abort = new AbortController();
  void read(lastId, handlers, abort.signal);
  return () => abort.abort();
}

async function read(lastId: string, handlers: StreamHandlers, signal: AbortSignal): Promise<void> {
  let status: number | null = null;
  try {
    const answer = await fetch("/api/v1/stream", {
      headers: { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) },
      credentials: "same-origin",
      cache: "no-store",
      signal,
    });
    if (!answer.ok || !answer.body) status = answer.status;
    else {
      const parser = new EventParser(handlers.event);
      const decoder = new TextDecoder();
      // Headers alone are no sign of life: a gateway that lives sends a ping at once.
      const reader = answer.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted) break;
        handlers.heard();
        parser.push(decoder.decode(value, { stream: true }));
      }
    }
  } catch {
    // The network failed; `ended` says so.
  }
  if (!signal.aborted) handlers.ended(status);
}
