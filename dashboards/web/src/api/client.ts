/** Requests to our own API: one function, two ways of failing, and one key for each thing a person asked for. */

const BASE = "/api/v1";
const TIMEOUT_MS = 8_000;

/** The gateway answered no. `code` is the last part of `urn:csg:problem:<code>`. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly waitS = 0,
    /** What is wrong, one by one, where the gateway says so. */
    readonly errors: readonly unknown[] = [],
  ) {
    super(message);
  }
}

/** No answer came, so nobody knows whether it was done: ask again with the same key. */
export class Unreachable extends Error {}

let csrf = "";
let onSignedOut: () => void = () => undefined;

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called when the gateway no longer knows our session. */
export function whenSignedOut(does: () => void): void {
  onSignedOut = does;
}

export function authLost(): void {
  onSignedOut();
}

interface Options {
  body?: unknown;
  /** Idempotency-Key: the same for every try of one press. */
  key?: string;
  /** If-Match: the version of the row that is edited. */
  version?: number;
  /** Sent as it is instead of `body`, with its own type. */
  file?: { data: Blob; type: string };
  timeoutMs?: number;
}

/** JSON in, JSON out. Raises `Refused` or `Unreachable`, nothing else. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  try {
    return await once<T>(method, path, options, json);
  } catch (error) {
    if (!(error instanceof Refused && error.code === "csrf")) throw error;
    // Somebody signed in anew in another tab: the cookie is the new one, so its token is asked for and used.
    setCsrf((await once<{ csrf: string }>("GET", "/session", {}, json)).csrf);
    return await once<T>(method, path, options, json);
  }
}

/** A picture and the headers that say what it is. Raises as `call`. */
export const picture = (path: string, timeoutMs: number): Promise<{ data: Blob; headers: Headers }> =>
  once("GET", path, { timeoutMs }, async (answer) => ({ data: await answer.blob(), headers: answer.headers }));

async function json<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  return (text ? JSON.parse(text) : null) as T;
}

async function once<T>(
  method: string, path: string, { body, key, version, file, timeoutMs }: Options, taken: (answer: Response) => Promise<T>,
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (file) headers["Content-Type"] = file.type;
  else if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-CSRF"] = csrf;
  if (key) headers["Idempotency-Key"] = key;
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs ?? TIMEOUT_MS);
  try {
    const answer = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: abort.signal,
      ...(file ? { body: file.data } : body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.ok) return await taken(answer);
    const problem = parsed(await answer.text());
    if (answer.status === 401 && path !== "/session" && path !== "/session/password") onSignedOut();
    const code = String(problem["type"] ?? "").split(":").pop() || `http_${answer.status}`;
    const wait = Number(answer.headers.get("Retry-After") ?? 0);
    const message = String(problem["detail"] ?? problem["title"] ?? `HTTP ${answer.status}`);
    const errors = Array.isArray(problem["errors"]) ? problem["errors"] : [];
    throw new Refused(answer.status, code, message, Number.isFinite(wait) ? wait : 0, errors);
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Unreachable(String(error));
  } finally {
    clearTimeout(timer);
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // a proxy's HTML page, say
  }
}

/** 128 random bits. Not crypto.randomUUID, which plain http on a local network does not offer. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** A device's or place's id as a part of an address: its own slashes stay. */
export const inPath = (id: string): string => id.split("/").map(encodeURIComponent).join("/");

/** Every item of a paged list, at most `pages` pages. */
export async function all<T>(path: string, pages = 20): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let n = 0; n < pages; n++) {
    const joint = path.includes("?") ? "&" : "?";
    const page: { items: T[]; next: string | null } = await call(
      "GET", cursor === null ? path : `${path}${joint}cursor=${encodeURIComponent(cursor)}`,
    );
    items.push(...page.items);
    cursor = page.next;
    if (cursor === null) break;
  }
  return items;
}
