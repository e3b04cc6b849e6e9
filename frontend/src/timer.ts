/** A timer that is set anew or cleared, whatever it was before. */
export class Timer {
  private id: ReturnType<typeof setTimeout> | undefined;

  get isSet(): boolean {
    return this.id !== undefined;
  }

  set(delay: number, act: () => void): void {
    this.clear();
    this.id = setTimeout(() => {
      this.id = undefined;
      act();
    }, delay);
  }

  clear(): void {
    clearTimeout(this.id);
    this.id = undefined;
  }
}
