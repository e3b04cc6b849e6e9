import assert from "node:assert/strict";
import { test } from "node:test";
import { Frames } from "../../ethpillar/console/view/frames.js";

/** Frames that are drawn by hand, of which is told what was done in which order. @param {boolean} busy somebody types */
function drawn(busy) {
  /** @type {(() => void)[]} */
  const asked = [];
  /** @type {string[]} */
  const done = [];
  Object.assign(globalThis, { document: { hidden: false, addEventListener: () => {} }, window: globalThis, requestAnimationFrame: (/** @type {() => void} */ act) => asked.push(act) });
  const note = (/** @type {string} */ what) => () => {
    done.push(what);
    return false;
  };
  const parts = { work: note("work"), take: note("take"), paint: note("paint"), rest: () => [note("header"), note("foot")] };
  const frames = new Frames(parts, /** @type {any} */ ({ busy }));
  const draw = async () => {
    asked.splice(0).forEach((act) => act());
    await new Promise((settle) => setTimeout(settle)); // the browser paints, and what was posted comes
    return done.splice(0);
  };
  return { frames, draw };
}

test("what has come is taken before a frame is painted, and while somebody types after it", async () => {
  for (const [busy, order] of /** @type {const} */ ([[false, ["work", "take", "paint"]], [true, ["work", "paint", "take"]]])) {
    const { frames, draw } = drawn(busy);
    frames.again();
    let all = await draw();
    while (all.length < order.length) all = [...all, ...(await draw())];
    assert.deepEqual(all, order);
    frames._after.port1.close();
  }
});

test("what nobody reads faster is painted seldom, unless it can't wait", async () => {
  const { frames, draw } = drawn(false);
  frames.want();
  assert.ok((await draw()).includes("foot"));
  frames.want();
  assert.ok(!(await draw()).includes("header"));
  frames.now();
  assert.ok((await draw()).includes("header"));
  clearTimeout(frames._timer);
  frames._after.port1.close();
});

test("a frame in which the log was painted leaves the rest to the next one, but not two in a row", async () => {
  const { frames, draw } = drawn(false);
  const { paint } = frames._parts;
  frames._parts.paint = () => !paint();
  frames.now();
  assert.ok(!(await draw()).includes("header"));
  frames.again();
  assert.deepEqual((await draw()).slice(-2), ["header", "foot"]);
  frames._after.port1.close();
});
