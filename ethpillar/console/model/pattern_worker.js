/** Runs a pattern of the user over lines, where it can be ended when it takes too long. */

self.onmessage = ({ data }) => {
  const { id, source, lines } = data;
  const pattern = new RegExp(source, "iu");
  self.postMessage({ id, hits: lines.map((/** @type {string} */ line) => pattern.test(line)) });
};
