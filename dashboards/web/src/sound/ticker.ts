/** A worker that only counts: browsers slow the timers of hidden pages down to one a minute, but not a worker's. */
setInterval(() => postMessage(0), 250);
