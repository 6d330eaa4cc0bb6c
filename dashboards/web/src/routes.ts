/** The address after `#`: which page, and the one-time token of a sign-in link. */

export const PAGES = ["duty", "devices", "cameras", "coverage", "health", "notices", "inbox", "catalogue"] as const;
export type PageName = (typeof PAGES)[number];

/** Pages that only administrators may read. */
const FOR_ADMINS: readonly PageName[] = ["inbox", "catalogue"];

export const pagesFor = (roles: readonly string[]): PageName[] =>
  PAGES.filter((page) => roles.includes("admin") || !FOR_ADMINS.includes(page));

export interface Route {
  page: PageName;
  /** What is open on it, of `#/cameras/<id>`; empty: nothing. */
  open: string;
  /** Of `#/enter/<token>`. */
  token: string | null;
}

/** Anything unknown is the duty page: a mistyped address must not hide an alarm. */
export function routeOf(hash: string): Route {
  const [first = "", second = ""] = hash.replace(/^#\/?/, "").split("/");
  if (first === "enter" && second) return { page: "duty", open: "", token: decoded(second) };
  return { page: PAGES.find((p) => p === first) ?? "duty", open: decoded(second), token: null };
}

export const addressOf = (page: PageName, open = ""): string => `#/${page}${open && `/${encodeURIComponent(open)}`}`;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
