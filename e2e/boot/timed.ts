/** Does a piece of work and prints how long it took: what is slow here is a machine that is interpreted. */
export async function timed<T>(title: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${title}`);
  }
}
