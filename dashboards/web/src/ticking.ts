/** Calls back four times a second, also while the page is hidden. Returns how to stop it. */
export function startTicking(does: () => void): () => void {
  if (typeof Worker !== "undefined") {
    try {
      const worker = new Worker(new URL("./sound/ticker.ts", import.meta.url), { type: "module" });
      worker.onmessage = does;
      // A worker that cannot load must not stop the page's clock.
      let spare: ReturnType<typeof setInterval> | undefined;
      worker.onerror = () => (spare ??= setInterval(does, 250));
      return () => {
        worker.terminate();
        clearInterval(spare);
      };
    } catch {
      // Workers are forbidden here; an ordinary timer does while the page is seen.
    }
  }
  const timer = setInterval(does, 250);
  return () => clearInterval(timer);
}
