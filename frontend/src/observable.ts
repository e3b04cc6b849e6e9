/**
 * Values that change, and who looks at them.
 *
 * Belongs here: when a value is made anew and when its observers hear of it, which is once per frame. `Observable`
 * is what React's `useSyncExternalStore` and Svelte's `$store` both take.
 */

export interface Observable<T> {
  /** The value. The same object until it changes. */
  get(): T;
  /** The value before anything has happened: what a server renders. */
  initial(): T;
  /** Calls `run` with the value, now and after each change, at most once per frame. Returns how to stop. */
  subscribe(run: (value: T) => void): () => void;
}

/** Milliseconds after which changes are told without a frame: a hidden tab draws none. */
const WITHOUT_FRAMES = 500;
const FRAME = 16;

/** Runs each job once in the next frame, however often it was asked for. */
export class Frames {
  private jobs = new Set<() => void>();
  private frame: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  request(job: () => void): void {
    this.jobs.add(job);
    if (this.timer !== undefined) return;
    const drawing = typeof requestAnimationFrame === "function";
    if (drawing) this.frame = requestAnimationFrame(this.run);
    this.timer = setTimeout(this.run, drawing ? WITHOUT_FRAMES : FRAME);
  }

  forget(job: () => void): void {
    this.jobs.delete(job);
    if (!this.jobs.size) this.cancel();
  }

  private cancel(): void {
    clearTimeout(this.timer);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.timer = this.frame = undefined;
  }

  private run = (): void => {
    this.cancel();
    const jobs = this.jobs;
    this.jobs = new Set();
    for (const job of jobs) safely(job);
  };
}

/** Runs something of somebody else's; what it throws is reported and stops nothing here. */
export function safely(act: () => void): void {
  try {
    act();
  } catch (problem) {
    setTimeout(() => {
      throw problem;
    });
  }
}

/** An observable whose value is made from state that changes more often than anybody looks. */
export abstract class Observed<T> implements Observable<T> {
  private observers = new Set<{ run: (value: T) => void }>();
  private value: T | undefined;
  private first: T | undefined;
  private outdated = true;

  constructor(private frames: Frames) {}

  protected abstract make(): T;
  abstract makeInitial(): T;
  /** Somebody looks, after nobody did. */
  protected opened(): void {}
  /** Nobody looks any more. */
  protected closed(): void {}

  get = (): T => {
    if (this.value === undefined || (this.outdated && !this.observers.size)) this.remake();
    return this.value as T;
  };

  initial = (): T => (this.first ??= this.makeInitial());

  subscribe = (run: (value: T) => void): (() => void) => {
    const observer = { run };
    const first = !this.observers.size;
    if (first && this.outdated) this.remake();
    this.observers.add(observer);
    if (first) this.opened();
    safely(() => run(this.get()));
    return () => {
      if (!this.observers.delete(observer) || this.observers.size) return;
      this.frames.forget(this.tell);
      this.closed();
    };
  };

  /** The state has changed: the value is made anew, and told, in the next frame. */
  changed(): void {
    this.outdated = true;
    if (this.observers.size) this.frames.request(this.tell);
  }

  private remake(): void {
    this.outdated = false;
    this.value = this.make();
  }

  private tell = (): void => {
    this.remake();
    for (const { run } of [...this.observers]) safely(() => run(this.value as T));
  };
}
