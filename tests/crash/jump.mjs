// Preloaded into Node, this makes its wall clock jump by up to a month, to and fro, ten times a second.
const real = Date;
let offset = 0;
setInterval(() => (offset = Math.round((Math.random() * 2 - 1) * 30 * 24 * 3600_000)), 100).unref();
globalThis.Date = class extends real {
  constructor(...given) {
    if (given.length === 0) super(real.now() + offset);
    else super(...given);
  }
  static now() {
    return real.now() + offset;
  }
};
