// One clock for two recordings: which moment of the other belongs to a moment of the one. Up to where they part
// it is the same; from there on the one with the same virtual time if both have a ledger, else the one as many
// moments after `joined`, where both went on with the same code, or after they parted.

import { firstAbove } from "./lists.js";
/** @import { Clock, Reader } from "../types.js" */
/**
 * @param {Reader} a
 * @param {Reader} b
 * @param {{ parted: number | null, joined: [number, number] | null }} param2
 * @returns {Clock}
 */
export function makeClock(a, b, { parted, joined }) {
  const part = parted ?? 0; // asked for only if they part
  const timed = Boolean(a.header.ledger && b.header.ledger);
  /** @param {Reader} reader */
  const since = (reader) => {
    const { m_time: time } = reader.recording.columns;
    return time.map((each) => each - time[0]);
  };
  const [ofA, ofB] = [since(a), since(b)];

  // Moments of one time: those of the other follow one by one, as far as there are any.
  /** @param {Reader} from @param {number} moment */
  const atTheSameTime = (from, moment) => {
    const [mine, others] = from === a ? [ofA, ofB] : [ofB, ofA];
    const now = mine[moment];
    const begin = Math.max(part, firstAbove(mine, now - 0.5));
    const first = Math.max(part, firstAbove(others, now - 0.5));
    const end = firstAbove(others, now);
    return end > first ? Math.min(first + moment - begin, end - 1) : Math.max(end - 1, part);
  };

  const [mine, others] = joined ?? [part, part];
  /** @param {Reader} from @param {number} moment */
  const byNumber = (from, moment) => {
    const [here, there] = from === a ? [mine, others] : [others, mine];
    return moment < here ? Math.min(moment, there) : moment - here + there;
  };

  return {
    timed,
    follow(from, to, moment) {
      if (parted === null || moment < parted) return Math.min(moment, to.last);
      return Math.min(timed ? atTheSameTime(from, moment) : byNumber(from, moment), to.last);
    },
  };
}
