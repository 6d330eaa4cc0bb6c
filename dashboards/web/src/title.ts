/** The tab's title and icon: an alarm shows there too, when another tab is in front. */

interface Titles {
  plain: string;
  /** null when there is nothing to flash about. */
  alarm: string | null;
  now: number;
}

const FLASH_MS = 1_000;
let shown = "";

/** Alternates title and icon every second; with reduced motion the alarm stands still. */
export function flashTitle({ plain, alarm, now }: Titles): void {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const loud = alarm !== null && (still || Math.floor(now / FLASH_MS) % 2 === 0);
  const title = alarm === null ? plain : loud ? `▲▲ ${alarm}` : alarm;
  if (document.title !== title) document.title = title;
  const icon = loud ? "/favicon-alarm.svg" : "/favicon.svg";
  if (icon === shown) return;
  shown = icon;
  document.querySelector("#favicon")?.setAttribute("href", icon);
}
