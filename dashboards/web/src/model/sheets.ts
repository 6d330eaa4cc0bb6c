/** What a chosen catalogue file is, by its name. */
const TYPES: Record<string, string> = {
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  zip: "application/zip",
  csv: "text/csv",
  json: "application/json",
};

/** Its media type; null for a file the gateway does not take. */
export function typeOf(name: string): string | null {
  return TYPES[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? null;
}

export const ACCEPT = Object.keys(TYPES).map((ending) => `.${ending}`).join(",");
