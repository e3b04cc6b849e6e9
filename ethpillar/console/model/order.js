/**
 * Sorted lists, and sums over them.
 *
 * Belongs here: merging into a sorted array, binary search, and a Fenwick tree of the rows' heights. Pure.
 */

/**
 * Merge sorted `added` into sorted `list`, in place; of equals, those that were there come first.
 *
 * @template T
 * @param {T[]} list @param {T[]} added @param {(a: T, b: T) => number} compare
 * @returns {number} the first index that changed; the old length when all were appended
 */
export function merge(list, added, compare) {
  if (added.length === 0) return list.length;
  let from = list.length;
  if (from === 0 || compare(list[from - 1], added[0]) <= 0) {
    for (const each of added) list.push(each);
    return from;
  }
  from = after(list, (each) => compare(each, added[0]) <= 0);
  const tail = list.slice(from);
  list.length = from;
  let i = 0;
  let k = 0;
  while (i < tail.length && k < added.length) list.push(compare(tail[i], added[k]) <= 0 ? tail[i++] : added[k++]);
  while (i < tail.length) list.push(tail[i++]);
  while (k < added.length) list.push(added[k++]);
  return from;
}

/**
 * The first index whose element is not `before` any more.
 *
 * @template T
 * @param {ArrayLike<T>} list @param {(each: T) => boolean} before true for a prefix of the list
 */
export function after(list, before) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(list[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Heights of rows: set one, add some, ask for the sum before one or for the row at an offset, each in log n steps. */
export class Heights {
  constructor() {
    this.length = 0;
    this._heights = new Float32Array(1024);
    this._tree = new Float64Array(1025);
  }

  /** @param {number} index */
  get(index) {
    return this._heights[index];
  }

  /** Keep the first `length` and append these. @param {number} length @param {number} count @param {(index: number) => number} height */
  replace(length, count, height) {
    const total = length + count;
    if (total > this._heights.length) {
      const heights = new Float32Array(Math.max(total, this._heights.length * 2));
      heights.set(this._heights);
      this._heights = heights;
      this._tree = new Float64Array(heights.length + 1);
      this.length = total;
      for (let i = length; i < total; i++) heights[i] = height(i);
      return this._build();
    }
    const appended = length === this.length && count < 4000;
    for (let i = length; i < total; i++) this._heights[i] = height(i);
    this.length = total;
    if (!appended) return this._build();
    for (let i = length; i < total; i++) this._sumUp(i + 1);
  }

  /** A node of the tree from its children, when all before it is right. @param {number} node */
  _sumUp(node) {
    let sum = this._heights[node - 1];
    const lowest = node - (node & -node);
    for (let child = node - 1; child > lowest; child -= child & -child) sum += this._tree[child];
    this._tree[node] = sum;
  }

  _build() {
    for (let node = 1; node <= this.length; node++) this._sumUp(node);
  }

  /** @param {number} index @param {number} height */
  set(index, height) {
    const by = height - this._heights[index];
    if (by === 0) return;
    this._heights[index] = height;
    for (let node = index + 1; node <= this.length; node += node & -node) this._tree[node] += by;
  }

  /** The sum of all before an index. @param {number} index */
  before(index) {
    let sum = 0;
    for (let node = Math.min(index, this.length); node > 0; node -= node & -node) sum += this._tree[node];
    return sum;
  }

  get total() {
    return this.before(this.length);
  }

  /** The row at an offset from the top. @param {number} offset */
  at(offset) {
    let node = 0;
    let left = offset;
    for (let step = 1 << (31 - Math.clz32(this.length || 1)); step > 0; step >>= 1) {
      const next = node + step;
      if (next <= this.length && this._tree[next] <= left) {
        node = next;
        left -= this._tree[next];
      }
    }
    return Math.min(node, Math.max(0, this.length - 1));
  }
}
