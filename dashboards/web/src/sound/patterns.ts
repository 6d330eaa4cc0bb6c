/** The tones as numbers: each one loop of samples, so that playing on needs no timer and no file. */
import type { Tone } from "../model/sound";

interface Beep {
  at: number;
  for: number;
  hz: number;
  /** 0..1 */
  gain: number;
}

interface Pattern {
  seconds: number;
  beeps: readonly Beep[];
}

/**
 * P1 is a fast rise and fall that never pauses; P2 two beeps and a pause; P3 one low beep now and then; "stale" two soft
 * low ones. None is the three-pulse evacuation signal of ISO 8201: a desk is told, nobody is sent out of the house.
 */
export const PATTERNS: Record<Exclude<Tone, "none"> | "chime" | "test", Pattern> = {
  p1: {
    seconds: 0.8,
    beeps: [
      { at: 0, for: 0.2, hz: 960, gain: 0.9 },
      { at: 0.2, for: 0.2, hz: 770, gain: 0.9 },
      { at: 0.4, for: 0.2, hz: 960, gain: 0.9 },
      { at: 0.6, for: 0.2, hz: 770, gain: 0.9 },
    ],
  },
  p2: {
    seconds: 2.4,
    beeps: [
      { at: 0, for: 0.25, hz: 620, gain: 0.7 },
      { at: 0.4, for: 0.25, hz: 620, gain: 0.7 },
    ],
  },
  p3: { seconds: 6, beeps: [{ at: 0, for: 0.3, hz: 440, gain: 0.5 }] },
  stale: {
    seconds: 5,
    beeps: [
      { at: 0, for: 0.35, hz: 330, gain: 0.4 },
      { at: 0.5, for: 0.5, hz: 262, gain: 0.4 },
    ],
  },
  chime: {
    seconds: 1.2,
    beeps: [
      { at: 0, for: 0.4, hz: 880, gain: 0.6 },
      { at: 0.4, for: 0.7, hz: 660, gain: 0.6 },
    ],
  },
  test: {
    seconds: 1.6,
    beeps: [
      { at: 0, for: 0.2, hz: 960, gain: 0.9 },
      { at: 0.2, for: 0.2, hz: 770, gain: 0.9 },
      { at: 0.4, for: 0.2, hz: 960, gain: 0.9 },
      { at: 0.6, for: 0.2, hz: 770, gain: 0.9 },
      { at: 0.8, for: 0.2, hz: 960, gain: 0.9 },
      { at: 1.0, for: 0.2, hz: 770, gain: 0.9 },
    ],
  },
};

const EDGE_S = 0.008; // a beep that starts at once clicks

/** One loop at `rate` samples a second, each -1..1. Three harmonics carry through a cheap loudspeaker. */
export function samples(name: keyof typeof PATTERNS, rate: number): Float32Array<ArrayBuffer> {
  const { seconds, beeps } = PATTERNS[name];
  const out = new Float32Array(Math.round(seconds * rate));
  for (const beep of beeps) {
    const first = Math.round(beep.at * rate);
    const count = Math.round(beep.for * rate);
    for (let n = 0; n < count && first + n < out.length; n++) {
      const t = n / rate;
      const edge = Math.min(1, t / EDGE_S, (beep.for - t) / EDGE_S);
      const phase = 2 * Math.PI * beep.hz * t;
      const wave = Math.sin(phase) + 0.35 * Math.sin(2 * phase) + 0.25 * Math.sin(3 * phase);
      out[first + n] = Math.max(0, edge) * beep.gain * (wave / 1.6);
    }
  }
  return out;
}
