/**
 * @dataplane The times of one key as a binary heap in a plain array: the least comes first. It is
 * what state holds of a timer.
 */

/** Adds a time. */
export function pushTime(times: number[], time: number): void {
  let node = times.length;
  times.push(time);
  while (node > 0) {
    const parent = (node - 1) >> 1;
    const other = times[parent] as number;
    if (other <= time) break;
    times[node] = other;
    node = parent;
  }
  times[node] = time;
}

/** Removes the time at a place of the array. */
export function removeTimeAt(times: number[], place: number): void {
  const time = times.pop() as number;
  if (place === times.length) return;
  let node = place;
  while (node > 0 && (times[(node - 1) >> 1] as number) > time) {
    times[node] = times[(node - 1) >> 1] as number;
    node = (node - 1) >> 1;
  }
  sink(times, node, time);
}

function sink(times: number[], from: number, time: number): void {
  const size = times.length;
  let node = from;
  for (;;) {
    let least = 2 * node + 1;
    if (least >= size) break;
    if (least + 1 < size && (times[least + 1] as number) < (times[least] as number)) least++;
    const other = times[least] as number;
    if (time <= other) break;
    times[node] = other;
    node = least;
  }
  times[node] = time;
}
