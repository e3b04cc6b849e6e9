/**
 * Slots of the networks that stakers run: when each begins, and what is due in it.
 *
 * Belongs here: a table of networks, and arithmetic. Times are milliseconds since the epoch. Pure.
 */

/**
 * @typedef {object} Network
 * @property {string} name
 * @property {number} genesis seconds since the epoch
 * @property {number} seconds per slot
 * @property {number} slots per epoch
 */

/** @type {Network[]} */
export const NETWORKS = [
  { name: "mainnet", genesis: 1_606_824_023, seconds: 12, slots: 32 },
  { name: "hoodi", genesis: 1_742_213_400, seconds: 12, slots: 32 },
  { name: "sepolia", genesis: 1_655_733_600, seconds: 12, slots: 32 },
  { name: "gnosis", genesis: 1_638_993_340, seconds: 5, slots: 16 },
];

/** A line names a slot that is going on, or one of a few before. */
const OLDEST = 64;

/** The network on which a slot fits a time; null for none. @param {number} slot @param {number} ms */
export function networkOf(slot, ms) {
  return NETWORKS.find((network) => {
    const now = slotAt(network, ms);
    return slot <= now + 1 && slot >= now - OLDEST;
  }) ?? null;
}

/** @param {Network} network @param {number} ms */
export const slotAt = (network, ms) => Math.floor((ms / 1000 - network.genesis) / network.seconds);

/** @param {Network} network @param {number} slot */
export const slotStart = (network, slot) => (network.genesis + slot * network.seconds) * 1000;

/** @param {Network} network @param {number} slot */
export const epochOf = (network, slot) => Math.floor(slot / network.slots);

/** What is due in a slot: thirds of it until the fork Gloas, which has no epoch on any of these networks yet. @param {Network} network */
export function deadlines(network) {
  const third = network.seconds / 3;
  const short = (/** @type {number} */ n) => String(Math.round(n * 100) / 100);
  return [
    { at: third, word: "attest", text: `${short(third)} s: attestations are due` },
    { at: 2 * third, word: "aggregate", text: `${short(2 * third)} s: aggregates are due` },
  ];
}
