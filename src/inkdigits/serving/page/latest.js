// One job at a time; of those asked for meanwhile, only the latest is done.

export class Latest {
  #pause;
  #next = null;
  #busy = false;
  #stop = new AbortController();

  /** `pause`: milliseconds at least between the starts of two jobs. */
  constructor(pause) {
    this.#pause = pause;
  }

  /** Do job(signal), an async function, as soon as its turn comes, and hand what it returns to
   * done(result), or what it threw to failed(error); nothing is handed over once it is forgotten. */
  async ask(job, done, failed) {
    this.#next = { job, done, failed };
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next) {
      const { job, done, failed } = this.#next;
      const { signal } = this.#stop;
      const pause = new Promise((resolve) => setTimeout(resolve, this.#pause));
      this.#next = null;
      try {
        const result = await job(signal);
        if (!signal.aborted) done(result);
      } catch (error) {
        if (!signal.aborted) failed(error);
      }
      await pause;
    }
    this.#busy = false;
  }

  /** Stop what is being done and drop what is waiting. */
  forget() {
    this.#next = null;
    this.#stop.abort();
    this.#stop = new AbortController();
  }
}
