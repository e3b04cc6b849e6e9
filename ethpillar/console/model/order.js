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

/**
 * Heights of rows: set one, add some, drop the first, ask for the sum before one or for the row at an offset, each in
 * log n steps.
 */
export class Heights {
  constructor() {
    this.length = 0;
    this._heights = new Float32Array(1024);
    this._tree = new Float64Array(1025);
    /** Rows that were dropped and still have a place, and the sum of their heights. */
    this._dropped = 0;
    this._before = 0;
  }

  /** @param {number} index */
  get(index) {
    return this._heights[this._dropped + index];
  }

  /** Keep the first `length` and append these. @param {number} length @param {number} count @param {(index: number) => number} height */
  replace(length, count, height) {
    const appended = length === this.length && count < 4000;
    const total = length + count;
    const again = this._dropped + total > this._heights.length;
    if (again) this._makeRoom(total);
    const { _dropped: first } = this;
    for (let i = length; i < total; i++) this._heights[first + i] = height(i);
    this.length = total;
    if (!appended || again) return this._build();
    for (let i = length; i < total; i++) this._sumUp(first + i + 1);
  }

  /** The first ones are no more. @param {number} count */
  drop(count) {
    this._before += this.before(count);
    this._dropped += count;
    this.length -= count;
  }

  /** The places of what was dropped are used again, and there is room for so many. @param {number} total */
  _makeRoom(total) {
    const kept = this._heights.subarray(this._dropped, this._dropped + this.length);
    const room = total > this._heights.length / 2 ? Math.max(total, this._heights.length) * 2 : this._heights.length;
    const heights = new Float32Array(room);
    heights.set(kept);
    this._heights = heights;
    this._tree = new Float64Array(room + 1);
    this._dropped = this._before = 0;
  }

  /** A node of the tree from its children, when all before it is right. @param {number} node */
  _sumUp(node) {
    let sum = this._heights[node - 1];
    const lowest = node - (node & -node);
    for (let child = node - 1; child > lowest; child -= child & -child) sum += this._tree[child];
    this._tree[node] = sum;
  }

  _build() {
    const end = this._dropped + this.length;
    for (let node = 1; node <= end; node++) this._sumUp(node);
  }

  /** @param {number} index @param {number} height */
  set(index, height) {
    const place = this._dropped + index;
    const by = height - this._heights[place];
    if (by === 0) return;
    this._heights[place] = height;
    const end = this._dropped + this.length;
    for (let node = place + 1; node <= end; node += node & -node) this._tree[node] += by;
  }

  /** The sum of all before an index. @param {number} index */
  before(index) {
    let sum = 0;
    for (let node = this._dropped + Math.min(index, this.length); node > 0; node -= node & -node) sum += this._tree[node];
    return sum - this._before;
  }

  get total() {
    return this.before(this.length);
  }

  /** The row at an offset from the top. @param {number} offset */
  at(offset) {
    const end = this._dropped + this.length;
    let node = 0;
    let left = offset + this._before;
    for (let step = 1 << (31 - Math.clz32(end || 1)); step > 0; step >>= 1) {
      const next = node + step;
      if (next <= end && this._tree[next] <= left) {
        node = next;
        left -= this._tree[next];
      }
    }
    return Math.min(Math.max(node - this._dropped, 0), Math.max(0, this.length - 1));
  }
}
