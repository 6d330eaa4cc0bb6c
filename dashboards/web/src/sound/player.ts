/** The loudspeaker: one looping tone at a time, and single sounds over it. */
import type { Tone } from "../model/sound";
import { PATTERNS, samples } from "./patterns";

export class Player {
  private context: AudioContext | null = null;
  private playing: { tone: Tone; source: AudioBufferSourceNode } | null = null;
  private wanted: Tone = "none";
  private readonly buffers = new Map<string, AudioBuffer>();

  /** `changed` is called when the browser starts or stops letting us sound. */
  constructor(private readonly changed: () => void) {}

  /** Whether a tone would be heard as far as the browser is concerned. */
  get running(): boolean {
    return this.context?.state === "running";
  }

  /** Asks the browser for sound; it says yes after the person has touched the page. */
  async wake(): Promise<boolean> {
    if (typeof AudioContext === "undefined") return false;
    if (!this.context || this.context.state === "closed") {
      this.context = new AudioContext();
      this.buffers.clear();
      this.playing = null;
      this.context.onstatechange = () => this.changed();
    }
    if (this.context.state !== "running") {
      // Without a touch the promise may stay open for ever, so it is not awaited alone.
      await Promise.race([this.context.resume().catch(() => undefined), new Promise((r) => setTimeout(r, 300))]);
    }
    if (this.running) this.loop(this.wanted);
    this.changed();
    return this.running;
  }

  /** From now on this tone, until another is asked for. */
  loop(tone: Tone): void {
    this.wanted = tone;
    if (this.playing?.tone === tone || (this.playing === null && tone === "none")) return;
    this.playing?.source.stop();
    this.playing = null;
    if (tone === "none" || !this.context || !this.running) return;
    const source = this.source(tone);
    if (!source) return;
    source.loop = true;
    source.start();
    this.playing = { tone, source };
  }

  once(name: "chime" | "test"): void {
    this.source(name)?.start();
  }

  private source(name: keyof typeof PATTERNS): AudioBufferSourceNode | null {
    const context = this.context;
    if (!context) return null;
    let buffer = this.buffers.get(name);
    if (!buffer) {
      const data = samples(name, context.sampleRate);
      buffer = context.createBuffer(1, data.length, context.sampleRate);
      buffer.copyToChannel(data, 0);
      this.buffers.set(name, buffer);
    }
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    return source;
  }
}
