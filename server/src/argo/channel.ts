// Several sources tell at once, one reader takes what they tell in the order in which it came. Who tells waits while the reader is far behind.

const most = 1000;

export class Channel<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private failure: { readonly error: unknown } | undefined;
  private isEnded = false;
  private wakeReader: () => void = () => undefined;
  private wakeWriters: (() => void)[] = [];

  /** Resolves when there is room for more. What is told after the end is dropped. */
  async push(item: T): Promise<void> {
    if (this.isEnded) return;
    this.items.push(item);
    this.wakeReader();
    if (this.items.length > most) await new Promise<void>(resolve => this.wakeWriters.push(resolve));
  }

  end(): void {
    this.isEnded = true;
    this.wakeReader();
  }

  /** The reader is told when it has read what came before. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    try {
      for (;;) {
        const item = this.items.shift();
        if (item !== undefined) {
          if (this.items.length < most / 2) this.release();
          yield item;
        } else if (this.failure !== undefined) throw this.failure.error;
        else if (this.isEnded) return;
        else await new Promise<void>(resolve => (this.wakeReader = resolve));
      }
    } finally {
      this.isEnded = true;
      this.release();
    }
  }

  private release(): void {
    for (const wake of this.wakeWriters.splice(0)) wake();
  }
}
